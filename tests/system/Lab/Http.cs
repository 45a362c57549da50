using System.Net.Sockets;
using System.Text;

namespace VibePN.System.Tests.Lab;

/// <summary>The least of HTTP, on the calling thread, because only that is inside the namespace.</summary>
internal static class Http
{
    /// <summary>Fetches a page with all its headers.</summary>
    /// <exception cref="SocketException">Nobody answers there.</exception>
    public static string Get(string address, int port, string path)
    {
        using var client = new TcpClient { ReceiveTimeout = 5000 };
        client.Connect(address, port);
        using NetworkStream stream = client.GetStream();
        stream.Write(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"));
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
