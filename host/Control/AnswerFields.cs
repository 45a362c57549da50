using VibePN.Contracts;

namespace VibePN.Host.Control;

/// <summary>The members of answers, as <c>api.describe</c> documents them. A test compares them with real answers.</summary>
internal static class AnswerFields
{
    /// <summary><c>status</c>.</summary>
    public static IReadOnlyList<ControlField> Status { get; } =
    [
        new("config_hash", ControlValueKind.String, "Digest of everything in effect.", Required: true),
        new("health", ControlValueKind.String, "ok or degraded.", Required: true),
        new("health_reason", ControlValueKind.String, "Why it is degraded; empty when it is ok.", Required: true),
        new("network_states", ControlValueKind.Strings, "Each network with its interface, or why it has none.", Required: true),
        new("networks", ControlValueKind.Integer, "Networks configured.", Required: true),
        new("node", ControlValueKind.String, "This node's fingerprint.", Required: true),
        new("offloads", ControlValueKind.Strings, "Offloads in use, and why one is off.", Required: true),
        new("peers", ControlValueKind.Integer, "Peers up.", Required: true),
        new("peers_configured", ControlValueKind.Integer, "Peers configured.", Required: true),
        new("peers_down", ControlValueKind.Strings, "Peers that are not up, with the reason.", Required: true),
        new("pending", ControlValueKind.Strings, "What the files say and waits for the next start.", Required: true),
        new("pid", ControlValueKind.Integer, "Process ID.", Required: true),
        new("routes", ControlValueKind.Integer, "Routes accepted.", Required: true),
        new("uptime", ControlValueKind.String, "Since start, as a Go duration.", Required: true),
        new("version", ControlValueKind.String, "The daemon's version.", Required: true),
        new("warnings", ControlValueKind.Strings, "What is wrong, will be wrong, or is odd; one sentence each.", Required: true),
    ];

    /// <summary>A peer in <c>peers</c>.</summary>
    public static IReadOnlyList<ControlField> Peer { get; } =
    [
        new("address", ControlValueKind.String, "The first configured address."),
        new("addresses", ControlValueKind.Strings, "All configured addresses.", Required: true),
        new("connections", ControlValueKind.Integer, "Connections open.", Required: true),
        new("dropped_packets", ControlValueKind.Integer, "Packets dropped before sending.", Required: true),
        new("id", ControlValueKind.String, "Fingerprint, or empty while unknown.", Required: true),
        new("last_error", ControlValueKind.String, "Why the last try or connection failed, or empty.", Required: true),
        new("last_seen", ControlValueKind.String, "When it was last heard, RFC 3339 UTC."),
        new("loss_permille", ControlValueKind.Integer, "Packets lost of 1,000, smoothed.", Required: true),
        new("max_packet", ControlValueKind.Integer, "Largest inner packet, bytes."),
        new("name", ControlValueKind.String, "The operator's name for it.", Required: true),
        new("networks", ControlValueKind.Strings, "Networks shared.", Required: true),
        new("next_dial_ms", ControlValueKind.Integer, "Until the next dial, ms."),
        new("path_mtu", ControlValueKind.Integer, "UDP payload of the path, bytes."),
        new("remote", ControlValueKind.String, "Its present address."),
        new("role", ControlValueKind.String, "initiator when this node dialled, else responder."),
        new("rtt_ms", ControlValueKind.Number, "Smoothed round trip, ms."),
        new("rx_bytes", ControlValueKind.Integer, "Bytes of inner packets received.", Required: true),
        new("rx_packets", ControlValueKind.Integer, "Inner packets received.", Required: true),
        new("sampled_ms", ControlValueKind.Integer, "When these numbers were taken, ms since the daemon's start.", Required: true),
        new("since", ControlValueKind.String, "Up since, RFC 3339 UTC."),
        new("state", ControlValueKind.String, "up, connecting, waiting or another word.", Required: true),
        new("tx_bytes", ControlValueKind.Integer, "Bytes of inner packets sent.", Required: true),
        new("tx_packets", ControlValueKind.Integer, "Inner packets sent.", Required: true),
    ];

