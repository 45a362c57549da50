using System.Text.Json;
using CommandLine;
using VibePN.Vpnctl.Control;
using VibePN.Vpnctl.Diagnosis;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Commands;

/// <summary>Options of <c>doctor</c>; the predecessor's, and a few more.</summary>
internal sealed class DoctorOptions : DaemonOptions
{
    [Option("config", MetaValue = "PATH", Default = "/etc/vibepn/config.toml", HelpText = "The configuration to look at.")]
    public string Config { get; set; } = "";

    [Option("plugins", MetaValue = "PATH", Default = "/etc/vibepn/plugins.toml", HelpText = "Which plugin fills which role.")]
    public string Plugins { get; set; } = "";

    [Option("vibepnd", MetaValue = "PATH",
        HelpText = "The daemon's program, which judges. Default: beside vpnctl, in /usr/lib/vibepn, or on the PATH")]
    public string? Program { get; set; }

    [Option("online", HelpText = "Ask the running daemon too: whether peers are reached, and what it warns of.")]
    public bool? Online { get; set; }
}

/// <summary><c>doctor</c>: twenty checks, each with what to do.</summary>
internal static class DoctorCommand
{
    private const int OnlineNumber = 20;
    private const string OnlineTitle = "peers reachable";

    // What the predecessor's scripts test for; docs/decisions/0024.
    private const int SomeFailed = ExitCode.Failed;

    public static int Run(DoctorOptions options, Terminal terminal)
    {
        JsonElement report = DaemonProgram.Find(options.Program).Ask("--doctor", "--config", options.Config, "--plugins", options.Plugins);
        List<CheckRow> checks = [.. report.Items("checks").Select(CheckRow.Of)];
        // A file that cannot be read stops all but the first check.
        if (checks.Count > 1)
            checks.Add(options.Online is true ? AskDaemon(options, report) : NotAsked(options));
        if (options.Json is true)
            JsonView.Write(terminal.Out, writer => DoctorView.Write(writer, options.Config, checks));
        else
            DoctorView.Render(checks, terminal);
        return checks.Any(check => check.Verdict == "fail") ? SomeFailed : ExitCode.Ok;
    }

    private static CheckRow NotAsked(DoctorOptions options) => new(
        OnlineNumber, OnlineTitle, "pass", $"not asked; 'vpnctl doctor --config {options.Config} --online' asks the running daemon", []);

    private static CheckRow AskDaemon(DoctorOptions options, JsonElement report)
    {
        options.Socket ??= report.Text("control_socket");
        try
        {
            return CheckRow.Of(ControlClient.For(options).Call("doctor.online"));
        }
        catch (CommandException error) when (error.ExitCode != ExitCode.Usage)
        {
            string remedy = error.ExitCode switch
            {
                ExitCode.NotAuthorised => "run this as root, or as a member of the socket's group",
                ExitCode.Unreachable => $"start the daemon: systemctl start vibepn, or vibepnd --config {options.Config}; or name its socket with --socket",
                _ => "see the daemon's log; vpnctl and vibepnd must be of one release",
            };
            return new CheckRow(OnlineNumber, OnlineTitle, "fail", $"the daemon was not asked: {error.Message}", [remedy]);
        }
    }
}
