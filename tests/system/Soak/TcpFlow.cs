using System.Collections.Concurrent;
using System.Net.Sockets;
using VibePN.System.Tests.Lab;

namespace VibePN.System.Tests.Soak;

/// <summary>One TCP connection after the other, as fast as it goes, in writes of all sizes.</summary>
internal sealed class TcpFlow : Flow
{
    private const int Largest = 1 << 28;

    private readonly Socket _listener;
    private readonly BlockingCollection<long> _lengths = [];

    public TcpFlow(Way way) : base("TCP", way)
    {
        _listener = Open(way.To, SocketType.Stream, ProtocolType.Tcp);
        _listener.Bind(way.EndPoint);
        _listener.Listen();
    }

    protected override void Send()
    {
        while (!Stops)
        {
            using Socket socket = Way.From.Namespace.Run(() => new Socket(Way.Target.AddressFamily, SocketType.Stream, ProtocolType.Tcp)
            {
                NoDelay = Random.Next(2) == 0,
                SendTimeout = 60_000,
                ReceiveTimeout = 60_000,
            });
            socket.Connect(Way.EndPoint);
            Book.OnSent();
            int length = Size(Random, 1, Largest);
            long at = 0;
            while (at < length && !Stops)
            {
                int most = Random.Next(10) == 0 ? Random.Next(1, 100) : Random.Next(1, 65_536);
                at += socket.Send(Content.Stream(Way.Number, at, (int)Math.Min(most, length - at)));
            }
            _lengths.Add(at);
            socket.Shutdown(SocketShutdown.Send);
            _ = socket.Receive(new byte[1]); // the other end has read all
        }
    }

    protected override void Receive()
    {
        byte[] buffer = new byte[1 << 16];
        for (int connection = 0; !Over; connection++)
        {
            while (!_listener.Poll(Glance, SelectMode.SelectRead))
            {
                if (Over)
                    return;
            }
            using Socket socket = _listener.Accept();
            socket.ReceiveTimeout = 60_000;
            long at = Read(socket, buffer);
            long sent = _lengths.Take();
            if (at == sent)
                Book.OnReceived(connection, 0);
            else if (at >= 0)
                Book.OnAltered($"{at} bytes came of {sent}");
        }
    }

    // -1 when it was altered on the way; the rest is read, so that the sender can end.
    private long Read(Socket socket, byte[] buffer)
    {
        long at = 0;
        bool equal = true;
        for (int length; (length = socket.Receive(buffer)) > 0; at += length)
        {
            ReadOnlySpan<byte> expected = Content.Stream(Way.Number, at, length);
            if (equal && !expected.SequenceEqual(buffer.AsSpan(0, length)))
            {
                equal = false;
                Book.OnAltered($"connection {Book.Sent - 1}, from byte {at}: {Content.Difference(expected, buffer.AsSpan(0, length))}");
            }
            if (equal)
                Book.OnBytes(length);
        }
        return equal ? at : -1;
    }
}