    /// <summary>A network in <c>networks</c>.</summary>
    public static IReadOnlyList<ControlField> Network { get; } =
    [
        new("addresses", ControlValueKind.Strings, "This node's addresses.", Required: true),
        new("bytes_in", ControlValueKind.Integer, "Bytes received from peers.", Required: true),
        new("bytes_out", ControlValueKind.Integer, "Bytes sent to peers.", Required: true),
        new("device", ControlValueKind.String, "The interface's name, or empty.", Required: true),
        new("drops", ControlValueKind.Object, "Packets dropped, by reason.", Required: true),
        new("error", ControlValueKind.String, "Why it has no interface, or empty.", Required: true),
        new("mtu", ControlValueKind.Integer, "The interface's MTU, bytes.", Required: true),
        new("name", ControlValueKind.String, "Its name.", Required: true),
        new("originate", ControlValueKind.Strings, "Prefixes announced for networks behind this node.", Required: true),
        new("packets_in", ControlValueKind.Integer, "Packets received from peers.", Required: true),
        new("packets_out", ControlValueKind.Integer, "Packets sent to peers.", Required: true),
        new("peers_up", ControlValueKind.Integer, "Members up.", Required: true),
    ];

    /// <summary>A route in <c>routes</c>.</summary>
    public static IReadOnlyList<ControlField> Route { get; } =
    [
        new("age_s", ControlValueKind.Integer, "Since it was learned, s.", Required: true),
        new("best", ControlValueKind.Boolean, "Whether packets take it.", Required: true),
        new("expires", ControlValueKind.String, "When it ends unless told again, RFC 3339 UTC."),
        new("metric", ControlValueKind.Integer, "Lower is better.", Required: true),
        new("network", ControlValueKind.String, "The network.", Required: true),
        new("peer", ControlValueKind.String, "The next hop's fingerprint.", Required: true),
        new("peer_name", ControlValueKind.String, "The next hop's name.", Required: true),
        new("prefix", ControlValueKind.String, "Where it leads.", Required: true),
        new("reason", ControlValueKind.String, "Of a refused one: why, as a stable word."),
        new("refused_by", ControlValueKind.String, "Of a refused one: guard, rules, damping or plugin."),
        new("rule", ControlValueKind.String, "Of a refused one: what the configuration's rules said."),
        new("source", ControlValueKind.String, "learned, connected, static or legacy.", Required: true),
        new("stale", ControlValueKind.Boolean, "Whether its peer is away for the moment.", Required: true),
        new("text", ControlValueKind.String, "Of a refused one: why, in one sentence."),
    ];

    /// <summary>A plugin in <c>plugins.list</c>.</summary>
    public static IReadOnlyList<ControlField> Plugin { get; } =
    [
        new("contract", ControlValueKind.String, "Contract version.", Required: true),
        new("file", ControlValueKind.String, "Folder and assembly.", Required: true),
        new("hash", ControlValueKind.String, "SHA-256 of the folder.", Required: true),
        new("name", ControlValueKind.String, "Its name.", Required: true),
        new("role", ControlValueKind.String, "The role it fills.", Required: true),
        new("settings", ControlValueKind.Object, "Its settings, defaults included.", Required: true),
        new("state", ControlValueKind.String, "running, standby, stopped, failed or zombie.", Required: true),
        new("version", ControlValueKind.String, "Its version.", Required: true),
    ];

    /// <summary>A component in <c>log.levels</c>.</summary>
    public static IReadOnlyList<ControlField> LogLevel { get; } =
    [
        new("component", ControlValueKind.String, "Its name; * for those without a level of their own.", Required: true),
        new("level", ControlValueKind.String, "The least severe level that is logged.", Required: true),
        new("set_for", ControlValueKind.String, "The name that an operator gave this level to; null when it is the configuration's."),
        new("until", ControlValueKind.String, "When it returns by itself, RFC 3339 UTC."),
    ];

