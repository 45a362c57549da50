using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic.Tests;

/// <summary>Floods of first packets from addresses of loopback, each of them a source of its own.</summary>
public sealed class FloodTests
{
    [Fact]
    public async Task Flood_from_one_address_begins_few_handshakes_and_others_get_through()
    {
        await using Node b = await Node.StartAsync();
        await using Node friend = await Node.StartAsync(listen: [At("127.0.0.2")]);
        (ITransportConnection ours, ITransportConnection theirs) = await friend.ConnectAsync(b);
        TimeSpan took = await FloodAsync(b, packets: 3000, _ => "127.9.9.9");
        // What is no handshake fails as soon as it is begun; so many were.
        Assert.InRange(b.Transport.Counters.Failed, 1, 5 + (20 * took.TotalSeconds) + 1);
        Assert.InRange(b.Transport.Counters.TooMany, 3000 - (50 + (50 * took.TotalSeconds) + 1), 3000);
        await using Node stranger = await Node.StartAsync(listen: [At("127.0.0.3")]);
        await stranger.ConnectAsync(b);
        Assert.True(ours.SendControl([1]));
        await Eventually.Holds(() => b.ControlBytes(theirs).Length == 1, "the connection that was there works");
    }

    [Fact]
    public async Task Flood_from_many_addresses_makes_clients_prove_theirs_and_begins_no_more_handshakes_than_that()
    {
        await using Node b = await Node.StartAsync();
        TimeSpan took = await FloodAsync(b, packets: 3000, i => $"127.{10 + (i % 100)}.{i / 100}.1");
        Assert.InRange(b.Transport.Counters.Retries, 1, 3000);
        Assert.InRange(b.Transport.Counters.Failed, 1, 100 + (100 * took.TotalSeconds) + 1);
        await using Node stranger = await Node.StartAsync(listen: [At("127.0.0.3")]);
        await stranger.ConnectAsync(b);
    }

    [Fact]
    public async Task Thirty_two_nodes_behind_one_address_that_start_together_all_get_in()
    {
        await using Node b = await Node.StartAsync();
        var nodes = new List<Node>();
        try
        {
            for (int i = 0; i < 32; i++)
                nodes.Add(await Node.StartAsync(settings: ("socket_buffer_bytes", "262144")));
            foreach (Node node in nodes)
                node.Dial(b.Address);
            await Eventually.Holds(
                () => nodes.TrueForAll(node => !node.Connections.IsEmpty || !node.DialsFailed.IsEmpty), "all dials end", 20);
            Assert.All(nodes, node => Assert.Empty(node.DialsFailed));
            Assert.InRange(b.Transport.Counters.Retries, 1, 32);
            await Eventually.Holds(() => b.Connections.Count == 32, "all are up there");
        }
        finally
        {
            foreach (Node node in nodes)
                await node.DisposeAsync();
        }
    }

    private static async Task<TimeSpan> FloodAsync(Node target, int packets, Func<int, string> source)
    {
        var sockets = new Dictionary<string, Socket>();
        var random = new Random(6);
        var clock = Stopwatch.StartNew();
        try
        {
            long handled = target.Transport.Counters.DatagramsIn;
            for (int i = 0; i < packets; i++)
            {
                string address = source(i);
                if (!sockets.TryGetValue(address, out Socket? socket))
                {
                    socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
                    socket.Bind(At(address));
                    sockets.Add(address, socket);
                }
                socket.SendTo(Initial(random), target.Addresses[0]);
                // Not faster than it is read, so that every packet is judged.
                if (i % 100 == 99)
                    await HandledAsync(target, handled + i + 1);
            }
            await HandledAsync(target, handled + packets);
            return clock.Elapsed;
        }
        finally
        {
            foreach (Socket socket in sockets.Values)
                socket.Dispose();
        }
    }

    private static Task HandledAsync(Node target, long count) =>
        Eventually.Holds(() => Volatile.Read(ref target.Transport.Counters.DatagramsIn) >= count, "the flood is read");

    // A first packet as far as its open part goes: flags, version 1, both IDs, no token, its length.
    private static byte[] Initial(Random random)
    {
        byte[] packet = new byte[1200];
        random.NextBytes(packet);
        byte[] head = [0xc3, 0, 0, 0, 1, 8];
        head.CopyTo(packet, 0);
        packet[14] = 8;
        packet[23] = 0;
        int length = packet.Length - 26;
        packet[24] = (byte)(0x40 | (length >> 8));
        packet[25] = (byte)length;
        return packet;
    }

    private static IPEndPoint At(string address) => new(IPAddress.Parse(address), 0);
}
