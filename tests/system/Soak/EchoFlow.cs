using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace VibePN.System.Tests.Soak;

/// <summary>Echo requests of all sizes, one after the other; the reply must hold what the request held.</summary>
internal sealed class EchoFlow : Flow
{
    private const int IcmpHeader = 8;
    private const int LargestPacket = 65_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly double _perSecond;
    private readonly Socket _socket;

    public EchoFlow(Way way, double perSecond) : base("ICMP echo", way)
    {
        _perSecond = perSecond;
        _socket = Open(way.From, SocketType.Raw, way.V6 ? ProtocolType.IcmpV6 : ProtocolType.Icmp);
    }

    private int IpHeader => Way.V6 ? 40 : 20;

    private byte Request => (byte)(Way.V6 ? 128 : 8);

    private byte Reply => (byte)(Way.V6 ? 129 : 0);

    // The replies come to the socket that asked.
    protected override void Receive()
    {
    }

    protected override void Send()
    {
        byte[] buffer = new byte[65_536];
        byte[] request = new byte[65_536];
        var pace = new Pace(_perSecond);
        for (long number = 0; !Stops; number++, pace.Wait())
        {
            Span<byte> message = request.AsSpan(0, Size(Random, IpHeader + IcmpHeader, LargestPacket) - IpHeader);
            message[..IcmpHeader].Clear();
            message[0] = Request;
            BinaryPrimitives.WriteUInt16BigEndian(message[4..], (ushort)(0x6000 + Way.Number));
            BinaryPrimitives.WriteUInt16BigEndian(message[6..], (ushort)number);
            Content.Fill(message[IcmpHeader..], Way.Number, number);
            if (!Way.V6) // the kernel writes that of ICMPv6
                BinaryPrimitives.WriteUInt16BigEndian(message[2..], Checksum(message));
            Book.OnSent();
            _socket.SendTo(message, new IPEndPoint(Way.Target, 0));
            AwaitReply(message, buffer, number);
        }
    }

    private void AwaitReply(ReadOnlySpan<byte> message, byte[] buffer, long number)
    {
        var watch = global::System.Diagnostics.Stopwatch.StartNew();
        for (TimeSpan left; (left = Patience - watch.Elapsed) > TimeSpan.Zero;)
        {
            if (!_socket.Poll(left, SelectMode.SelectRead))
                return;
            ReadOnlySpan<byte> reply = buffer.AsSpan(0, _socket.Receive(buffer));
            reply = reply[(Way.V6 ? 0 : (reply[0] & 15) * 4)..];
            // The socket sees all of ICMP. The checksum is the kernel's affair, on both sides.
            if (reply.Length < IcmpHeader || reply[0] != Reply || !reply[4..8].SequenceEqual(message[4..8]))
                continue;
            if (reply[IcmpHeader..].SequenceEqual(message[IcmpHeader..]))
                Book.OnReceived(number, reply.Length);
            else
                Book.OnAltered($"number {number}: {Content.Difference(message[IcmpHeader..], reply[IcmpHeader..])}");
            return;
        }
    }

    private static ushort Checksum(ReadOnlySpan<byte> message)
    {
        uint sum = 0;
        for (; message.Length > 1; message = message[2..])
            sum += BinaryPrimitives.ReadUInt16BigEndian(message);
        if (message.Length == 1)
            sum += (uint)message[0] << 8;
        while (sum > 0xFFFF)
            sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)~sum;
    }
}
