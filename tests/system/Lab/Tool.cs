using System.Diagnostics;

namespace VibePN.System.Tests.Lab;

/// <summary>What a tool answered.</summary>
/// <param name="Line">The command as it was called, for messages.</param>
/// <param name="ExitCode">Its exit status.</param>
/// <param name="Output">All of its standard output.</param>
/// <param name="Error">All of its standard error.</param>
internal sealed record ToolResult(string Line, int ExitCode, string Output, string Error)
{
    /// <summary>Both outputs, for messages.</summary>
    public string Text => $"{Line}\nexit {ExitCode}\n{Output}{Error}";

    /// <summary>This result, when the tool succeeded; fails the test with the tool's words otherwise.</summary>
    public ToolResult Succeeded()
    {
        Assert.True(ExitCode == 0, Text);
        return this;
    }
}

/// <summary>Runs tools to their end.</summary>
internal static class Tool
{
    /// <summary>Runs a tool and waits for it, for at most <paramref name="limit"/>.</summary>
    public static async Task<ToolResult> RunAsync(TimeSpan limit, string tool, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(tool, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        string line = $"{tool} {string.Join(' ', start.ArgumentList)}";
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"'{line}' did not start.");
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        using var deadline = new CancellationTokenSource(limit);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"'{line}' did not end within {limit.TotalSeconds} s:\n{await output}{await error}");
        }
        return new ToolResult(line, process.ExitCode, await output, await error);
    }
}
