using System.Buffers.Binary;
using VibePN.Contracts;

namespace VibePN.Engine.Control;

/// <summary>Walks the prefixes of an Announce or a Withdraw (docs/wire-format.md §4.4) without allocating.</summary>
/// <remarks>
/// Body: u8 network, u8 count, then items of u8 family, u8 prefix length, the ceil(length / 8) significant
/// bytes and, in an Announce, u32 metric. An item's size follows from its prefix length alone, so an unknown
/// family or an impossible length spoils its item, never the message.
/// </remarks>
internal ref struct RouteItemReader
{
    /// <summary>Bytes of the shortest Announce body: one item of length 0.</summary>
    public const int SmallestAnnounce = SmallestWithdraw + MetricSize;

    /// <summary>Bytes of the shortest Withdraw body: one item of length 0.</summary>
    public const int SmallestWithdraw = Header + ItemHeader;

    private const int Header = 2;
    private const int ItemHeader = 2;
    private const int MetricSize = 4;

    private static readonly IpPrefix Mapped = IpPrefix.Parse("::ffff:0:0/96");

    private readonly int _metricSize;
    private ReadOnlySpan<byte> _rest;

    private RouteItemReader(byte network, int count, int metricSize, ReadOnlySpan<byte> items)
    {
        Network = network;
        Count = count;
        _metricSize = metricSize;
        _rest = items;
    }

    /// <summary>The sender's number of the network.</summary>
    public byte Network { get; }

    /// <summary>Items in the message, 1 to 255, invalid ones included.</summary>
    public int Count { get; }

    /// <summary>Checks the framing of the whole message, so that walking it cannot fail half-way.</summary>
    /// <param name="frame">An Announce or a Withdraw.</param>
    /// <param name="reader">Stands before the first item; borrows the frame's body.</param>
    /// <returns>False when count and bytes do not agree; the session has to end then.</returns>
    public static bool TryOpen(ControlFrame frame, out RouteItemReader reader)
    {
        reader = default;
        int metricSize = frame.Type == ControlType.Announce ? MetricSize : 0;
        ReadOnlySpan<byte> body = frame.Body;
        if (frame.Type is not (ControlType.Announce or ControlType.Withdraw) || body.Length < Header || body[1] == 0)
            return false;
        ReadOnlySpan<byte> rest = body[Header..];
        for (int i = 0; i < body[1]; i++)
        {
            if (rest.Length < ItemHeader || rest.Length < SizeOf(rest[1], metricSize))
                return false;
            rest = rest[SizeOf(rest[1], metricSize)..];
        }
        if (!rest.IsEmpty)
            return false;
        reader = new RouteItemReader(body[0], body[1], metricSize, body[Header..]);
        return true;
    }

    /// <summary>The next item.</summary>
    /// <returns>False behind the last.</returns>
    public bool TryNext(out RouteItem item)
    {
        item = default;
        if (_rest.IsEmpty)
            return false;
        int size = SizeOf(_rest[1], _metricSize);
        ReadOnlySpan<byte> address = _rest[ItemHeader..(size - _metricSize)];
        uint metric = _metricSize == 0 ? 0 : BinaryPrimitives.ReadUInt32BigEndian(_rest[(size - MetricSize)..]);
        bool valid = TryReadPrefix(_rest[0], _rest[1], address, out IpPrefix prefix)
            && metric != ControlLimits.InfiniteMetric;
        item = new RouteItem(prefix, metric, valid);
        _rest = _rest[size..];
        return true;
    }

    private static int SizeOf(byte prefixLength, int metricSize) =>
        ItemHeader + ((prefixLength + 7) / 8) + metricSize;

    private static bool TryReadPrefix(byte family, byte length, ReadOnlySpan<byte> significant, out IpPrefix prefix)
    {
        prefix = default;
        int width = family switch { 4 => 4, 6 => 16, _ => 0 };
        if (width == 0 || length > width * 8)
            return false;
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        significant.CopyTo(bytes);
        IpAddress address = IpAddress.FromBytes(bytes[..width]);
        prefix = new IpPrefix(address, length);
        // ::ffff:0:0/96 is IPv4 in another dress; two spellings of one block would be two routes.
        return prefix.Address == address && !Mapped.Contains(prefix);
    }
}
