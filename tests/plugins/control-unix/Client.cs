using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace VibePN.Plugins.ControlUnix.Tests;

/// <summary>A client of version 1 of the protocol that keeps its connection.</summary>
internal sealed class Client(ControlFixture control) : IDisposable
{
    private readonly Socket _socket = control.Connect();
    private readonly List<byte> _rest = [];

    /// <summary>Sends a line.</summary>
    public void Send(string line) => SendBytes(Encoding.UTF8.GetBytes(line + "\n"));

    /// <summary>Sends bytes as they are.</summary>
    public void SendBytes(ReadOnlySpan<byte> bytes) => _socket.Send(bytes, SocketFlags.None, out SocketError _);

    /// <summary>Says that nothing will be sent any more.</summary>
    public void EndSending() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>The next line; null when the daemon closed.</summary>
    public string? Read()
    {
        byte[] buffer = new byte[65536];
        while (true)
        {
            int newline = _rest.IndexOf((byte)'\n');
            if (newline >= 0)
            {
                string line = Encoding.UTF8.GetString([.. _rest[..newline]]);
                _rest.RemoveRange(0, newline + 1);
                return line;
            }
            int received = _socket.Receive(buffer, SocketFlags.None, out SocketError error);
            if (error is SocketError.TimedOut or SocketError.WouldBlock)
                throw new TimeoutException("The daemon neither answered nor closed.");
            if (received <= 0)
                return null;
            _rest.AddRange(buffer.AsSpan(0, received));
        }
    }

    /// <summary>Sends a line and reads one.</summary>
    public string? Ask(string line)
    {
        Send(line);
        return Read();
    }

    /// <summary>Reads lines until one has this id.</summary>
    public JsonElement ReadOf(string id)
    {
        while (Read() is string line)
        {
            JsonElement answer = JsonElement.Parse(line);
            if (answer.GetProperty("id").GetRawText() == id)
                return answer;
        }
        throw new EndOfStreamException($"The daemon closed before it answered {id}.");
    }

    public void Dispose() => _socket.Dispose();
}
