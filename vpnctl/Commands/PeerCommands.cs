using System.Text.Json;
using CommandLine;
using VibePN.Vpnctl.Configuration;
using VibePN.Vpnctl.Control;
using VibePN.Vpnctl.Joining;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Commands;

/// <summary>Options of <c>add-peer</c>; the predecessor's, and one more.</summary>
internal sealed class AddPeerOptions : DaemonOptions
{
    [Option("config", MetaValue = "PATH", Default = "/etc/vibepn/config.toml", HelpText = "The configuration to add to.")]
    public string Config { get; set; } = "";

    [Option("name", MetaValue = "NAME", HelpText = "A label for the peer; no other peer has it. Needed")]
    public string? Name { get; set; }

    [Option("address", MetaValue = "HOST:PORT", HelpText = "Where to dial it. Without one it has to dial this node")]
    public string? Address { get; set; }

    [Option("fingerprint", MetaValue = "HEX", HelpText = "Its certificate's fingerprint: nobody else is believed to be it. Without one, the first who answers is")]
    public string? Fingerprint { get; set; }

    [Option("networks", MetaValue = "NAMES", HelpText = "The networks it is a member of, separated by commas. Needed")]
    public string? Networks { get; set; }

    [Option("no-reload", HelpText = "Only write the file; a running daemon is not told.")]
    public bool? NoReload { get; set; }
}

/// <summary>Options of <c>remove-peer</c>.</summary>
internal sealed class RemovePeerOptions : DaemonOptions
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> WordNames => ["NAME"];
}

/// <summary><c>add-peer</c> and <c>remove-peer</c>.</summary>
internal static class PeerCommands
{
    public static int Add(AddPeerOptions options, Terminal terminal)
    {
        PeerEntry peer = PeerOf(options);
        var config = ConfigFile.Read(options.Config);
        string before = config.Text;
        config.Replace(Edit(options.Config, before, peer));
        bool isReloaded = options.NoReload is not true && ConfigReload.Run(options, config, before, terminal);
        if (options.Json is true)
            JsonView.Write(terminal.Out, writer => Write(writer, options.Config, peer, isReloaded));
        else
            terminal.Out.WriteLine($"Added peer {peer.Name} to {Escape.Controls(options.Config)}");
        return ExitCode.Ok;
    }

    public static int Remove(RemovePeerOptions options, Terminal terminal)
    {
        JsonElement output = DaemonCall.Ask(options, "peers.remove", writer => writer.WriteString("name", options.Words.First()));
        if (options.Json is true)
            JsonView.Write(output, terminal.Out);
        else
            terminal.Out.WriteLine(output.Clean("message"));
        return ExitCode.Ok;
    }

    private static PeerEntry PeerOf(AddPeerOptions options)
    {
        string name = PeerFields.Label(options.Name ?? throw Missing("name"), "name");
        string[] networks = (options.Networks ?? throw Missing("networks")).Split(
            ',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (networks.Length == 0)
            throw Missing("networks");
        return new PeerEntry(
            name,
            options.Address is string address ? [PeerFields.Address(address, "address")] : [],
            options.Fingerprint is string fingerprint ? PeerFields.Fingerprint(fingerprint, "fingerprint") : null,
            [.. networks.Distinct()]);
    }

    private static string Edit(string path, string text, PeerEntry peer)
    {
        string shown = Escape.Controls(path);
        var editor = new ConfigEditor(shown, text);
        if (peer.Networks.FirstOrDefault(network => !editor.Networks.Contains(network)) is { } unknown)
            throw new CommandException(
                $"{shown} has no network '{Escape.Controls(unknown)}'. It has: {Escape.Controls(string.Join(", ", editor.Networks.Order(StringComparer.Ordinal)))}.");
        if (editor.Peers.Any(known => TomlTree.Text(known, "name") == peer.Name))
            throw new CommandException($"{shown} has a peer '{peer.Name}' already. Choose another --name, or change its entry.");
        if (peer.Fingerprint is { } fingerprint && editor.Peers.FirstOrDefault(known =>
            string.Equals(TomlTree.Text(known, "fingerprint"), fingerprint, StringComparison.OrdinalIgnoreCase)) is { } same)
            throw new CommandException($"{shown} has this fingerprint already, as peer '{Escape.Controls(TomlTree.Text(same, "name") ?? "")}': one peer is one certificate.");
        editor.AddPeer(peer);
        return editor.Text;
    }

    private static void Write(Utf8JsonWriter writer, string config, PeerEntry peer, bool isReloaded)
    {
        writer.WriteStartObject();
        writer.WriteString("config", Path.GetFullPath(config));
        writer.WriteString("name", peer.Name);
        writer.WriteBoolean("reloaded", isReloaded);
        writer.WriteEndObject();
    }

    private static CommandException Missing(string option) =>
        new($"vpnctl add-peer: --{option} is missing. 'vpnctl add-peer --help' lists its options.", ExitCode.Usage);
}
