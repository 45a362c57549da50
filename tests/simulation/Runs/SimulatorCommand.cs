using System.Globalization;
using VibePN.Engine;

namespace VibePN.Simulation.Runs;

/// <summary>The options of the command line, and what they do.</summary>
internal static class SimulatorCommand
{
    private const string Usage = """
        usage: dotnet run -c Release --project tests/simulation -- OPTION...

          --seeds N        run N seeds, from --first on (1 unless given), on --jobs threads
          --first N        the first seed
          --seed N         run one seed and tell everything about a failure; --verbose tells everything that happens
          --nodes N        so many nodes, whatever the seed says
          --jobs N         threads; as many as processors unless given
          --defect NAME    plant a defect into every engine
          --defects        plant every defect in turn and look for it in up to --seeds seeds (1000 unless given)
          --mesh N         start N nodes with 8 peers each within 10 ms and wait until they are quiet
          --help           this text
        """;

    public static int Run(string[] args, TextWriter output)
    {
        var options = new Options();
        if (options.Read(args) is { } fault)
        {
            Console.Error.WriteLine(fault);
            Console.Error.WriteLine(Usage);
            return 2;
        }
        if (options.Help)
        {
            output.WriteLine(Usage);
            return 0;
        }
        if (options.Mesh > 0)
            return RunMesh(options, output);
        if (options.Defects)
            return HuntDefects(options, output);
        if (options.Seed is { } seed)
            return RunOne(seed, options, output);
        return RunMany(options, output);
    }

    private static int RunOne(long seed, Options options, TextWriter output)
    {
        RunResult result = SimulationRun.Of(seed, options.Nodes, options.Defect, options.Verbose ? output : null);
        output.WriteLine(Report.Summary([result]));
        if (result.Broken is not null)
            output.WriteLine(Report.Failure(result, options.Nodes, options.Defect));
        return result.Broken is null ? 0 : 1;
    }

    private static int RunMesh(Options options, TextWriter output)
    {
        MeshResult result = MeshRun.Of(options.Mesh, options.First);
        output.WriteLine(result.ToString());
        return result.Fault is null ? 0 : 1;
    }

    private static int HuntDefects(Options options, TextWriter output)
    {
        int caught = 0;
        PlantedDefect[] all = DefectHunt.All;
        foreach (PlantedDefect defect in all)
        {
            var hunt = new DefectHunt(defect, options.Seeds ?? DefectHunt.MaxSeeds, options.Jobs);
            RunResult? found = hunt.Run();
            caught += found is null ? 0 : 1;
            output.WriteLine(found is null
                ? $"{defect,-26} not noticed in {hunt.Seeds} seeds"
                : $"{defect,-26} seed {found.Seed,4}: {found.Broken!.Promise}");
        }
        output.WriteLine($"{caught} of {all.Length} planted defects caught");
        return caught == all.Length ? 0 : 1;
    }

    private static int RunMany(Options options, TextWriter output)
    {
        var batch = new SeedBatch(options.First, options.Seeds ?? 100) { Nodes = options.Nodes, Defect = options.Defect, Jobs = options.Jobs };
        RunResult[] results = batch.Run(output);
        output.WriteLine(Report.Summary(results));
        return results.Any(result => result.Broken is not null) ? 1 : 0;
    }

    private sealed class Options
    {
        public long? Seed { get; private set; }

        public int? Seeds { get; private set; }

        public long First { get; private set; } = 1;

        public int Nodes { get; private set; }

        public int Jobs { get; private set; } = Environment.ProcessorCount;

        public int Mesh { get; private set; }

        public bool Defects { get; private set; }

        public bool Verbose { get; private set; }

        public bool Help { get; private set; }

        public PlantedDefect Defect { get; private set; }

        /// <summary>Reads the options.</summary>
        /// <returns>What is wrong with them, or null.</returns>
        public string? Read(string[] args)
        {
            for (int i = 0; i < args.Length; i++)
            {
                string name = args[i];
                if (name is "--help" or "--defects" or "--verbose")
                {
                    Help |= name == "--help";
                    Defects |= name == "--defects";
                    Verbose |= name == "--verbose";
                    continue;
                }
                if (i + 1 == args.Length)
                    return $"{name}: unknown, or without its value.";
                string value = args[++i];
                if (name == "--defect")
                {
                    if (!Enum.TryParse(value, out PlantedDefect defect))
                        return $"There is no defect '{value}'. There are {string.Join(", ", Enum.GetNames<PlantedDefect>())}.";
                    Defect = defect;
                    continue;
                }
                if (!long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long number))
                    return $"{name} takes a number, not '{value}'.";
                if (!Take(name, number))
                    return $"There is no option {name}.";
            }
            return null;
        }

        private bool Take(string name, long number)
        {
            switch (name)
            {
                case "--seed": Seed = number; break;
                case "--seeds": Seeds = (int)number; break;
                case "--first": First = number; break;
                case "--nodes": Nodes = (int)number; break;
                case "--jobs": Jobs = (int)number; break;
                case "--mesh": Mesh = (int)number; break;
                default: return false;
            }
            return true;
        }
    }
}
