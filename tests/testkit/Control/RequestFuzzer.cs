using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace VibePN.Testkit;

/// <summary>Sends a control socket requests that are damaged, random, or merely odd, and checks that each line back is JSON.</summary>
/// <param name="path">The socket.</param>
/// <param name="seed">The same seed sends the same bytes.</param>
public sealed class RequestFuzzer(string path, int seed)
{
    private const int Batch = 32;

    // Nothing here ends a daemon, and no few changed bytes make one that does.
    private static readonly byte[][] Seeds =
    [.. new[]
    {
        """{"cmd":"status"}""", """{"cmd":"peers","x":{"y":[1,2.5e3,true,null,"\u00e9\\\""]}}""", "{}", "[[[[", "hello",
        """{"v":1,"id":7,"method":"status"}""", """{"v":1,"id":"a","method":"routes","params":{},"deadline_ms":2000,"strict":true}""",
        """{"v":1,"id":8,"method":"peers","params":{"nope":1}}""", """{"v":1,"id":9,"method":"version","deadline_ms":1}""",
        """{"v":1,"id":10,"method":"cancel","params":{"id":7}}""", """{"v":2,"id":11,"method":"status"}""",
        """{"v":1,"id":12,"method":"route.explain","params":{"destination":"10.0.0.1"}}""", """{"v":1,"id":"\ud800"}""",
        """{"v":1,"id":13,"method":"api.describe","params":{"method":"status"}}""", "{\"v\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}",
    }.Select(Encoding.UTF8.GetBytes)];

    private readonly Random _random = new(seed);
    private long _sentinel;

    /// <summary>Requests sent.</summary>
    public long Sent { get; private set; }

    /// <summary>Lines that came back.</summary>
    public long Lines { get; private set; }

    /// <summary>Connections used.</summary>
    public long Connections { get; private set; }

    /// <summary>Sends so many requests.</summary>
    /// <exception cref="JsonException">A line that came back is no JSON.</exception>
    public void Run(long requests)
    {
        while (Sent < requests)
        {
            using LineSocket? client = Connect();
            if (client is null)
                continue;
            Connections++;
            for (int batches = 1 + _random.Next(64); batches > 0 && Sent < requests && RunBatch(client); batches--)
            {
            }
        }
    }

    private LineSocket? Connect()
    {
        try
        {
            return new LineSocket(path);
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.WouldBlock)
        {
            // The kernel's queue is full of other clients of the test.
            Thread.Sleep(1);
            return null;
        }
    }

    // False when the daemon closed, as it does after a request in the old form and after what cannot be cut into lines.
    private bool RunBatch(LineSocket client)
    {
        using var bytes = new MemoryStream();
        // A connection that begins with version 1 outlives bad lines, so most do.
        if (_random.Next(8) > 0)
            bytes.Write("{\"v\":1,\"id\":0,\"method\":\"version\"}\n"u8);
        for (int i = 0; i < Batch; i++)
        {
            bytes.Write(Mutation());
            bytes.WriteByte((byte)'\n');
        }
        Sent += Batch;
        string sentinel = $"s{_sentinel++}";
        bytes.Write(Encoding.UTF8.GetBytes($"\n{{\"v\":1,\"id\":\"{sentinel}\",\"method\":\"version\"}}\n"));
        client.Send(bytes.ToArray());
        byte[] mark = Encoding.UTF8.GetBytes($"\"id\":\"{sentinel}\"");
        while (true)
        {
            ReadOnlySpan<byte> line = client.Read();
            if (line.IsEmpty)
                return false;
            Lines++;
            var reader = new Utf8JsonReader(line);
            while (reader.Read())
            {
            }
            if (line.IndexOf(mark) >= 0)
                return true;
        }
    }

    private byte[] Mutation()
    {
        if (_random.Next(8) == 0)
        {
            byte[] noise = new byte[_random.Next(200)];
            _random.NextBytes(noise);
            return noise;
        }
        // The old form closes the connection: rarer, so that most bytes are read.
        int first = _random.Next(16) == 0 ? 0 : 5;
        byte[] bytes = [.. Seeds[first + _random.Next(Seeds.Length - first)]];
        for (int flips = _random.Next(4); flips > 0; flips--)
            bytes[_random.Next(bytes.Length)] = (byte)_random.Next(256);
        return _random.Next(4) == 0 ? bytes[.._random.Next(bytes.Length + 1)] : bytes;
    }
}
