using System.Text.Json;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Commands;

/// <summary>Every command, in the order that help lists them.</summary>
internal static class CommandTable
{
    public static IReadOnlyList<Command> All { get; } =
    [
        Command.Of<WatchOptions>("status", "Show the daemon's health, and how many peers and routes it has.",
            "vpnctl status", (o, t) => DaemonCommands.Watch(o, t, "status", StatusView.Render)),
        Command.Of<NetworkFilterOptions>("peers", "List the peers, connected or not.",
            "vpnctl peers --network corp", (o, t) => DaemonCommands.List(o, t, "peers", "networks", PeersView.Render)),
        Command.Of<NetworkFilterOptions>("routes", "List the routes and where they lead.",
            "vpnctl routes --json", (o, t) => DaemonCommands.List(o, t, "routes", "network", RoutesView.Render)),
        Command.Of<RouteExplainOptions>("route explain", "Say where a packet to an address goes, and why.",
            "vpnctl route explain 192.168.7.20 --network corp --from 10.42.0.9", RouteExplainCommand.Run),
        Command.Of<NetworkFilterOptions>("networks", "List the networks, their interfaces and traffic.",
            "vpnctl networks", (o, t) => DaemonCommands.List(o, t, "networks", "name", NetworksView.Render)),
        Command.Of<EventsOptions>("events", "Tell what happened in the daemon, and what happens.",
            "vpnctl events --follow --since 5m --kind 'peer.*,network.*'", EventsCommand.Run),
        Command.Of<DaemonOptions>("plugins list", "List the plugins that the daemon runs.",
            "vpnctl plugins list", (o, t) => DaemonCommands.Show(o, t, "plugins.list", PluginsView.Render)),
        Command.Of<SwapOptions>("plugins swap", "Let a plugin that stands by take another's place: role routing or trust.",
            "vpnctl plugins swap routing routing-failover --dry-run", ChangeCommands.Swap),
        Command.Of<ReloadOptions>("reload", "Make the daemon read its configuration and its plugins' again.",
            "vpnctl reload --dry-run", ChangeCommands.Reload),
        Command.Of<DaemonOptions>("goodbye", "Disconnect all peers; the daemon stays up.",
            "vpnctl goodbye", (o, t) => DaemonCommands.Show(o, t, "goodbye", RenderDone)),
        Command.Of<DaemonOptions>("shutdown", "Stop the daemon.",
            "vpnctl shutdown", (o, t) => DaemonCommands.Show(o, t, "shutdown", RenderDone)),
        Command.Of<DaemonOptions>("version", "Show the versions of vpnctl and of the daemon.",
            "vpnctl version", VersionCommand.Run),
        Command.Of<InitOptions>("init", "Create this node's identity and a first configuration.",
            "vpnctl init --network corp --prefix 10.42.0.0/24", InitCommand.Run),
        Command.Of<InviteOptions>("invite", "Give another node an invite: signed, good once, for 15 minutes.",
            "vpnctl invite --network corp --address 198.51.100.20:51820", InviteCommands.Create),
        Command.Of<DaemonOptions>("invite list", "List the invites given, and who used them.",
            "vpnctl invite list", (o, t) => DaemonCommands.Show(o, t, "invite.list", InviteCommands.RenderList)),
        Command.Of<InviteRevokeOptions>("invite revoke", "Take an invite back before it is used.",
            "vpnctl invite revoke 1f0c92", InviteCommands.Revoke),
        Command.Of<JoinOptions>("join", "Join a network by an invite of one of its nodes.",
            "vpnctl join --start vibepn-invite-...", JoinCommand.Run),
        Command.Of<AddPeerOptions>("add-peer", "Add a peer to the configuration, and to a running daemon.",
            "vpnctl add-peer --name node2 --address 203.0.113.42:51820 --fingerprint 4f20... --networks corp", PeerCommands.Add),
        Command.Of<RemovePeerOptions>("remove-peer", "Forget a peer that joined by an invite, and end its session.",
            "vpnctl remove-peer node2", PeerCommands.Remove),
        Command.Of<FingerprintOptions>("fingerprint", "Print the fingerprint of a certificate.",
            "vpnctl fingerprint --cert /etc/vibepn/certs/node.crt", FingerprintCommand.Run),
    ];

    private static void RenderDone(JsonElement output, Terminal terminal) => terminal.Out.WriteLine("OK");
}
