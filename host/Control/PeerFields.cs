using VibePN.Contracts;

namespace VibePN.Host.Control;

/// <summary>The members of <c>peers.get</c> and of <c>ping.run</c>'s steps, as <c>api.describe</c> documents them.</summary>
internal static class PeerFields
{
    /// <summary><c>peers.get</c>: those of the list, and more.</summary>
    public static IReadOnlyList<ControlField> Detail { get; } =
    [
        .. AnswerFields.Peer,
        new("addresses_tried", ControlValueKind.Objects, "Each configured address with what became of its last try: address, result, time.", Required: true),
        new("advice", ControlValueKind.String, "What to do about a peer that is down; empty when it is up.", Required: true),
        new("barred_s", ControlValueKind.Integer, "How long it is left alone because it went over its limits, s."),
        new("datagrams_lost", ControlValueKind.Integer, "Datagrams to it declared lost, on this connection.", Required: true),
        new("drops", ControlValueKind.Object, "Packets to and from it that were dropped, by reason.", Required: true),
        new("errors", ControlValueKind.Objects, "Its last errors, newest first, 8 at most: text, time.", Required: true),
        new("key_age_s", ControlValueKind.Integer, "Since its connection agreed on keys, s."),
        new("network_details", ControlValueKind.Objects, "Its networks: agreed, bytes_in, bytes_out, name, packets_in, packets_out.", Required: true),
        new("path", ControlValueKind.String, "direct, or down.", Required: true),
        new("queued_bytes", ControlValueKind.Integer, "Bytes that wait to be sent to it.", Required: true),
        new("renews_in_s", ControlValueKind.Integer, "Until this node renews the connection, s."),
        new("routes", ControlValueKind.Objects, "Routes accepted from it, as in routes.", Required: true),
        new("routes_held", ControlValueKind.Boolean, "Whether its routes are kept as a last choice while it is away.", Required: true),
    ];

    /// <summary>A step of <c>ping.run</c>.</summary>
    public static IReadOnlyList<ControlField> Ping { get; } =
    [
        new("address", ControlValueKind.String, "Whom it goes to; in an answer, who answered.", Required: true),
        new("bytes", ControlValueKind.Integer, "Bytes of the answer."),
        new("drop", ControlValueKind.String, "Why the question was not sent."),
        new("hop_limit", ControlValueKind.Integer, "What the answer had left of its hop limit."),
        new("kind", ControlValueKind.String, "begin, answer, lost or dropped.", Required: true),
        new("network", ControlValueKind.String, "The network.", Required: true),
        new("peer", ControlValueKind.String, "The peer that it went through."),
        new("remote", ControlValueKind.String, "The peer's transport address."),
        new("rtt_ms", ControlValueKind.Number, "From the question to the answer, ms."),
        new("seq", ControlValueKind.Integer, "The question's number, from 1."),
        new("source", ControlValueKind.String, "This node's address in the network."),
        new("text", ControlValueKind.String, "Why there is no answer, and what to do."),
    ];
}
