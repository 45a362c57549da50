using System.Runtime.InteropServices;
using VibePN.Plugins.TunLinux.Native;

namespace VibePN.Plugins.TunLinux.Netlink;

/// <summary>Walks the messages of one datagram from the kernel. Never throws, never reads past the span.</summary>
/// <param name="datagram">What recvfrom returned; borrowed.</param>
internal ref struct NetlinkMessages(ReadOnlySpan<byte> datagram)
{
    private const int HeaderSize = 16;

    private ReadOnlySpan<byte> _rest = datagram;

    /// <summary>The next message; false at the end or at the first byte that makes no sense.</summary>
    public bool TryNext(out NetlinkMessage message)
    {
        message = default;
        if (!MemoryMarshal.TryRead(_rest, out NlMsgHdr header)
            || header.nlmsg_len < HeaderSize || header.nlmsg_len > (uint)_rest.Length)
            return false;
        int length = (int)header.nlmsg_len;
        message = new NetlinkMessage(header, _rest[HeaderSize..length]);
        _rest = _rest[Math.Min(NetlinkAttributes.Align(length), _rest.Length)..];
        return true;
    }
}

/// <summary>One netlink message: its header and what follows it. Borrowed from the datagram.</summary>
internal readonly ref struct NetlinkMessage(NlMsgHdr header, ReadOnlySpan<byte> body)
{
    /// <summary>One of the NLMSG_ or RTM_ numbers.</summary>
    public ushort Type => header.nlmsg_type;

    /// <summary>NLM_F_ bits.</summary>
    public ushort Flags => header.nlmsg_flags;

    /// <summary>The number of the request that this answers; 0 for an announcement.</summary>
    public uint Sequence => header.nlmsg_seq;

    /// <summary>The bytes after the header.</summary>
    public ReadOnlySpan<byte> Body { get; } = body;

    /// <summary>The errno that ended a dump, from NLMSG_DONE; 0 when it ran to its end.</summary>
    public int DumpError => MemoryMarshal.TryRead(Body, out int negated) ? ErrnoOf(negated) : 0;

    /// <summary>Reads an acknowledgement or a refusal.</summary>
    /// <param name="errno">0 for an acknowledgement.</param>
    /// <param name="sentence">The kernel's own words in UTF-8, empty if it has none. Borrowed.</param>
    /// <returns>False when this is no well-formed NLMSG_ERROR.</returns>
    public bool TryReadAcknowledgement(out int errno, out ReadOnlySpan<byte> sentence)
    {
        errno = 0;
        sentence = default;
        if (Type != Rtnetlink.NLMSG_ERROR || !MemoryMarshal.TryRead(Body, out int negated)
            || !MemoryMarshal.TryRead(Body[sizeof(int)..], out NlMsgHdr request))
            return false;
        errno = ErrnoOf(negated);
        if ((Flags & Rtnetlink.NLM_F_ACK_TLVS) == 0)
            return true;
        // A capped answer repeats only the request's header; an uncapped one repeats the whole request.
        uint repeated = (Flags & Rtnetlink.NLM_F_CAPPED) != 0 ? 16 : request.nlmsg_len;
        if (repeated > (uint)(Body.Length - sizeof(int)))
            return true;
        int start = Math.Min(sizeof(int) + NetlinkAttributes.Align((int)repeated), Body.Length);
        var attributes = new NetlinkAttributes(Body[start..]);
        while (attributes.TryNext(out ushort type, out ReadOnlySpan<byte> value))
            if (type == Rtnetlink.NLMSGERR_ATTR_MSG)
                sentence = value.TrimEnd((byte)0);
        return true;
    }

    // The kernel sends 0 or a negative errno; anything positive is not from it and counts as success.
    private static int ErrnoOf(int negated) => negated is < 0 and > int.MinValue ? -negated : 0;
}

/// <summary>Walks attributes (type, length, value). Never throws, never reads past the span.</summary>
/// <param name="bytes">The attributes, back to back, each aligned to 4; borrowed.</param>
internal ref struct NetlinkAttributes(ReadOnlySpan<byte> bytes)
{
    private const int HeaderSize = 4;

    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>The next attribute; false at the end or at the first byte that makes no sense.</summary>
    /// <param name="type">The attribute's number without its flag bits.</param>
    /// <param name="value">Its bytes without padding.</param>
    public bool TryNext(out ushort type, out ReadOnlySpan<byte> value)
    {
        type = 0;
        value = default;
        if (!MemoryMarshal.TryRead(_rest, out RtAttr header)
            || header.rta_len < HeaderSize || header.rta_len > _rest.Length)
            return false;
        type = (ushort)(header.rta_type & Rtnetlink.NLA_TYPE_MASK);
        value = _rest[HeaderSize..header.rta_len];
        _rest = _rest[Math.Min(Align(header.rta_len), _rest.Length)..];
        return true;
    }

    /// <summary>Rounds up to netlink's alignment of 4.</summary>
    public static int Align(int length) => length > int.MaxValue - 3 ? length : (length + 3) & ~3;
}
