using System.Net;
using System.Net.Sockets;

namespace VibePN.System.Tests.Lab;

/// <summary>One TCP connection that sends as fast as it goes, on two threads of its own.</summary>
internal sealed class TcpLoad : IDisposable
{
    private readonly Socket _listener;
    private readonly Socket _client;
    private readonly Thread[] _threads;
    private readonly long _bytes;
    private Socket? _server;
    private long _received;
    private volatile bool _ends;

    /// <summary>Connects, and begins to send.</summary>
    /// <param name="from">The node that sends.</param>
    /// <param name="to">The node that receives.</param>
    /// <param name="address">Of the node that receives.</param>
    /// <param name="port">The port there.</param>
    /// <param name="bytes">How much.</param>
    public TcpLoad(Node from, Node to, string address, int port, long bytes = long.MaxValue)
    {
        _bytes = bytes;
        var there = new IPEndPoint(IPAddress.Parse(address), port);
        _listener = to.Namespace.Run(() => new Socket(there.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        _listener.Bind(there);
        _listener.Listen();
        _client = from.Namespace.Run(() => new Socket(there.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        _client.Connect(there);
        _threads = [.. new Action[] { Send, Receive }.Select(run => new Thread(() => Run(run)) { IsBackground = true, Name = $"{from.Name} to {to.Name}" })];
        foreach (Thread thread in _threads)
            thread.Start();
    }

    /// <summary>Bytes that have come.</summary>
    public long Received => Interlocked.Read(ref _received);

    /// <inheritdoc/>
    public void Dispose()
    {
        _ends = true;
        _client.Dispose();
        _server?.Dispose();
        _listener.Dispose();
        foreach (Thread thread in _threads)
            thread.Join();
    }

    // Closing the sockets is what ends the threads.
    private void Run(Action run)
    {
        try
        {
            run();
        }
        catch (Exception e) when ((e is SocketException or ObjectDisposedException) && _ends)
        {
        }
    }

    private void Send()
    {
        byte[] buffer = new byte[1 << 16];
        for (long left = _bytes; left > 0;)
            left -= _client.Send(buffer, (int)Math.Min(buffer.Length, left), SocketFlags.None);
    }

    private void Receive()
    {
        _server = _listener.Accept();
        byte[] buffer = new byte[1 << 16];
        for (int length; (length = _server.Receive(buffer)) > 0;)
            Interlocked.Add(ref _received, length);
    }
}
