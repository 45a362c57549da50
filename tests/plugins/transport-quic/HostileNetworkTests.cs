using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic.Tests;

public sealed class HostileNetworkTests
{
    [Fact]
    public async Task Loss_repetition_and_reordering_keep_the_connection_and_the_control_stream_whole()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        await using var relay = new Relay(b.Addresses[0]);
        (ITransportConnection ours, ITransportConnection theirs) = await LifeTests.ConnectThroughAsync(a, relay, b);
        relay.Drop = number => number % 11 == 3;
        relay.Repeat = number => number % 7 == 1;
        relay.Delay = number => number % 5 == 2;
        byte[] sent = new byte[120_000];
        new Random(2).NextBytes(sent);
        using PacketBatch batch = Batch(32, 1200);
        for (int offset = 0; offset < sent.Length; offset += 20_000)
        {
            Assert.True(ours.SendControl(sent.AsSpan(offset, 20_000)));
            Assert.True(theirs.SendControl(sent.AsSpan(offset, 20_000)));
            ours.Send(batch, 0, batch.Count);
        }
        await Eventually.Holds(() => b.ControlBytes(theirs).Length == sent.Length, "control there", 30);
        await Eventually.Holds(() => a.ControlBytes(ours).Length == sent.Length, "control back", 30);
        Assert.Equal(sent, b.ControlBytes(theirs));
        Assert.Equal(sent, a.ControlBytes(ours));
        Assert.Empty(a.Closed);
        Assert.Empty(b.Closed);
        // Repeated datagrams are recognised: no packet arrives twice.
        Assert.InRange(b.Packets.Count, 1, 6 * 32);
        await Eventually.Holds(() => ours.GetStatistics().DatagramsLost > 0, "loss is seen");
    }

    [Fact]
    public async Task Lost_packet_is_probed_for_before_a_peer_of_the_default_delay_would_have_answered()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        await using var relay = new Relay(b.Addresses[0]);
        (ITransportConnection ours, ITransportConnection theirs) = await LifeTests.ConnectThroughAsync(a, relay, b);
        using PacketBatch batch = Batch(1, 100);
        var sent = new ConcurrentDictionary<int, long>();
        relay.Watch = _ => sent.TryAdd(relay.Asked, Stopwatch.GetTimestamp());
        var waited = new List<double>();
        for (int round = 1; round <= 40; round++)
        {
            Assert.True(ours.SendControl([1])); // each answer makes the round trip better known
            await Eventually.Holds(() => b.ControlBytes(theirs).Length == round, "the path carries");
            if (round < 20)
                continue;
            relay.Drop = _ => true;
            int asked = relay.Asked;
            ours.Send(batch, 0, 1);
            await Eventually.Holds(() => sent.ContainsKey(asked + 2), "probed for");
            waited.Add(Stopwatch.GetElapsedTime(sent[asked + 1], sent[asked + 2]).TotalMilliseconds);
            relay.Drop = _ => false;
        }
        // A probe never comes before max_ack_delay (RFC 9002 §6.2.1), which is 25 ms where nothing is said; of 21 one will
        // have met a machine that is not busy.
        Assert.InRange(waited.Min(), 0, 24);
    }

    [Fact]
    public async Task Garbage_and_mutated_packets_are_harmless()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        await using var relay = new Relay(b.Addresses[0]);
        var real = new ConcurrentQueue<byte[]>();
        relay.Watch = real.Enqueue;
        (ITransportConnection ours, ITransportConnection theirs) = await LifeTests.ConnectThroughAsync(a, relay, b);
        using PacketBatch batch = Batch(64, 500);
        ours.Send(batch, 0, batch.Count);
        await Eventually.Holds(() => b.Packets.Count == 64, "packets flow");
        relay.Watch = null;
        byte[][] seeds = [.. real];
        var random = new Random(3);
        using var attacker = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        attacker.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        for (int i = 0; i < 100_000; i++)
            attacker.SendTo(Mutate(seeds, random, i), b.Addresses[0]);
        Assert.True(ours.SendControl([1, 2, 3]));
        await Eventually.Holds(() => b.ControlBytes(theirs).Length == 3, "still alive", 20);
        Assert.Empty(a.Closed);
        Assert.Empty(b.Closed);
        Assert.Equal(64, b.Packets.Count);
        Assert.Single(b.Connections);
        Assert.InRange(b.Transport.GetStatistics().DatagramsUnroutable, 1, long.MaxValue);
        Assert.InRange(b.Lines.Count, 0, 20);
        await using Node c = await Node.StartAsync();
        await c.ConnectAsync(b);
    }

    [Fact]
    public async Task Many_half_open_handshakes_make_clients_prove_their_address()
    {
        await using Node b = await Node.StartAsync(settings: ("retry_above", "0"));
        await using Node a = await Node.StartAsync();
        (ITransportConnection ours, ITransportConnection theirs) = await a.ConnectAsync(b);
        Assert.Equal(1, b.Transport.Counters.Retries);
        Assert.True(ours.SendControl([5]));
        await Eventually.Holds(() => b.ControlBytes(theirs).Length == 1, "the connection works");
    }

    [Fact]
    public async Task Half_open_handshakes_are_capped_and_forgotten()
    {
        await using Node b = await Node.StartAsync(
            options: RefusalTests.Quick(), settings: [("max_half_open", "10"), ("retry_above", "1000")]);
        var real = new ConcurrentQueue<byte[]>();
        using var tap = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        await using Node a = await Node.StartAsync(options: RefusalTests.Quick());
        for (int i = 0; i < 40; i++)
            a.Dial(tap.Client.LocalEndPoint!.ToString()!);
        await Eventually.Holds(() => a.DialsFailed.Count == 40, "dials into the void fail");
        for (int i = 0; i < 40; i++)
        {
            IPEndPoint? from = null;
            real.Enqueue(tap.Receive(ref from));
        }
        foreach (byte[] initial in real)
            tap.Send(initial, b.Addresses[0]);
        await Eventually.Holds(() => b.Transport.GetStatistics().Connections > 0, "some are taken up");
        Assert.InRange(b.Transport.GetStatistics().Connections, 1, 10);
        await Eventually.Holds(() => b.Transport.GetStatistics().Connections == 0, "all are forgotten");
        Assert.Equal(0, b.Transport.Counters.HalfOpen);
    }

    [Fact]
    public async Task Unknown_version_is_answered_with_ours()
    {
        await using Node b = await Node.StartAsync();
        using var client = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        byte[] initial = new byte[1200];
        byte[] start = [0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 8, 1, 2, 3, 4, 5, 6, 7, 8, 8, 9, 10, 11, 12, 13, 14, 15, 16];
        start.CopyTo(initial, 0);
        await client.SendAsync(initial, b.Addresses[0], TestContext.Current.CancellationToken);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        byte[] answer = (await client.ReceiveAsync(limit.Token)).Buffer;
        Assert.Equal([0, 0, 0, 0, 8, 9, 10, 11, 12, 13, 14, 15, 16, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 1], answer[1..]);
    }

    [Fact]
    public async Task Short_unknown_packets_are_never_answered_with_anything_longer()
    {
        await using Node b = await Node.StartAsync();
        using var client = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        byte[] packet = new byte[43];
        packet[0] = 0x40;
        await client.SendAsync(new byte[42], b.Addresses[0], TestContext.Current.CancellationToken);
        await client.SendAsync(packet, b.Addresses[0], TestContext.Current.CancellationToken);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        byte[] answer = (await client.ReceiveAsync(limit.Token)).Buffer;
        Assert.Equal(42, answer.Length);
        Assert.Equal(1, b.Transport.Counters.Resets);
    }

    private static byte[] Mutate(byte[][] seeds, Random random, int i)
    {
        byte[] packet;
        if (i % 3 == 0)
        {
            packet = new byte[random.Next(1, 1400)];
            random.NextBytes(packet);
            return packet;
        }
        packet = [.. seeds[random.Next(seeds.Length)]];
        int changes = random.Next(1, 8);
        for (int change = 0; change < changes; change++)
            packet[random.Next(Math.Min(packet.Length, i % 3 == 1 ? 32 : packet.Length))] = (byte)random.Next(256);
        return i % 5 == 0 ? packet[..random.Next(1, packet.Length + 1)] : packet;
    }

    private static PacketBatch Batch(int count, int size)
    {
        var batch = new PacketBatch(count, count * (size + 160));
        for (int i = 0; i < count; i++)
            Assert.True(batch.TryAdd(new byte[size]));
        return batch;
    }
}
