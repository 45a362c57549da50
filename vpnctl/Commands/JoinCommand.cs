using System.Diagnostics;
using System.Text.Json;
using CommandLine;
using VibePN.Invites;
using VibePN.Vpnctl.Configuration;
using VibePN.Vpnctl.Control;
using VibePN.Vpnctl.Joining;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Commands;

/// <summary>Options of <c>join</c>; the predecessor's, and a few more.</summary>
internal sealed class JoinOptions : StartOptions
{
    [Option("invite", MetaValue = "CODE", HelpText = "The invite, where it is not given as a word.")]
    public string? Invite { get; set; }

    [Option("invite-file", MetaValue = "FILE", HelpText = "A file that holds the invite; - reads the standard input.")]
    public string? InviteFile { get; set; }

    [Option("config", MetaValue = "PATH", Default = "/etc/vibepn/config.toml", HelpText = "The configuration to add to, or to write.")]
    public string Config { get; set; } = "";

    [Option("cert", MetaValue = "PATH", Default = InitOptions.DefaultCertificate, HelpText = "The certificate to write when there is no configuration.")]
    public string Certificate { get; set; } = "";

    [Option("key", MetaValue = "PATH", Default = InitOptions.DefaultKey, HelpText = "The private key to write when there is no configuration.")]
    public string Key { get; set; } = "";

    [Option("name", MetaValue = "NAME", HelpText = "What the other node shall call this one. Default: the host's name")]
    public string? Name { get; set; }

    [Option("address", MetaValue = "ADDRESS", Default = "auto", HelpText = "This node's IPv4 address in the network.")]
    public string Address { get; set; } = "";

    [Option("export", HelpText = "Announce this node's address to its peers; --export=false to keep it back.")]
    public bool? Export { get; set; }

    [Option("listen", MetaValue = "ADDRESSES", Default = InitOptions.DefaultListen,
        HelpText = "Where peers can reach this node, written when there is no configuration.")]
    public string Listen { get; set; } = "";

    [Option("force", HelpText = "Replace configuration and identity that exist. A new key is a new identity.")]
    public bool? Force { get; set; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> WordNames => ["[CODE]"];

    /// <summary>What <c>init</c> would be told.</summary>
    public InitOptions ToInit() => new()
    {
        Config = Config,
        Certificate = Certificate,
        Key = Key,
        Name = Name,
        Listen = Listen,
        Socket = Socket,
        Network = "corp",
        Prefix = "10.42.0.0/24",
        Address = "auto",
    };
}

/// <summary><c>join</c>: from an invite to a peer. What the inviter refuses changes nothing.</summary>
internal static class JoinCommand
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static int Run(JoinOptions options, Terminal terminal)
    {
        string text = CodeOf(options).Trim();
        return text.StartsWith('{')
            ? LegacyJoin.Run(options, LegacyInvite.Read(text), terminal)
            : Run(options, text, InviteOf(text), terminal);
    }

    private static int Run(JoinOptions options, string code, Invite invite, Terminal terminal)
    {
        JoinEdit edit = EditOf(options, invite);
        var starter = new DaemonStarter(options, Path.GetFullPath(options.Config));
        string? running = starter.RunningNode();
        bool isNew = !File.Exists(options.Config) || options.Force is true;
        if (running is null && options.Start is not true)
            throw new CommandException(
                "No daemon answers, and joining needs one. Nothing was changed. --start starts it; --socket PATH names another.",
                ExitCode.Unreachable);
        if (running is not null && isNew)
            throw new CommandException(
                $"A daemon runs already, but not with {Escape.Controls(options.Config)}, which would be made anew. Say its configuration with --config, or stop it first.");
        var files = NodeFiles.Open(options.ToInit(), options.Force is true);
        if (files.Fingerprint == invite.InviterFingerprint)
            throw new CommandException("This invite is this node's own. Redeem it on another node.");
        _ = edit.Apply(files.Config.Path, files.Config.Text, out _); // what does not fit is found before the invite is used
        if (starter.Start() is { } started)
            terminal.Error.WriteLine(started);
        RequireSameNode(starter, files, options);
        JsonElement redeemed = Redeem(options, code, terminal, files);
        // The file may have changed while the invite was redeemed.
        var config = ConfigFile.Read(files.Config.Path);
        string before = config.Text;
        config.Replace(edit.Apply(config.Path, before, out string peer));
        ConfigReload.Run(options, config, before, terminal);
        bool isUp = AwaitPeer(options, invite.InviterFingerprint);
        Report(options, terminal, invite.Network, files.Fingerprint, peer, isUp, redeemed);
        return ExitCode.Ok;
    }

