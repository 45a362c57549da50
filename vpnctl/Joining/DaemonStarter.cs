using System.Diagnostics;
using System.Text.Json;
using VibePN.Vpnctl.Commands;
using VibePN.Vpnctl.Control;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Joining;

/// <summary>Starts the daemon and waits until it answers.</summary>
/// <param name="options">The socket, and how to start.</param>
/// <param name="config">The configuration that the daemon is to read.</param>
internal sealed class DaemonStarter(StartOptions options, string config)
{
    private const string Unit = "vibepn.service";
    private const int LogLines = 5;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly string[] UnitFolders = ["/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

    /// <summary>The node that a running daemon is; null when none answers.</summary>
    /// <exception cref="CommandException">One answers and refuses.</exception>
    public string? RunningNode()
    {
        try
        {
            return DaemonCall.Ask(options, "status").Text("node") ?? "";
        }
        catch (CommandException error) when (error.ExitCode == ExitCode.Unreachable)
        {
            return null;
        }
    }

    /// <summary>Starts a daemon unless one answers, and waits for it.</summary>
    /// <returns>What was done, in a sentence; null when one was running.</returns>
    /// <exception cref="CommandException">It does not start.</exception>
    public string? Start()
    {
        if (RunningNode() is not null)
            return null;
        bool hasService = Directory.Exists("/run/systemd/system") && UnitFolders.Any(folder => File.Exists(Path.Combine(folder, Unit)));
        if (!hasService)
            return StartDetached();
        Run("systemctl", "start", Unit);
        Await(() => null);
        return $"Started {Unit}.";
    }

    private string StartDetached()
    {
        string daemon = Path.Combine(AppContext.BaseDirectory, "vibepnd");
        if (!File.Exists(daemon))
            throw new CommandException($"There is no {Escape.Controls(daemon)} and no service {Unit} to start. Start the daemon yourself, without --start.");
        MakeLog();
        string[] plugins = PluginsPath() is { } path ? ["--plugins", path] : [];
        // In a session of its own, so that it outlives this terminal; its output goes to the log only.
        var start = new ProcessStartInfo("setsid",
            ["sh", "-c", "log=$1; shift; exec \"$0\" \"$@\" >> \"$log\" 2>&1 < /dev/null", daemon, options.LogPath, "--config", config, .. plugins]);
        using Process process = Process.Start(start) ?? throw new CommandException("'setsid' did not start.");
        Await(() => process.HasExited
            ? $"vibepnd ended with exit code {process.ExitCode}. The end of {Escape.Controls(options.LogPath)}:\n{EndOfLog()}"
            : null);
        return $"Started vibepnd, process {process.Id}; it logs to {Escape.Controls(options.LogPath)}.";
    }

    private string? PluginsPath()
    {
        if (options.Plugins is string given)
            return Path.GetFullPath(given);
        string beside = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "plugins.toml"));
        return File.Exists(beside) ? beside : null;
    }

    private void MakeLog()
    {
        try
        {
            var log = new FileStreamOptions
            {
                Mode = FileMode.Append,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead,
            };
            new FileStream(options.LogPath, log).Dispose();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CommandException($"The log {Escape.Controls(options.LogPath)} cannot be written: {Escape.Controls(error.Message)} Choose another with --log PATH.");
        }
    }

    private string EndOfLog()
    {
        try
        {
            return string.Join('\n', File.ReadLines(options.LogPath).TakeLast(LogLines).Select(line => "  " + Escape.Controls(line)));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return "  " + Escape.Controls(error.Message);
        }
    }

    private void Await(Func<string?> failure)
    {
        long began = Stopwatch.GetTimestamp();
        while (RunningNode() is null)
        {
            if (failure() is { } reason)
                throw new CommandException(reason);
            if (Stopwatch.GetElapsedTime(began) > Patience)
                throw new CommandException($"The daemon was started and does not answer within {Patience.TotalSeconds:0} s. See its log.", ExitCode.TimedOut);
            Thread.Sleep(Interval);
        }
    }

    private static void Run(string tool, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(tool, arguments) { RedirectStandardError = true })
            ?? throw new CommandException($"'{tool}' did not start.");
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new CommandException($"'{tool} {string.Join(' ', arguments)}' failed: {Escape.Controls(error.Trim())}");
    }
}
