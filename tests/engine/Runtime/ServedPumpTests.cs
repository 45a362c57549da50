using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Runtime;
using VibePN.Engine.Tests.Forwarding;
using VibePN.Engine.Tests.Packets;
using VibePN.Testkit;

namespace VibePN.Engine.Tests.Runtime;

/// <summary>Interfaces that a transport reads, and which of them need a thread of their own.</summary>
public sealed class ServedPumpTests : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(10);

    private readonly ForwardingFixture _fixture = new();
    private readonly PollableTunDevice _device = new();
    private readonly FakePollingTransport _transport = new();
    private readonly FakeTransportConnection _connection;
    private readonly List<string> _lost = [];

    public ServedPumpTests()
    {
        (_, _connection) = _fixture.AddPeer(1, number: 3);
        _fixture.SetRoutes(("10.42.0.0/16", [1]));
    }

    public void Dispose()
    {
        _device.Dispose();
        _fixture.Dispose();
    }

    [Fact]
    public void Packets_of_the_interface_reach_the_peer_in_the_transports_turn()
    {
        using ServedPump pump = Start();
        Assert.Equal(4711, Assert.Single(_transport.Sources).ReadyDescriptor);
        _transport.Turn();
        Assert.Equal(0, _connection.SentCount);
        byte[] first = TestPackets.Udp("10.42.0.1", "10.42.0.9");
        byte[] second = TestPackets.Udp("10.42.0.1", "10.42.7.9", 900);
        _device.Arrive(first, second);
        _transport.Turn();
        Assert.Equal([first, second], _connection.Sent.Select(sent => sent.Bytes));
        Assert.Equal([3, 3], _connection.Sent.Select(sent => sent.Network));
        Assert.Equal([2], _connection.SendRuns);
        Assert.Empty(_lost);
    }

    [Fact]
    public void A_turn_takes_one_batch_and_leaves_the_rest_for_the_next()
    {
        using ServedPump pump = Start();
        _device.Arrive([.. Enumerable.Repeat(TestPackets.Udp("10.42.0.1", "10.42.0.9"), 100)]);
        _transport.Turn();
        Assert.Equal(TunPump.BatchPackets, _connection.SentCount);
        _transport.Turn();
        Assert.Equal(100, _connection.SentCount);
    }

    [Fact]
    public void Interface_that_the_kernel_took_away_is_told_once_and_served_no_more()
    {
        using ServedPump pump = Start();
        _device.Failure = new TunException("The interface was removed.");
        Assert.False(pump.OnReady());
        Assert.Equal(["The interface was removed."], _lost);
        _lost.Clear();
        _transport.Turn();
        _transport.Turn();
        Assert.Equal(["The interface was removed."], _lost);
        Assert.Empty(_transport.Sources);
    }

    [Fact]
    public void Fault_of_a_lookup_is_told_with_its_text_and_ends_the_serving()
    {
        using ServedPump pump = Start();
        _fixture.Install(new BrokenLookup());
        _device.Arrive(TestPackets.Udp("10.42.0.1", "10.42.0.9"));
        _transport.Turn();
        string text = Assert.Single(_lost);
        Assert.StartsWith("the packet path failed: ", text, StringComparison.Ordinal);
        Assert.Contains("the table is torn", text, StringComparison.Ordinal);
        Assert.Contains(nameof(BrokenLookup), text, StringComparison.Ordinal); // where, too
        Assert.Empty(_transport.Sources);
    }

    [Fact]
    public void Dispose_ends_the_serving_before_it_closes_the_interface()
    {
        var steps = new List<string>();
        _transport.OnStop = () => steps.Add("stop serving");
        _device.OnDispose = () => steps.Add("close");
        Start().Dispose();
        Assert.Equal(["stop serving", "close"], steps);
        Assert.Empty(_transport.Sources);
        Assert.Equal(1, _device.Disposals);
    }

    [Fact]
    public void Dispose_after_a_loss_is_no_error_and_closes_the_interface()
    {
        ServedPump pump = Start();
        _device.Failure = new TunException("gone");
        _transport.Turn();
        pump.Dispose();
        Assert.Equal(1, _device.Disposals);
        Assert.Equal(["gone"], _lost);
    }

    [Fact]
    public void Serving_allocates_nothing_per_packet()
    {
        using var fixture = new ForwardingFixture(records: false);
        fixture.AddPeer(1, records: false);
        fixture.SetRoutes(("10.42.0.0/16", [1]));
        using ServedPump pump = ServedPump.TryStart(_device, [_transport], fixture.Path, _lost.Add)!;
        byte[][] packets = [.. Enumerable.Repeat(TestPackets.Udp("10.42.0.1", "10.42.0.9"), 64)];
        long allocated = 0;
        for (int round = 0; round < 300; round++)
        {
            _device.Arrive(packets);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Assert.True(pump.OnReady());
            if (round >= 100)
                allocated += GC.GetAllocatedBytesForCurrentThread() - before;
        }
        Assert.Equal(0, allocated);
    }

    [Fact]
    public void Interface_is_offered_to_the_first_transport()
    {
        using IDisposable pump = Driver(_transport, new FakePollingTransport()).StartPump(_device, _fixture.Path);
        Assert.IsType<ServedPump>(pump);
        Assert.Same(pump, Assert.Single(_transport.Sources));
        Assert.Equal(1, _transport.Offers);
        _device.Failure = new TunException("gone");
        _transport.Turn();
        Assert.Equal(["fake0: gone"], _lost);
    }

    [Fact]
    public void Transport_that_refuses_leaves_the_interface_a_thread()
    {
        var refuses = new FakePollingTransport { Refuses = true };
        AssertHasThread(_device, _device.Inner, Driver(refuses));
        Assert.Equal(1, refuses.Offers);
        Assert.Equal(1, _device.Disposals);
    }

    [Fact]
    public void Transport_that_cannot_read_leaves_the_interface_a_thread_even_before_one_that_can()
    {
        AssertHasThread(_device, _device.Inner, Driver(new MemoryTransport(new MemoryWire()), _transport));
        Assert.Equal(0, _transport.Offers);
    }

    [Fact]
    public void Without_a_transport_the_interface_has_a_thread() => AssertHasThread(_device, _device.Inner, Driver());

    [Fact]
    public void Device_that_cannot_be_polled_has_a_thread()
    {
        using var device = new FakeTunDevice();
        AssertHasThread(device, device, Driver(_transport));
        Assert.Equal(0, _transport.Offers);
    }

    private ServedPump Start() => ServedPump.TryStart(_device, [_transport], _fixture.Path, _lost.Add)!;

    // Neither the control loop nor the gate has anything to do with pumps.
    private EngineDriver Driver(params ITransportPlugin[] transports) =>
        new(null!, null!, transports, (device, text) => _lost.Add($"{device}: {text}"), null, _ => { });

    private void AssertHasThread(ITunDevice device, FakeTunDevice kernel, EngineDriver driver)
    {
        IDisposable pump = driver.StartPump(device, _fixture.Path);
        Assert.IsType<TunPump>(pump);
        kernel.Arrive(TestPackets.Udp("10.42.0.1", "10.42.0.9"));
        Assert.True(SpinWait.SpinUntil(() => _connection.SentCount == 1, Bound), "The packet was not read.");
        pump.Dispose();
        Assert.True(kernel.IsDisposed);
        Assert.Empty(_lost);
    }

    private sealed class BrokenLookup : IRouteLookup
    {
        public ImmutableArray<NextHopGroup> Groups => [new NextHopGroup([])];

        public void Find(ReadOnlySpan<PacketKey> keys, Span<ushort> results) => throw new InvalidOperationException("the table is torn");
    }
}