    private static string CodeOf(JoinOptions options)
    {
        string? word = options.Words.FirstOrDefault();
        string[] given = [.. new[] { word, options.Invite, options.InviteFile }.OfType<string>()];
        if (given.Length != 1)
            throw new CommandException(
                $"vpnctl join: {(given.Length == 0 ? "the invite is missing" : "more than one invite is given")}. Give it as a word, with --invite CODE or with --invite-file FILE.",
                ExitCode.Usage);
        string? path = options.InviteFile ?? (given[0] == "-" ? "-" : null);
        if (path is null)
            return given[0];
        try
        {
            using TextReader reader = path == "-" ? Console.In : new StreamReader(path);
            char[] buffer = new char[InviteText.MaxLength * 2];
            return new string(buffer, 0, reader.ReadBlock(buffer));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CommandException($"The invite {Escape.Controls(path)} cannot be read: {Escape.Controls(error.Message)}");
        }
    }

    private static Invite InviteOf(string text)
    {
        Invite invite = InviteText.Read(text, out InviteProblem problem)
            ?? throw new CommandException(InviteText.Describe(problem) + " Nothing was changed.");
        return TimeProvider.System.GetUtcNow() <= invite.NotAfter
            ? invite
            : throw new CommandException(
                $"The invite expired at {invite.NotAfter.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}. Ask for a new one, or set this machine's clock if it is wrong. Nothing was changed.");
    }

    private static JoinEdit EditOf(JoinOptions options, Invite invite) => new(
        new NetworkEntry(
            invite.Network, invite.Prefix?.ToString(), invite.Prefix6?.ToString(), options.Address, options.Export ?? true),
        new PeerEntry(invite.InviterName, [.. invite.Addresses], invite.InviterFingerprint, [invite.Network]));

    private static void RequireSameNode(DaemonStarter starter, NodeFiles files, JoinOptions options)
    {
        if (starter.RunningNode() is { Length: > 0 } node && node != files.Fingerprint)
            throw new CommandException(
                $"The daemon that answers is {node}, but {Escape.Controls(options.Config)} is the configuration of {files.Fingerprint}. "
                + "Say the one that belongs to the daemon with --config. Nothing was changed.");
    }

    private static JsonElement Redeem(JoinOptions options, string code, Terminal terminal, NodeFiles files)
    {
        try
        {
            return DaemonCall.Ask(options, "invite.redeem", writer =>
            {
                writer.WriteString("invite", code);
                if (options.Name is string name)
                    writer.WriteString("name", name);
            });
        }
        catch (CommandException) when (files.IsNew)
        {
            terminal.Error.WriteLine($"This node's identity, {Escape.Controls(files.Config.Path)} and daemon are ready; only the invite was refused.");
            throw;
        }
    }

    private static bool AwaitPeer(DaemonOptions options, string fingerprint)
    {
        long began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < Patience)
        {
            JsonElement peers = DaemonCall.Ask(options, "peers");
            if (peers.ValueKind == JsonValueKind.Array
                && peers.EnumerateArray().Any(peer => peer.Text("id") == fingerprint && peer.Text("state") == "up"))
                return true;
            Thread.Sleep(Interval);
        }
        return false;
    }

    private static void Report(
        JoinOptions options, Terminal terminal, string network, string fingerprint, string peer, bool isUp, JsonElement redeemed)
    {
        if (options.Json is true)
        {
            JsonView.Write(terminal.Out, writer =>
            {
                writer.WriteStartObject();
                writer.WriteString("config", Path.GetFullPath(options.Config));
                writer.WriteBoolean("connected", isUp);
                writer.WriteString("fingerprint", fingerprint);
                writer.WriteString("name", redeemed.Text("name"));
                writer.WriteString("network", network);
                writer.WriteString("peer", peer);
                writer.WriteEndObject();
            });
            return;
        }
        terminal.Out.WriteLine($"Joined {network} using {Escape.Controls(options.Config)}");
        terminal.Out.WriteLine($"Fingerprint: {fingerprint}");
        terminal.Out.WriteLine(isUp
            ? $"Connected to {peer}, which calls this node {redeemed.Clean("name")}."
            : $"Not connected to {peer} yet: 'vpnctl peers' shows why.");
        JsonElement networks = DaemonCall.Ask(options, "networks");
        foreach (JsonElement row in networks.ValueKind == JsonValueKind.Array ? [.. networks.EnumerateArray()] : Array.Empty<JsonElement>())
        {
            if (row.Text("name") == network)
                terminal.Out.WriteLine($"Addresses: {row.Joined("addresses")}");
        }
    }
}
