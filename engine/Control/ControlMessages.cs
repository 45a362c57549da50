using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace VibePN.Engine.Control;

/// <summary>A network with its sender's number for it, which stands before every packet sent in it.</summary>
/// <param name="Number">The sender's number, 0 to 255.</param>
/// <param name="Name">The name, which both ends share: 1 to 32 of <c>a-z 0-9 . _ -</c>.</param>
internal readonly record struct NumberedNetwork(byte Number, string Name);

/// <summary>The initiator's first message (docs/wire-format.md §4.1).</summary>
/// <param name="MinorVersion">What the sender speaks, from 1.</param>
/// <param name="Instance">Which life of the sender this is; only compared.</param>
/// <param name="DialSequence">The initiator's number of this dial within its instance; only compared.</param>
/// <param name="Networks">The networks the sender shares with this peer; no number and no name twice.</param>
internal sealed record HelloMessage(
    byte MinorVersion, ulong Instance, ulong DialSequence, ImmutableArray<NumberedNetwork> Networks)
{
    /// <summary>Bytes of a body without networks.</summary>
    public const int FixedBody = 1 + 8 + 8 + 1;

    /// <summary>Reads the body of a Hello.</summary>
    /// <returns>False when the body is malformed; the session has to end then.</returns>
    public static bool TryParse(ReadOnlySpan<byte> body, [NotNullWhen(true)] out HelloMessage? message)
    {
        message = null;
        if (body.Length < FixedBody || body[0] == 0 || !NetworkList.TryParse(body[17..], out var networks))
            return false;
        message = new HelloMessage(
            body[0],
            BinaryPrimitives.ReadUInt64BigEndian(body[1..]),
            BinaryPrimitives.ReadUInt64BigEndian(body[9..]),
            networks);
        return true;
    }
}

/// <summary>The responder's first message (docs/wire-format.md §4.2).</summary>
/// <param name="MinorVersion">What the sender speaks, from 1.</param>
/// <param name="Instance">Which life of the responder this is; only compared.</param>
/// <param name="EchoedDialSequence">The dial sequence of the Hello it answers.</param>
/// <param name="EchoedInstance">The initiator's instance, of the Hello it answers.</param>
/// <param name="Networks">The networks the sender shares with this peer; no number and no name twice.</param>
internal sealed record HelloAckMessage(
    byte MinorVersion, ulong Instance, ulong EchoedDialSequence, ulong EchoedInstance,
    ImmutableArray<NumberedNetwork> Networks)
{
    /// <summary>Bytes of a body without networks.</summary>
    public const int FixedBody = 1 + 8 + 8 + 8 + 1;

    /// <summary>Reads the body of a HelloAck.</summary>
    /// <returns>False when the body is malformed; the session has to end then.</returns>
    public static bool TryParse(ReadOnlySpan<byte> body, [NotNullWhen(true)] out HelloAckMessage? message)
    {
        message = null;
        if (body.Length < FixedBody || body[0] == 0 || !NetworkList.TryParse(body[25..], out var networks))
            return false;
        message = new HelloAckMessage(
            body[0],
            BinaryPrimitives.ReadUInt64BigEndian(body[1..]),
            BinaryPrimitives.ReadUInt64BigEndian(body[9..]),
            BinaryPrimitives.ReadUInt64BigEndian(body[17..]),
            networks);
        return true;
    }
}

/// <summary>The body of an End or a Refresh: which network is meant.</summary>
/// <param name="Network">The sender's number of the network.</param>
internal readonly record struct NetworkMessage(byte Network)
{
    /// <summary>Bytes of a body.</summary>
    public const int Body = 1;

    /// <summary>Reads the body of an End or a Refresh.</summary>
    public static bool TryParse(ReadOnlySpan<byte> body, out NetworkMessage message)
    {
        message = body.Length == Body ? new NetworkMessage(body[0]) : default;
        return body.Length == Body;
    }
}

/// <summary>What the sender has announced in a network, in short, to tell whether both ends agree.</summary>
/// <param name="Network">The sender's number of the network.</param>
/// <param name="Count">Prefixes announced; only compared.</param>
/// <param name="Hash">A hash over them; only compared.</param>
internal readonly record struct DigestMessage(byte Network, uint Count, ulong Hash)
{
    /// <summary>Bytes of a body.</summary>
    public const int Body = 1 + 4 + 8;

    /// <summary>Reads the body of a Digest.</summary>
    public static bool TryParse(ReadOnlySpan<byte> body, out DigestMessage message)
    {
        message = default;
        if (body.Length != Body)
            return false;
        message = new DigestMessage(
            body[0],
            BinaryPrimitives.ReadUInt32BigEndian(body[1..]),
            BinaryPrimitives.ReadUInt64BigEndian(body[5..]));
        return true;
    }
}

/// <summary>The body of a Keepalive and of its reply.</summary>
/// <param name="Token">Whatever the asking side chose; the reply repeats it.</param>
internal readonly record struct KeepaliveMessage(ulong Token)
{
    /// <summary>Bytes of a body.</summary>
    public const int Body = 8;

    /// <summary>Reads the body of a Keepalive or a KeepaliveReply.</summary>
    public static bool TryParse(ReadOnlySpan<byte> body, out KeepaliveMessage message)
    {
        message = body.Length == Body ? new KeepaliveMessage(BinaryPrimitives.ReadUInt64BigEndian(body)) : default;
        return body.Length == Body;
    }
}

/// <summary>The sender leaves (docs/wire-format.md §4.8).</summary>
/// <param name="Code">Why: a <see cref="VibePN.Contracts.CloseCode"/> below 256. Unknown codes mean "none".</param>
/// <param name="HoldSeconds">
/// How long the sender asks its routes to be kept as stale; 0 for not at all. The receiver caps it.
/// </param>
internal readonly record struct GoodbyeMessage(byte Code, ushort HoldSeconds)
{
    /// <summary>Bytes of a body.</summary>
    public const int Body = 3;

    /// <summary>Reads the body of a Goodbye.</summary>
    public static bool TryParse(ReadOnlySpan<byte> body, out GoodbyeMessage message)
    {
        message = default;
        if (body.Length != Body)
            return false;
        message = new GoodbyeMessage(body[0], BinaryPrimitives.ReadUInt16BigEndian(body[1..]));
        return true;
    }
}
