using VibePN.Simulation.Runs;

namespace VibePN.Simulation;

/// <summary>The simulator's command line; without one of its own options this is the test program.</summary>
internal static class Program
{
    public static int Main(string[] args)
    {
        if (args.Length > 0 && args.All(argument => argument is not ("--server" or "--internal-msbuild-node"))
            && args[0].StartsWith("--", StringComparison.Ordinal))
            return SimulatorCommand.Run(args, Console.Out);
        return Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args).GetAwaiter().GetResult();
    }
}