    /// <summary>An event of <c>events.subscribe</c>; an object with nothing but <c>dropped</c> announces a gap.</summary>
    public static IReadOnlyList<ControlField> Event { get; } =
    [
        new("dropped", ControlValueKind.Integer, "Events that are missing here: the reader was slower than they came."),
        new("kind", ControlValueKind.String, "Such as peer.up."),
        new("network", ControlValueKind.String, "The network concerned."),
        new("peer", ControlValueKind.String, "The peer concerned."),
        new("prefix", ControlValueKind.String, "The prefix concerned."),
        new("reason", ControlValueKind.String, "Why, as a stable word where there is one."),
        new("seq", ControlValueKind.Integer, "Its number; the next one's is larger by 1."),
        new("text", ControlValueKind.String, "What happened, in one sentence."),
        new("time", ControlValueKind.String, "When, RFC 3339 UTC."),
    ];

    /// <summary><c>version</c>.</summary>
    public static IReadOnlyList<ControlField> Version { get; } =
    [
        new("contracts", ControlValueKind.String, "Contract version.", Required: true),
        new("daemon", ControlValueKind.String, "The daemon's version.", Required: true),
        new("runtime", ControlValueKind.String, "The .NET runtime.", Required: true),
    ];

    /// <summary><c>route.explain</c>.</summary>
    public static IReadOnlyList<ControlField> RouteExplanation { get; } =
    [
        new("candidates", ControlValueKind.Objects, "Every announcement that covers it, refused ones too.", Required: true),
        new("covering", ControlValueKind.Strings, "Prefixes that cover it.", Required: true),
        new("destination", ControlValueKind.String, "What was asked.", Required: true),
        new("direction", ControlValueKind.String, "out, or in for a packet from a peer.", Required: true),
        new("drop", ControlValueKind.String, "Why the packet is dropped."),
        new("egress", ControlValueKind.Objects, "The next hops with their connections.", Required: true),
        new("fault", ControlValueKind.String, "Where the routing plugin's words and the table differ."),
        new("local", ControlValueKind.String, "The own address it is."),
        new("matched", ControlValueKind.String, "The prefix that decides."),
        new("network", ControlValueKind.String, "The network."),
        new("peer", ControlValueKind.String, "The peer the packet comes from."),
        new("policy", ControlValueKind.Object, "What the routing plugin says.", Required: true),
        new("source", ControlValueKind.String, "The packet's source."),
        new("source_check", ControlValueKind.Object, "Who may use that source."),
        new("table", ControlValueKind.Object, "The table's version and age.", Required: true),
        new("verdict", ControlValueKind.String, "The answer in a few words.", Required: true),
    ];

    /// <summary>A check in <c>doctor.online</c>.</summary>
    public static IReadOnlyList<ControlField> Check { get; } =
    [
        new("detail", ControlValueKind.String, "What was found.", Required: true),
        new("number", ControlValueKind.Integer, "The check's number.", Required: true),
        new("remedies", ControlValueKind.Strings, "What to do, one edit or command each.", Required: true),
        new("title", ControlValueKind.String, "What is looked at.", Required: true),
        new("verdict", ControlValueKind.String, "pass, warn or fail.", Required: true),
    ];

    /// <summary><c>netcheck.run</c>.</summary>
    public static IReadOnlyList<ControlField> Netcheck { get; } =
    [
        new("clock", ControlValueKind.Object, "The time, and whether something keeps it right.", Required: true),
        new("default_routes", ControlValueKind.Object, "Interfaces of the machine's default routes, by family.", Required: true),
        new("inbound_from", ControlValueKind.Strings, "Peers that dialled this node: packets from there come in.", Required: true),
        new("listen", ControlValueKind.Strings, "Where the configuration has it listen.", Required: true),
        new("nat", ControlValueKind.Object, "The kind of address translation, or why it is unknown.", Required: true),
        new("peers", ControlValueKind.Objects, "The peers: address in use, round trip in ms, path MTU in bytes, last error.", Required: true),
        new("public_addresses", ControlValueKind.Strings, "The machine's own addresses that the internet routes.", Required: true),
        new("sockets", ControlValueKind.Objects, "UDP sockets: address, buffer sizes in bytes, datagrams dropped.", Required: true),
        new("warnings", ControlValueKind.Strings, "What should be looked at.", Required: true),
    ];

    /// <summary>A file in <c>bundle.create</c>.</summary>
    public static IReadOnlyList<ControlField> BundleFile { get; } =
    [
        new("name", ControlValueKind.String, "A bare file name.", Required: true),
        new("text", ControlValueKind.String, "What is in it.", Required: true),
    ];
}
