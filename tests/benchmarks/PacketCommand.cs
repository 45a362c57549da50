using System.Globalization;

namespace VibePN.Benchmarks;

/// <summary>Measures what is done to each packet on its way.</summary>
internal static class PacketCommand
{
    private const string Help = """
        usage: dotnet run -c Release --project tests/benchmarks -- packets [OPTION...]

        Measures what is done to each packet on its way, without kernel, network or encryption: parsing, checksums, the
        transport's queue, cutting super packets into datagrams, joining segments for the kernel, and reading the
        control protocol. ns per operation, and managed bytes allocated per operation, which must be 0: else the exit
        status is 1.

          --only TEXT         only operations whose name contains TEXT
          --passes N          passes of 16 slices of about 50 µs in a round (default 60)
          --rounds N          rounds over all operations; the best counts (default 3)
          --benchmarkdotnet   take the times from BenchmarkDotNet instead of the short harness (minutes)

        "best" of the short harness is the fastest slice, so it tells what the code takes when nothing interrupts;
        "median" is that of whole passes. Data lies in the caches nearest to the processor, where a busy daemon's
        packets may not.
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
        List<PacketCase> cases = [.. PacketCases.All().Where(one => one.Name.Contains(options.Only, StringComparison.OrdinalIgnoreCase))];
        if (cases.Count == 0)
        {
            Console.Error.WriteLine($"No operation's name contains '{options.Only}'.");
            return 2;
        }
        Report.Machine();
        Measure(cases, options);
        Report.Print(cases, options.BenchmarkDotNet ? "BenchmarkDotNet, mean" : $"short harness, {options.Rounds} rounds of {options.Passes} passes");
        return cases.TrueForAll(one => one.Allocated == 0) ? 0 : 1;
    }

    private static void Measure(List<PacketCase> cases, Options options)
    {
        if (options.BenchmarkDotNet)
        {
            foreach (PacketCase one in cases)
                QuickHarness.Operation(one, PacketCase.MemoryPasses); // for what it allocates
            PacketBenchmark.Measure(cases);
            return;
        }
        for (int round = 0; round < options.Rounds; round++)
        {
            foreach (PacketCase one in cases)
                one.Time = Timing.Better(one.Time, QuickHarness.Operation(one, options.Passes));
        }
    }

    private sealed class Options
    {
        public string Only { get; private set; } = "";
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
                    case "--only": options.Only = Value(); break;
                    case "--passes": options.Passes = Number(Value(), 100_000); break;
                    case "--rounds": options.Rounds = Number(Value(), 1_000); break;
                    default: throw new FormatException($"The option '{option}' is unknown; --help lists what there is.");
                }

                string Value() => ++i < args.Length ? args[i] : throw new FormatException($"{option} needs a value.");
            }
            return options;
        }

        private static int Number(string text, int most) =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= 1 && number <= most
                ? number
                : throw new FormatException($"'{text}' is not a whole number from 1 to {most}.");
    }
}
