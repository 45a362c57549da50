using System.Net;
using System.Net.Sockets;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic.Tests;

public sealed class ReceiveRingTests
{
    [Fact]
    public void Small_messages_are_taken_many_at_a_time_and_large_ones_few()
    {
        using var ring = new ReceiveRing();
        using Socket receiver = NewReceiver();
        using var sender = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        void Send(int count, int bytes)
        {
            for (int i = 0; i < count; i++)
                sender.SendTo(new byte[bytes], receiver.LocalEndPoint!);
        }
        (int Messages, bool IsFull) Receive() => (ring.Receive((int)receiver.Handle, out bool isFull), isFull);

        Assert.Equal((0, false), Receive());
        Send(8 + 64 + 40, 1_200);
        Assert.Equal((8, true), Receive());
        Assert.Equal((64, true), Receive());
        Assert.Equal((40, false), Receive());
        Send(10, 8_000);
        Assert.Equal((10, false), Receive());
        Send(17, 8_000);
        Assert.Equal((8, true), Receive());
        Assert.Equal((8, true), Receive());
        Assert.Equal((1, false), Receive());
        Send(3, 1_200);
        Assert.Equal((3, false), Receive());
        Send(9, 1_200);
        Assert.Equal((8, true), Receive());
        Assert.Equal((1, false), Receive());
    }

    [Fact]
    public unsafe void Each_of_many_messages_is_whole_and_its_own()
    {
        using var ring = new ReceiveRing();
        using Socket receiver = NewReceiver();
        using var sender = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        for (int i = 0; i < 72; i++)
            sender.SendTo(Enumerable.Repeat((byte)i, 100 + i).ToArray(), receiver.LocalEndPoint!);
        int seen = 0;
        while (ring.Receive((int)receiver.Handle, out _) is > 0 and int messages)
        {
            for (int i = 0; i < messages; i++, seen++)
            {
                byte* data = ring.Message(i, out int length, out int segment, out SocketAddress28 remote, out _);
                Assert.Equal((100 + seen, 100 + seen), (length, segment));
                Assert.Equal(sender.LocalEndPoint is IPEndPoint end ? end.Port : 0, remote.ToEndPoint().Port);
                Assert.True(new ReadOnlySpan<byte>(data, length).IndexOfAnyExcept((byte)seen) < 0);
            }
        }
        Assert.Equal(72, seen);
    }

    private static Socket NewReceiver()
    {
        var receiver = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)
        {
            ReceiveBufferSize = 4 * 1024 * 1024,
        };
        receiver.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return receiver;
    }
}
