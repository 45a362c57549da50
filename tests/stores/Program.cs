using Xunit.Runner.InProc.SystemConsole;

namespace VibePN.Stores.Tests;

/// <summary>Runs the tests; or, called as <c>write KIND FOLDER</c>, is the writer that they kill.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args) =>
        args is ["write", string kind, string folder] ? Writer.Run(kind, folder) : await ConsoleRunner.Run(args);
}
