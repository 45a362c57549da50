using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using VibePN.Contracts;

namespace VibePN.Engine.Control;

/// <summary>Writes whole control frames, length field included (docs/wire-format.md §3 and §4).</summary>
/// <remarks>
/// Every method returns the bytes written, or 0 when the destination has no room for the frame; a destination of
/// <see cref="ControlLimits.MaxFrame"/> bytes has room for each. What it is asked to write comes from ourselves, so a
/// value that the protocol cannot carry is a bug and throws.
/// </remarks>
internal static class ControlWriter
{
    /// <summary>The initiator's first message.</summary>
    public static int WriteHello(Span<byte> destination, HelloMessage message)
    {
        var frame = new FrameBuilder(destination, ControlType.Hello);
        frame.Byte(message.MinorVersion);
        frame.UInt64(message.Instance);
        frame.UInt64(message.DialSequence);
        WriteNetworks(ref frame, message.Networks);
        return frame.Finish();
    }

    /// <summary>The responder's first message.</summary>
    public static int WriteHelloAck(Span<byte> destination, HelloAckMessage message)
    {
        var frame = new FrameBuilder(destination, ControlType.HelloAck);
        frame.Byte(message.MinorVersion);
        frame.UInt64(message.Instance);
        frame.UInt64(message.EchoedDialSequence);
        frame.UInt64(message.EchoedInstance);
        WriteNetworks(ref frame, message.Networks);
        return frame.Finish();
    }

    /// <summary>The initiator has seen the HelloAck.</summary>
    public static int WriteConfirm(Span<byte> destination) =>
        new FrameBuilder(destination, ControlType.Confirm).Finish();

    /// <summary>The responder has seen the Confirm.</summary>
    public static int WriteReady(Span<byte> destination) =>
        new FrameBuilder(destination, ControlType.Ready).Finish();

    /// <summary>A new connection is wanted.</summary>
    public static int WriteRenew(Span<byte> destination) =>
        new FrameBuilder(destination, ControlType.Renew).Finish();

    /// <summary>No more packets from us on this connection.</summary>
    public static int WriteDrain(Span<byte> destination) =>
        new FrameBuilder(destination, ControlType.Drain).Finish();

    /// <summary>Prefixes we are a way to.</summary>
    /// <param name="destination">Room for the frame.</param>
    /// <param name="network">Our number of the network.</param>
    /// <param name="items">1 to 255, their metrics below infinity.</param>
    public static int WriteAnnounce(Span<byte> destination, byte network, ReadOnlySpan<RouteItem> items)
    {
        var frame = new FrameBuilder(destination, ControlType.Announce);
        WriteItemHeader(ref frame, network, items.Length);
        foreach (RouteItem item in items)
        {
            ArgumentOutOfRangeException.ThrowIfEqual(item.Metric, ControlLimits.InfiniteMetric, nameof(items));
            WritePrefix(ref frame, item.Prefix);
            frame.UInt32(item.Metric);
        }
        return frame.Finish();
    }

    /// <summary>Prefixes we are no longer a way to.</summary>
    /// <param name="destination">Room for the frame.</param>
    /// <param name="network">Our number of the network.</param>
    /// <param name="prefixes">1 to 255.</param>
    public static int WriteWithdraw(Span<byte> destination, byte network, ReadOnlySpan<IpPrefix> prefixes)
    {
        var frame = new FrameBuilder(destination, ControlType.Withdraw);
        WriteItemHeader(ref frame, network, prefixes.Length);
        foreach (IpPrefix prefix in prefixes)
            WritePrefix(ref frame, prefix);
        return frame.Finish();
    }

    /// <summary>The full set of a network follows.</summary>
    public static int WriteBegin(Span<byte> destination, byte network) =>
        WriteNetwork(destination, ControlType.Begin, network);

    /// <summary>The full set of a network has been announced.</summary>
    public static int WriteEnd(Span<byte> destination, byte network) =>
        WriteNetwork(destination, ControlType.End, network);

    /// <summary>Asks for the full set of a network.</summary>
    public static int WriteRefresh(Span<byte> destination, byte network) =>
        WriteNetwork(destination, ControlType.Refresh, network);

    /// <summary>What we have announced in a network, in short.</summary>
    public static int WriteDigest(Span<byte> destination, DigestMessage message)
    {
        var frame = new FrameBuilder(destination, ControlType.Digest);
        frame.Byte(message.Network);
        frame.UInt32(message.Count);
        frame.UInt64(message.Hash);
        return frame.Finish();
    }

    /// <summary>Asks for a sign of life.</summary>
    public static int WriteKeepalive(Span<byte> destination, ulong token) =>
        WriteToken(destination, ControlType.Keepalive, token);

    /// <summary>The sign of life asked for.</summary>
    public static int WriteKeepaliveReply(Span<byte> destination, ulong token) =>
        WriteToken(destination, ControlType.KeepaliveReply, token);

    /// <summary>We leave.</summary>
    public static int WriteGoodbye(Span<byte> destination, GoodbyeMessage message)
    {
        var frame = new FrameBuilder(destination, ControlType.Goodbye);
        frame.Byte(message.Code);
        frame.UInt16(message.HoldSeconds);
        return frame.Finish();
    }

    /// <summary>How we came to our address.</summary>
    public static int WriteClaim(Span<byte> destination, ClaimMessage message)
    {
        var frame = new FrameBuilder(destination, ControlType.Claim);
        frame.Byte(message.Network);
        WriteAddress(ref frame, message.Address);
        frame.UInt16(message.Index);
        return frame.Finish();
    }

