using System.Globalization;
using VibePN.Contracts;
using VibePN.Prefixes;

namespace VibePN.Benchmarks;

/// <summary>Measures lookups, memory and builds at several sizes and prints them beside their targets.</summary>
internal static class LookupCommand
{
    private const string Help = """
        usage: dotnet run -c Release --project tests/benchmarks -- lookup [OPTION...]

        Measures the longest-prefix table (prefixes/): ns per lookup alone and in batches of 64, memory, and the
        time to build it anew. Two kinds of tables: "hosts" (hosts of one subnet or /64) and "internet" (prefixes of
        many lengths all over the address space), each asked for 65,536 addresses drawn beforehand.

          --sizes N,N,...     routes in a table (default 1,1000,100000,1000000)
          --family 4|6        one family only
          --kind hosts|internet
                              one kind only
          --passes N          passes over the addresses in a round (default 60)
          --rounds N          rounds over all tables; the best counts (default 3)
          --benchmarkdotnet   take the times of lookups from BenchmarkDotNet instead of the short harness (minutes)

        "best" of the short harness is the sum of the best times of slices of 4,096 addresses, so it tells what the
        code takes when nothing interrupts; "median" is that of whole passes. "dependent" makes each lookup wait for
        the one before. Targets: docs/decisions/0009-lookup.md.
        """;

    public static int Run(string[] args)
    {
        Options options;
        try
        {
            options = Options.Parse(args);
        }
        catch (FormatException e)
        {
            Console.Error.WriteLine(e.Message);
            return 2;
        }
        if (options.Help)
        {
            Console.WriteLine(Help);
            return 0;
        }
        List<LookupCase> cases = Draw(options);
        Report.Machine();
        if (options.BenchmarkDotNet)
            LookupBenchmark.Measure(cases);
        else
            Measure(cases, options);
        Report.Print(cases, options.BenchmarkDotNet ? "BenchmarkDotNet, mean" : $"short harness, {options.Rounds} rounds of {options.Passes} passes");
        return 0;
    }

    private static List<LookupCase> Draw(Options options)
    {
        var cases = new List<LookupCase>();
        foreach (IpFamily family in options.Families)
        {
            foreach (RouteKind kind in options.Kinds)
            {
                foreach (int size in options.Sizes)
                    cases.Add(new LookupCase(family, kind, size));
            }
        }
        return cases;
    }

    private static void Measure(List<LookupCase> cases, Options options)
    {
        for (int round = 0; round < options.Rounds; round++)
        {
            foreach (LookupCase one in cases)
            {
                one.Single = Timing.Better(one.Single, QuickHarness.Single(one.Table, one.Set.Asked, options.Passes));
                one.Batch = Timing.Better(one.Batch, QuickHarness.Batch(one.Table, one.Set.Asked, options.Passes));
                one.Dependent = Timing.Better(one.Dependent, QuickHarness.Dependent(one.Table, one.Set.Asked, options.Passes / 2, zero: 0));
                int builds = one.Size > 10_000 ? 5 : 50;
                one.Build = Timing.Better(one.Build, QuickHarness.Call(builds, () => PrefixTable.Build(one.Set.Entries)));
            }
        }
    }

    private sealed class Options
    {
        public int[] Sizes { get; private set; } = [1, 1_000, 100_000, 1_000_000];
        public IpFamily[] Families { get; private set; } = [IpFamily.V4, IpFamily.V6];
        public RouteKind[] Kinds { get; private set; } = [RouteKind.Hosts, RouteKind.Internet];
        public int Passes { get; private set; } = 60;
        public int Rounds { get; private set; } = 3;
        public bool BenchmarkDotNet { get; private set; }
        public bool Help { get; private set; }

        public static Options Parse(string[] args)
        {
            var options = new Options();
            for (int i = 0; i < args.Length; i++)
            {
                string option = args[i];
                switch (option)
                {
                    case "--help" or "-h": options.Help = true; break;
                    case "--benchmarkdotnet": options.BenchmarkDotNet = true; break;
                    case "--sizes": options.Sizes = [.. Value().Split(',').Select(text => Number(text, 1_000_000))]; break;
                    case "--passes": options.Passes = Number(Value(), 100_000); break;
                    case "--rounds": options.Rounds = Number(Value(), 1_000); break;
                    case "--family": options.Families = [Value() switch { "4" => IpFamily.V4, "6" => IpFamily.V6, _ => throw Wrong() }]; break;
                    case "--kind":
                        options.Kinds = [Value() switch { "hosts" => RouteKind.Hosts, "internet" => RouteKind.Internet, _ => throw Wrong() }];
                        break;
                    default: throw new FormatException($"The option '{option}' is unknown; --help lists what there is.");
                }

                string Value() => ++i < args.Length ? args[i] : throw new FormatException($"{option} needs a value.");
                FormatException Wrong() => new($"{option} does not know '{args[i]}'; --help lists what it takes.");
            }
            return options;
        }

        private static int Number(string text, int most) =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= 1 && number <= most
                ? number
                : throw new FormatException($"'{text}' is not a whole number from 1 to {most}.");
    }
}
