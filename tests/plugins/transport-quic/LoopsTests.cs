using System.Collections.Concurrent;
using System.Net;
using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic.Tests;

/// <summary>Several loops in one transport.</summary>
public sealed class LoopsTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public async Task Connections_are_spread_and_packets_come_to_the_loop_of_their_connection_and_to_no_other(int loops)
    {
        await using Node a = await StartAsync(loops);
        await using Node b = await StartAsync(loops);
        using var threads = new ThreadsOf(b);
        List<(ITransportConnection Ours, ITransportConnection Theirs)> pairs = await ConnectAsync(a, b, 16 * loops);
        Assert.All(a.Transport.CountersOfLoops, loop => Assert.Equal(16, loop.Connections));
        // Which of theirs takes a connection is the client's random choice: that one of four gets none of 64 is no chance.
        Assert.All(b.Transport.CountersOfLoops, loop => Assert.InRange(loop.Connections, 1, 16 * loops));
        await ExchangeAsync(pairs, threads, packets: 200);
        Assert.Equal(0, a.Transport.Counters.HandedOver);
        Assert.Equal(0, b.Transport.Counters.HandedOver);
        threads.EachConnectionHasOne(pairs.Count, loops);
        Assert.Equal(pairs.Count, b.Connected.Count); // no two have the same number
    }

    [Fact]
    public async Task Connection_stays_with_its_loop_when_the_peers_address_changes()
    {
        await using Node a = await StartAsync(2);
        await using Node b = await StartAsync(4);
        using var threads = new ThreadsOf(b);
        await using var relay = new Relay(b.Addresses[0]);
        (ITransportConnection ours, ITransportConnection theirs) = await LifeTests.ConnectThroughAsync(a, relay, b);
        for (int round = 0; round < 5; round++)
        {
            IPEndPoint seen = relay.Rebind();
            Assert.True(ours.SendControl([1]));
            await Eventually.Holds(() => theirs.Path.Remote.Equals(seen), "address followed");
            await ExchangeAsync([(ours, theirs)], threads, packets: 20);
        }
        threads.EachConnectionHasOne(1, 1);
        Assert.Equal(0, b.Transport.Counters.HandedOver);
        Assert.Empty(a.Closed);
    }

    [Fact]
    public async Task What_comes_to_another_loop_is_handed_over()
    {
        await using Node a = await StartAsync(4);
        await using Node b = await StartAsync(4);
        using var threads = new ThreadsOf(b);
        SteerAllTo(a, loop: 1);
        SteerAllTo(b, loop: 3);
        List<(ITransportConnection Ours, ITransportConnection Theirs)> pairs = await ConnectAsync(a, b, 16);
        Assert.All(b.Transport.CountersOfLoops, loop => Assert.InRange(loop.Connections, 0, 15)); // the client's choice holds
        await ExchangeAsync(pairs, threads, packets: 20);
        Assert.InRange(a.Transport.CountersOfLoops[1].HandedOver, 100, long.MaxValue);
        Assert.InRange(b.Transport.CountersOfLoops[3].HandedOver, 100, long.MaxValue);
        Assert.Equal(b.Transport.CountersOfLoops[3].HandedOver, b.Transport.Counters.HandedOver);
        threads.EachConnectionHasOne(16, 2);
        b.Relisten(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0), b.Addresses[0]);
        await ExchangeAsync(pairs, threads, packets: 20);
        foreach ((ITransportConnection ours, _) in pairs)
            ours.Close(new CloseReason(CloseCode.Goodbye, "done"));
        await Eventually.Holds(() => b.Closed.Count == 16 && a.Closed.Count == 16, "both ends close all");
        Assert.All(b.Closed.Values, reason => Assert.Equal(CloseCode.Goodbye, reason.Code));
    }

    [Fact]
    public async Task Stateless_resets_reach_connections_of_every_loop()
    {
        NodeIdentity identity = Identities.Create("b");
        await using Node a = await StartAsync(4);
        Node b = await StartAsync(2, identity);
        IPEndPoint port = b.Addresses[0];
        await using var relay = new Relay(port);
        for (int i = 1; i <= 8; i++)
        {
            a.Dial(relay.Address.ToString());
            await Eventually.Holds(() => a.Connected.Count == i && b.Connected.Count == i, "connected");
        }
        Assert.All(a.Transport.CountersOfLoops, loop => Assert.Equal(2, loop.Connections));
        relay.Drop = _ => true;
        await b.DisposeAsync();
        await LifeTests.PassAllAsync(relay, port);
        await using Node again = await StartAsync(3, identity, port);
        relay.Drop = _ => false;
        foreach (ITransportConnection connection in a.Connected.Values)
            Assert.True(connection.SendControl(new byte[100]));
        await Eventually.Holds(() => a.Closed.Count == 8, "resets noticed");
        Assert.All(a.Closed.Values, reason => Assert.Equal(CloseCode.StatelessReset, reason.Code));
    }

    [Fact]
    public async Task Connections_are_limited_in_all_loops_together()
    {
        await using Node a = await StartAsync(4);
        await using Node b = await StartAsync(4, settings: ("max_connections", "10"));
        long[] dials = [.. Enumerable.Range(0, 40).Select(_ => a.Dial(b.Address))];
        await Eventually.Holds(() => b.Transport.Counters.Full > 20 && b.Connections.Count == 10, "ten are up, others turned away");
        Assert.Equal(10, b.Transport.Counters.Connections);
        a.Connections.First().Connection.Close(new CloseReason(CloseCode.Goodbye, "done"));
        await Eventually.Holds(() => b.Connections.Count == 11, "whose room another takes");
        Assert.InRange(dials.Count(a.DialsFailed.ContainsKey), 0, 29);

        await using Node few = await StartAsync(4, settings: ("max_connections", "10"));
        await using Node c = await StartAsync(1);
        List<(ITransportConnection, ITransportConnection)> pairs = await ConnectAsync(few, c, 10);
        CloseReason reason = await few.DialFailsAsync(c.Address);
        Assert.Contains("more than 10 connections", reason.Text, StringComparison.Ordinal);
        Assert.Equal(10, pairs.Count);
    }

    [Fact]
    public async Task Limits_hold_exactly_when_many_threads_ask_and_their_clocks_differ()
    {
        var settings = new QuicSettings { MaxConnections = 1_000, MaxHalfOpen = 300 };
        const ulong Start = 1_000_000_000_000;
        var admission = new Admission(Start);
        SocketAddress28 remote = SocketAddress28.From(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 1));
        int arrived = 0, responders = 0, initiators = 0;
        var numbers = new ConcurrentDictionary<long, byte>();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Run(() =>
        {
            for (int i = 0; i < 1_000; i++)
            {
                // No second passes, but some see the time 5 ms late.
                ulong now = Start - (ulong)(thread * 700_000) + (ulong)i;
                Interlocked.Add(ref arrived, admission.TryArrive(remote, now) ? 1 : 0);
                Interlocked.Add(ref responders, admission.TryReserve(ConnectionRole.Responder, settings) ? 1 : 0);
                Interlocked.Add(ref initiators, i % 2 == 0 && admission.TryReserve(ConnectionRole.Initiator, settings) ? 1 : 0);
                Assert.True(numbers.TryAdd(admission.NextId(), 0));
            }
        })));
        Assert.Equal(50, arrived);
        Assert.Equal(300, responders);
        Assert.Equal(700, initiators);
        Assert.True(admission.IsFull(ConnectionRole.Initiator, settings));
        admission.EndHandshake();
        Assert.True(admission.IsFull(ConnectionRole.Responder, settings));
        admission.Forget();
        Assert.True(admission.TryReserve(ConnectionRole.Responder, settings));
    }

    [Fact]
    public void Ids_of_ours_name_their_loop_and_any_bytes_name_one()
    {
        var random = new Random(3);
        Span<byte> id = stackalloc byte[ConnectionId.OwnLength];
        var seen = new HashSet<ulong>();
        foreach (int loops in new[] { 1, 2, 3, 4, 5, 7, 12, 16, 256 })
        {
            for (int i = 0; i < 2_000; i++)
            {
                ConnectionId.Fill(id, i % loops, loops);
                Assert.True(seen.Add(BitConverter.ToUInt64(id)));
                Assert.Equal(i % loops, ConnectionId.LoopOf([0x40, .. id, 1, 2], loops));
                Assert.Equal(i % loops, ConnectionId.LoopOf([0xc0, 0, 0, 0, 1, 8, .. id, 1, 2], loops));
                byte[] packet = new byte[random.Next(12)];
                random.NextBytes(packet);
                Assert.InRange(ConnectionId.LoopOf(packet, loops), 0, loops - 1);
            }
        }
    }

    [Fact]
    public void Handed_datagrams_keep_their_order_and_bytes_and_their_number_is_bounded()
    {
        using SocketGroup group = SocketGroup.Open(new IPEndPoint(IPAddress.Loopback, 0), new QuicSettings(), loops: 2);
        using var box = new HandOver();
        SocketAddress28 remote = SocketAddress28.From(new IPEndPoint(IPAddress.Loopback, 7));
        for (int round = 0; round < 3; round++)
        {
            int taken = 0;
            while (box.TryAdd(group, remote, default, Enumerable.Repeat((byte)taken, 100 + taken).ToArray()))
                taken++;
            Assert.Equal(HandOver.Most, taken);
            Assert.True(box.HasAny);
            ReadOnlySpan<HandOver.Entry> entries = box.Take();
            Assert.Equal(HandOver.Most, entries.Length);
            for (int i = 0; i < taken; i++)
                Assert.Equal(Enumerable.Repeat((byte)i, 100 + i), Bytes(entries[i]));
            Assert.False(box.HasAny);
        }
        for (int i = 0; i < 58; i++)
            Assert.True(box.TryAdd(group, remote, default, new byte[8_952]));
        Assert.False(box.TryAdd(group, remote, default, new byte[8_952]));
        box.Dispose();
        Assert.False(box.TryAdd(group, remote, default, [1]));

        static unsafe byte[] Bytes(HandOver.Entry entry) => new ReadOnlySpan<byte>((void*)entry.Packet, entry.Length).ToArray();
    }

    [Fact]
    public async Task Port_of_several_loops_is_still_closed_to_another_transport()
    {
        await using Node a = await StartAsync(2);
        PluginException fault = await Assert.ThrowsAsync<PluginException>(async () => await StartAsync(2, null, a.Addresses[0]));
        Assert.Contains("EADDRINUSE", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Interfaces_are_read_by_a_single_loop_only_and_a_contradiction_is_a_sentence()
    {
        await using Node a = await Node.StartAsync(settings: ("loops", "2"));
        using var source = new EventSource();
        Assert.False(a.Transport.TryServe(source));
        Assert.Contains("2 loops", a.Transport.OffloadText, StringComparison.Ordinal);
        using var both = new FakeContext(("loops", "2"), ("read_interfaces", "on"));
        Assert.Contains("only a single loop can read the interfaces", a.Transport.Check(both), StringComparison.Ordinal);
        PluginException fault = await Assert.ThrowsAsync<PluginException>(
            async () => await Node.StartAsync(settings: [("loops", "2"), ("read_interfaces", "on")]));
        Assert.Equal(PluginFault.Configuration, fault.Fault);
    }

    [Fact]
    public async Task Other_number_of_loops_waits_for_the_next_start_and_says_so()
    {
        await using Node a = await StartAsync(2);
        await using Node b = await StartAsync(1);
        (ITransportConnection ours, ITransportConnection theirs) = await b.ConnectAsync(a);
        using var next = new FakeContext(("loops", "4"));
        Assert.Null(a.Transport.Check(next));
        a.Transport.Apply(next);
        Assert.Contains(a.Lines, line => line.Contains("loops = 4 holds from the next start on; 2 run now", StringComparison.Ordinal));
        a.Relisten(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0), a.Addresses[0]);
        Assert.Equal([2, 2], a.Transport.Listed.Select(group => group.Members.Count));
        Assert.True(ours.SendControl([1]));
        await Eventually.Holds(() => a.ControlBytes(theirs).Length == 1, "it works on");
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(4, 2)]
    [InlineData(8, 4)]
    [InlineData(16, 8)]
    [InlineData(128, 8)]
    public void Machine_gets_about_half_its_processors_as_loops(int processors, int loops) =>
        Assert.Equal(loops, QuicSettings.LoopsFor(processors));

    private static Task<Node> StartAsync(
        int loops, NodeIdentity? identity = null, IPEndPoint? listen = null, params (string, string)[] settings) =>
        Node.StartAsync(identity, listen is null ? null : [listen], settings: [("loops", $"{loops}"), .. settings]);

    private static async Task<List<(ITransportConnection Ours, ITransportConnection Theirs)>> ConnectAsync(Node a, Node b, int count)
    {
        var pairs = new List<(ITransportConnection, ITransportConnection)>();
        while (pairs.Count < count)
            pairs.Add(await a.ConnectAsync(b));
        return pairs;
    }

    // Each packet carries its connection's number there; none may be lost, so the next go when the last have come.
    private static async Task ExchangeAsync(
        List<(ITransportConnection Ours, ITransportConnection Theirs)> pairs, ThreadsOf threads, int packets)
    {
        using var batch = new PacketBatch(packets, packets * 700);
        while (batch.Count < packets)
            Assert.True(batch.TryAdd(new byte[500]));
        long[] before = [.. pairs.Select(pair => threads.Packets(pair.Theirs))];
        foreach ((ITransportConnection ours, _) in pairs)
            Assert.Equal(packets, ours.Send(batch, 0, packets).Taken);
        for (int i = 0; i < pairs.Count; i++)
        {
            long expected = before[i] + packets;
            await Eventually.Holds(() => threads.Packets(pairs[i].Theirs) == expected, "all packets of a connection");
        }
    }

    // As a kernel that knows nothing of connection IDs: one socket of each address gets everything.
    private static unsafe void SteerAllTo(Node node, int loop)
    {
        var program = new SockFilter { Code = 0x06, K = (uint)loop }; // BPF_RET | BPF_K
        var whole = new SockFprog { Length = 1, Filter = &program };
        foreach (SocketGroup group in node.Transport.Listed)
        {
            Assert.Equal(0, LibC.setsockopt(
                group.Members[0].Fd, LibC.SOL_SOCKET, LibC.SO_ATTACH_REUSEPORT_CBPF, &whole, (uint)sizeof(SockFprog)));
        }
    }

    /// <summary>On which threads packets of each connection came.</summary>
    private sealed class ThreadsOf : IDisposable
    {
        private readonly ConcurrentDictionary<long, ConcurrentDictionary<int, long>> _packets = new();
        private readonly Node _node;

        public ThreadsOf(Node node)
        {
            _node = node;
            node.OnBatch = (connection, batch) => _packets.GetOrAdd(connection.Id, _ => new())
                .AddOrUpdate(Environment.CurrentManagedThreadId, batch.Count, (_, count) => count + batch.Count);
        }

        public long Packets(ITransportConnection connection) =>
            _packets.TryGetValue(connection.Id, out ConcurrentDictionary<int, long>? threads) ? threads.Values.Sum() : 0;

        public void EachConnectionHasOne(int connections, int atLeast)
        {
            Assert.Equal(connections, _packets.Count);
            Assert.All(_packets.Values, threads => Assert.Single(threads));
            Assert.InRange(_packets.Values.SelectMany(threads => threads.Keys).Distinct().Count(), atLeast, int.MaxValue);
        }

        public void Dispose() => _node.OnBatch = null;
    }
}
