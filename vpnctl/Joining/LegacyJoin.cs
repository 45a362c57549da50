using VibePN.Vpnctl.Commands;
using VibePN.Vpnctl.Configuration;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Joining;

/// <summary>Joining by the predecessor's invite: this side is done here, the other side has to be told by hand.</summary>
internal static class LegacyJoin
{
    public static int Run(JoinOptions options, LegacyInvite invite, Terminal terminal)
    {
        terminal.Error.WriteLine(
            "Warning: this invite is of version 1: unsigned, without an end, and whoever carried it may have changed it. "
            + $"Compare the fingerprint with {invite.Name}'s before you trust it: {invite.Fingerprint}");
        bool isIpv6 = invite.Prefix.Contains(':', StringComparison.Ordinal);
        var edit = new JoinEdit(
            new NetworkEntry(
                invite.Network, isIpv6 ? null : invite.Prefix, isIpv6 ? invite.Prefix : null, options.Address, options.Export ?? true),
            new PeerEntry(invite.Name, [invite.Address], invite.Fingerprint, [invite.Network]));
        var files = NodeFiles.Open(options.ToInit(), options.Force is true);
        string before = files.Config.Text;
        files.Config.Replace(edit.Apply(files.Config.Path, before, out _));
        var starter = new DaemonStarter(options, Path.GetFullPath(options.Config));
        bool runs = starter.RunningNode() is not null;
        if (!runs && options.Start is true && starter.Start() is { } started)
            terminal.Error.WriteLine(started);
        else
            ConfigReload.Run(options, files.Config, before, terminal);
        string label = options.Name ?? System.Net.Dns.GetHostName();
        string command = $"vpnctl add-peer --name {label} --fingerprint {files.Fingerprint} --networks {invite.Network}";
        if (options.Json is true)
        {
            JsonView.Write(terminal.Out, writer =>
            {
                writer.WriteStartObject();
                writer.WriteString("command", command);
                writer.WriteString("config", Path.GetFullPath(options.Config));
                writer.WriteString("fingerprint", files.Fingerprint);
                writer.WriteString("network", invite.Network);
                writer.WriteEndObject();
            });
            return ExitCode.Ok;
        }
        terminal.Out.WriteLine($"Joined {invite.Network} using {Escape.Controls(options.Config)}");
        terminal.Out.WriteLine($"Fingerprint: {files.Fingerprint}");
        terminal.Error.WriteLine($"{invite.Name} does not know this node yet. Run there:\n  {Escape.Controls(command)}");
        return ExitCode.Ok;
    }
}
