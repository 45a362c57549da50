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
        Command.Of<PeersOptions>("peers", "List the peers, connected or not, or show everything about one.",
            "vpnctl peers node2", PeersCommand.Run),
        Command.Of<PeerOrderOptions>("peers disconnect", "End a peer's connections; it is dialled again after a short wait.",
            "vpnctl peers disconnect node2", (o, t) => PeersCommand.Order(o, t, "peers.disconnect")),
        Command.Of<PeerOrderOptions>("peers reconnect", "Dial a peer at once, whatever failed before.",
            "vpnctl peers reconnect node2", (o, t) => PeersCommand.Order(o, t, "peers.reconnect")),
        Command.Of<RoutesOptions>("routes", "List the routes and where they lead, or what is refused and why.",
            "vpnctl routes --filtered --network corp", RoutesCommand.Run),
        Command.Of<RouteExplainOptions>("route explain", "Say where a packet to an address goes, and why.",
            "vpnctl route explain 192.168.7.20 --network corp --from 10.42.0.9", RouteExplainCommand.Run),
        Command.Of<NetworkFilterOptions>("networks", "List the networks, their interfaces and traffic.",
            "vpnctl networks", (o, t) => DaemonCommands.List(o, t, "networks", "name", NetworksView.Render)),
        Command.Of<EventsOptions>("events", "Tell what happened in the daemon, and what happens.",
            "vpnctl events --follow --since 5m --kind 'peer.*,network.*'", EventsCommand.Run),
        Command.Of<TopOptions>("top", "Show the traffic of all peers as it flows, busiest first.",
            "vpnctl top", TopCommand.Run),
        Command.Of<PingOptions>("ping", "Ping a peer or an address through the overlay, on the way that packets take.",
            "vpnctl ping node2 --count 3", PingCommand.Run),
        Command.Of<WatchOptions>("log levels", "List the components that log, and how much.",
            "vpnctl log levels", (o, t) => LogCommands.Levels(o, t)),
        Command.Of<LogLevelOptions>("log level", "Change how much a component logs, until the next start at most.",
            "vpnctl log level engine/peers debug --for 10m", LogCommands.Level),
        Command.Of<DaemonOptions>("plugins list", "List the plugins that the daemon runs.",
            "vpnctl plugins list", (o, t) => DaemonCommands.Show(o, t, "plugins.list", PluginsView.Render)),
        Command.Of<SwapOptions>("plugins swap", "Let a plugin that stands by take another's place: role routing or trust.",
            "vpnctl plugins swap routing routing-failover --dry-run", ChangeCommands.Swap),
        .. TrustCommands.All,
        Command.Of<ReloadOptions>("reload", "Make the daemon read its configuration and its plugins' again.",
            "vpnctl reload --dry-run", ChangeCommands.Reload),
        Command.Of<DaemonOptions>("goodbye", "Disconnect all peers; the daemon stays up.",
            "vpnctl goodbye", (o, t) => DaemonCommands.Show(o, t, "goodbye", RenderDone)),
        Command.Of<DaemonOptions>("shutdown", "Stop the daemon.",
            "vpnctl shutdown", (o, t) => DaemonCommands.Show(o, t, "shutdown", RenderDone)),
        Command.Of<DaemonOptions>("version", "Show the versions of vpnctl and of the daemon.",
            "vpnctl version", VersionCommand.Run),
        Command.Of<CompletionOptions>("completion", "Print what makes a shell complete vpnctl's words: bash, zsh or fish.",
            "vpnctl completion bash > /etc/bash_completion.d/vpnctl", CompletionCommand.Run),
        Command.Of<DoctorOptions>("doctor", "Look for what keeps this node from working, and say what to do.",
            "vpnctl doctor --online", DoctorCommand.Run),
        Command.Of<DaemonOptions>("netcheck", "Show what is known of this node's place in the network: sockets, routes, peers, clock.",
            "vpnctl netcheck", (o, t) => DaemonCommands.Show(o, t, "netcheck.run", NetcheckView.Render)),
        Command.Of<BundleOptions>("bundle", "Gather state, files and log in one archive for somebody who helps.",
            "vpnctl bundle --redact --out bundle.tar.gz", BundleCommand.Run),
        Command.Of<InitOptions>("init", "Create this node's identity and a first configuration.",
            "vpnctl init --network corp --prefix 10.42.0.0/24", InitCommand.Run),
        Command.Of<FingerprintOptions>("fingerprint", "Print the fingerprint of a certificate.",
            "vpnctl fingerprint --cert /etc/vibepn/certs/node.crt", FingerprintCommand.Run),
    ];

    private static void RenderDone(JsonElement output, Terminal terminal) => terminal.Out.WriteLine("OK");
}
