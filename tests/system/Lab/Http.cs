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

    /// <summary>Fetches a page's text alone.</summary>
    /// <exception cref="SocketException">Nobody answers there.</exception>
    public static string GetBody(string address, int port, string path)
    {
        string answer = Get(address, port, path);
        int end = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        Assert.True(end > 0 && answer.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal), answer);
        string body = answer[(end + 4)..];
        return answer[..end].Contains("chunked", StringComparison.OrdinalIgnoreCase) ? JoinChunks(body) : body;
    }

    // RFC 9112 §7.1: each chunk is its length in hexadecimal, a line break, the bytes and a line break; the last has none.
    private static string JoinChunks(string body)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        var joined = new MemoryStream();
        for (int at = 0; ;)
        {
            int line = bytes.AsSpan(at).IndexOf("\r\n"u8);
            int length = Convert.ToInt32(Encoding.ASCII.GetString(bytes, at, line), 16);
            if (length == 0)
                return Encoding.UTF8.GetString(joined.ToArray());
            at += line + 2;
            joined.Write(bytes, at, length);
            at += length + 2;
        }
    }
}