    /// <summary>Another node has the better claim to the receiver's address.</summary>
    public static int WriteClaimLost(Span<byte> destination, ClaimLostMessage message)
    {
        var frame = new FrameBuilder(destination, ControlType.ClaimLost);
        frame.Byte(message.Network);
        WriteAddress(ref frame, message.Address);
        frame.Byte(message.IsAuto ? (byte)1 : (byte)0);
        Span<byte> winner = stackalloc byte[Fingerprint.Length];
        message.Winner.CopyTo(winner);
        frame.Bytes(winner);
        return frame.Finish();
    }

    /// <summary>First step of comparing short digits.</summary>
    public static int WriteVerifyCommit(Span<byte> destination, ReadOnlySpan<byte> commitment) =>
        WriteFixed(destination, ControlType.VerifyCommit, commitment, VerifyCommitMessage.Body);

    /// <summary>Second step.</summary>
    /// <param name="destination">Room for the frame.</param>
    /// <param name="commitmentAndNonce">The commitment it answers, then our nonce.</param>
    public static int WriteVerifyNonce(Span<byte> destination, ReadOnlySpan<byte> commitmentAndNonce) =>
        WriteFixed(destination, ControlType.VerifyNonce, commitmentAndNonce, VerifyNonceMessage.Body);

    /// <summary>Third step.</summary>
    public static int WriteVerifyReveal(Span<byte> destination, ReadOnlySpan<byte> nonce) =>
        WriteFixed(destination, ControlType.VerifyReveal, nonce, VerifyRevealMessage.Body);

    private static int WriteFixed(Span<byte> destination, ControlType type, ReadOnlySpan<byte> body, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(body.Length, length, nameof(body));
        var frame = new FrameBuilder(destination, type);
        frame.Bytes(body);
        return frame.Finish();
    }

    private static void WriteAddress(ref FrameBuilder frame, IpAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.CopyTo(bytes);
        frame.Byte((byte)address.Family);
        frame.Bytes(bytes[..(address.BitLength / 8)]);
    }

    private static int WriteNetwork(Span<byte> destination, ControlType type, byte network)
    {
        var frame = new FrameBuilder(destination, type);
        frame.Byte(network);
        return frame.Finish();
    }

    private static int WriteToken(Span<byte> destination, ControlType type, ulong token)
    {
        var frame = new FrameBuilder(destination, type);
        frame.UInt64(token);
        return frame.Finish();
    }

    private static void WriteNetworks(ref FrameBuilder frame, ImmutableArray<NumberedNetwork> networks)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(networks.Length, byte.MaxValue, nameof(networks));
        frame.Byte((byte)networks.Length);
        foreach (NumberedNetwork network in networks)
        {
            byte[] name = Encoding.UTF8.GetBytes(network.Name);
            if (!NetworkList.IsName(name))
                throw new ArgumentException($"'{network.Name}' is no network name.", nameof(networks));
            frame.Byte(network.Number);
            frame.Byte((byte)name.Length);
            frame.Bytes(name);
        }
    }

    private static void WriteItemHeader(ref FrameBuilder frame, byte network, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, ControlLimits.MaxItems);
        frame.Byte(network);
        frame.Byte((byte)count);
    }

    private static void WritePrefix(ref FrameBuilder frame, IpPrefix prefix)
    {
        if (prefix.Family == IpFamily.None)
            throw new ArgumentException("The default prefix cannot be announced.", nameof(prefix));
        Span<byte> address = stackalloc byte[16];
        prefix.Address.CopyTo(address);
        frame.Byte((byte)prefix.Family);
        frame.Byte(prefix.Length);
        frame.Bytes(address[..((prefix.Length + 7) / 8)]);
    }

    /// <summary>Fills a destination and remembers whether everything had room.</summary>
    private ref struct FrameBuilder
    {
        private readonly Span<byte> _destination;
        private int _length;

        public FrameBuilder(Span<byte> destination, ControlType type)
        {
            _destination = destination[..Math.Min(destination.Length, ControlLimits.MaxFrame)];
            _length = ControlLimits.LengthField;
            Byte((byte)type);
        }

        public void Byte(byte value)
        {
            if (TryReserve(1, out Span<byte> room))
                room[0] = value;
        }

        public void UInt16(ushort value)
        {
            if (TryReserve(2, out Span<byte> room))
                BinaryPrimitives.WriteUInt16BigEndian(room, value);
        }

        public void UInt32(uint value)
        {
            if (TryReserve(4, out Span<byte> room))
                BinaryPrimitives.WriteUInt32BigEndian(room, value);
        }

        public void UInt64(ulong value)
        {
            if (TryReserve(8, out Span<byte> room))
                BinaryPrimitives.WriteUInt64BigEndian(room, value);
        }

        public void Bytes(scoped ReadOnlySpan<byte> value)
        {
            if (TryReserve(value.Length, out Span<byte> room))
                value.CopyTo(room);
        }

        /// <summary>Writes the length field.</summary>
        public readonly int Finish()
        {
            if (_length > _destination.Length)
                return 0;
            BinaryPrimitives.WriteUInt16BigEndian(_destination, (ushort)(_length - ControlLimits.LengthField));
            return _length;
        }

        // The length goes on past the end, so that Finish knows.
        private bool TryReserve(int count, out Span<byte> room)
        {
            int start = _length;
            _length += count;
            room = _length <= _destination.Length ? _destination[start.._length] : default;
            return _length <= _destination.Length;
        }
    }
}
