using System.Net.Sockets;
using VibePN.System.Tests.Lab;

namespace VibePN.System.Tests.Soak;

/// <summary>How datagrams of a <see cref="UdpFlow"/> leave.</summary>
internal enum UdpKind
{
    /// <summary>One by one, of all sizes: large ones are fragmented.</summary>
    Plain,

    /// <summary>As plain ones, without a checksum, which IPv4 allows.</summary>
    NoChecksum,

    /// <summary>Runs of equal size that the kernel is handed as one.</summary>
    Segments,
}

/// <summary>UDP datagrams, each of which must come as it was sent, or not at all, and in order.</summary>
internal sealed class UdpFlow : Flow
{
    private const int LargestDatagram = 60_000;
    private const int SolSocket = 1;
    private const int SO_NO_CHECK = 11;
    private const int SolUdp = 17;
    private const int UDP_SEGMENT = 103; // linux/udp.h

    private readonly UdpKind _kind;
    private readonly double _perSecond;
    private readonly Socket _from;
    private readonly Socket _to;

    /// <param name="way">From where to where.</param>
    /// <param name="kind">How they leave.</param>
    /// <param name="perSecond">How many a second; of <see cref="UdpKind.Segments"/>, how many runs.</param>
    /// <param name="label">In the place of the kind's name.</param>
    public UdpFlow(Way way, UdpKind kind, double perSecond, string? label = null)
        : base(label ?? (kind switch { UdpKind.Plain => "UDP", UdpKind.NoChecksum => "UDP, checksum 0", _ => "UDP_SEGMENT" }), way)
    {
        (_kind, _perSecond) = (kind, perSecond);
        _to = Open(way.To, SocketType.Dgram, ProtocolType.Udp);
        _to.Bind(way.EndPoint);
        // Not connected: then the kernel numbers the packets of all flows in one row, and no two datagrams that are
        // being put together have one number.
        _from = Open(way.From, SocketType.Dgram, ProtocolType.Udp);
        if (kind == UdpKind.NoChecksum)
            _from.SetRawSocketOption(SolSocket, SO_NO_CHECK, BitConverter.GetBytes(1));
    }

    // What fits one packet with the headers of IP and UDP.
    private int LargestWhole => Way.Mtu - (Way.V6 ? 48 : 28);

    protected override void Send()
    {
        byte[] buffer = new byte[65_536];
        var pace = new Pace(_perSecond);
        for (long number = 0; !Stops; pace.Wait())
        {
            number += _kind == UdpKind.Segments ? SendRun(buffer, number) : SendOne(buffer, number);
        }
    }

    protected override void Receive()
    {
        byte[] buffer = new byte[65_536];
        while (!Over)
        {
            if (!_to.Poll(Glance, SelectMode.SelectRead))
                continue;
            ReadOnlySpan<byte> datagram = buffer.AsSpan(0, _to.Receive(buffer));
            long number = datagram.Length < Content.Header ? GuessNumber(datagram) : Content.NumberOf(datagram);
            if (Content.Is(datagram, Way.Number, number) && (_kind == UdpKind.Segments || SizeOf(number) == datagram.Length))
            {
                Book.OnReceived(number, datagram.Length, isFragmented: datagram.Length > LargestWhole);
                continue;
            }
            byte[] expected = new byte[datagram.Length];
            Content.Fill(expected, Way.Number, number);
            Book.OnAltered($"number {number}, after {Book.Highest}: {Content.Difference(expected, datagram)}");
        }
    }

    private int SendOne(byte[] buffer, long number)
    {
        Span<byte> datagram = buffer.AsSpan(0, SizeOf(number));
        Content.Fill(datagram, Way.Number, number);
        Book.OnSent();
        _from.SendTo(datagram, Way.EndPoint);
        return 1;
    }

    private int SendRun(byte[] buffer, long number)
    {
        int segment = Random.Next(Content.Header, LargestWhole + 1);
        int count = Math.Min(Random.Next(2, 65), LargestDatagram / segment);
        int last = Random.Next(2) == 0 ? segment : Random.Next(Content.Header, segment + 1);
        for (int i = 0; i < count; i++)
            Content.Fill(buffer.AsSpan(i * segment, i == count - 1 ? last : segment), Way.Number, number + i);
        _from.SetRawSocketOption(SolUdp, UDP_SEGMENT, BitConverter.GetBytes(segment));
        Book.OnSent(count);
        _from.SendTo(buffer.AsSpan(0, ((count - 1) * segment) + last), Way.EndPoint);
        return count;
    }

    // Both ends know it, so that a datagram without room for its number is recognised.
    private int SizeOf(long number) => Size(new Random((int)number ^ (Way.Number << 20)), 1, LargestDatagram);

    // The first after the last that came; and else one before it, which was reordered.
    private long GuessNumber(ReadOnlySpan<byte> datagram)
    {
        long highest = Book.Highest;
        for (long number = highest + 1; number < highest + 1_000; number++)
        {
            if (SizeOf(number) == datagram.Length && Content.Is(datagram, Way.Number, number))
                return number;
        }
        for (long number = highest; number > highest - 1_000 && number >= 0; number--)
        {
            if (SizeOf(number) == datagram.Length && Content.Is(datagram, Way.Number, number))
                return number;
        }
        return -1;
    }
}
