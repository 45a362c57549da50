using System.Buffers.Binary;

namespace VibePN.Engine.Control;

/// <summary>Cuts frames out of a control stream: u16 length, u8 type, body (docs/wire-format.md §3).</summary>
/// <remarks>Pure: no state, no exception, no allocation. Every byte is hostile until a frame is returned.</remarks>
internal static class ControlReader
{
    /// <summary>Reads the frame at the front of the source.</summary>
    /// <param name="source">Bytes so far. A wrong frame is found by its first three bytes.</param>
    /// <param name="frame">The frame, or the problem. Its body is borrowed from <paramref name="source"/>.</param>
    /// <param name="consumed">Bytes of the frame and its length field; 0 when incomplete or wrong.</param>
    public static ReadResult TryRead(ReadOnlySpan<byte> source, out ControlFrame frame, out int consumed)
    {
        consumed = 0;
        if (source.Length < ControlLimits.LengthField)
            return NeedMore(out frame);
        int length = BinaryPrimitives.ReadUInt16BigEndian(source);
        if (length == 0)
            return Error(ControlProblem.ZeroLength, out frame);
        if (length > ControlLimits.MaxLength)
            return Error(ControlProblem.TooLong, out frame);
        if (source.Length == ControlLimits.LengthField)
            return NeedMore(out frame);

        var type = (ControlType)source[ControlLimits.LengthField];
        bool known = TryGetBodySize(type, out int smallest, out int largest);
        if (!known && ((byte)type & ControlLimits.OptionalBit) == 0)
            return Error(ControlProblem.UnknownType, out frame);
        if (known && (length - 1 < smallest || length - 1 > largest))
            return Error(ControlProblem.WrongLength, out frame);
        if (source.Length < ControlLimits.LengthField + length)
            return NeedMore(out frame);

        consumed = ControlLimits.LengthField + length;
        frame = new ControlFrame(type, source[(ControlLimits.LengthField + 1)..consumed]);
        return known ? ReadResult.Frame : ReadResult.Skip;
    }

    // The bounds follow from the layouts of docs/wire-format.md §4. For messages with lists they are what any list
    // of their counts can need; the message's own parser checks the rest.
    private static bool TryGetBodySize(ControlType type, out int smallest, out int largest)
    {
        (smallest, largest) = type switch
        {
            ControlType.Hello => (HelloMessage.FixedBody, ControlLimits.MaxLength - 1),
            ControlType.HelloAck => (HelloAckMessage.FixedBody, ControlLimits.MaxLength - 1),
            ControlType.Announce => (RouteItemReader.SmallestAnnounce, ControlLimits.MaxLength - 1),
            ControlType.Withdraw => (RouteItemReader.SmallestWithdraw, ControlLimits.MaxLength - 1),
            ControlType.Confirm or ControlType.Ready or ControlType.Drain or ControlType.Renew => (0, 0),
            ControlType.Begin or ControlType.End or ControlType.Refresh => (NetworkMessage.Body, NetworkMessage.Body),
            ControlType.Digest => (DigestMessage.Body, DigestMessage.Body),
            ControlType.Keepalive or ControlType.KeepaliveReply => (KeepaliveMessage.Body, KeepaliveMessage.Body),
            ControlType.Goodbye => (GoodbyeMessage.Body, GoodbyeMessage.Body),
            ControlType.Claim => (ClaimMessage.SmallestBody, ClaimMessage.LargestBody),
            ControlType.ClaimLost => (ClaimLostMessage.SmallestBody, ClaimLostMessage.LargestBody),
            ControlType.VerifyCommit => (VerifyCommitMessage.Body, VerifyCommitMessage.Body),
            ControlType.VerifyNonce => (VerifyNonceMessage.Body, VerifyNonceMessage.Body),
            ControlType.VerifyReveal => (VerifyRevealMessage.Body, VerifyRevealMessage.Body),
            _ => (-1, -1),
        };
        return smallest >= 0;
    }

    private static ReadResult NeedMore(out ControlFrame frame)
    {
        frame = default;
        return ReadResult.NeedMore;
    }

    private static ReadResult Error(string problem, out ControlFrame frame)
    {
        frame = new ControlFrame(problem);
        return ReadResult.Error;
    }
}
