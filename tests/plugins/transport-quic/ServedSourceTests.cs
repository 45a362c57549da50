using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic.Tests;

/// <summary>The loop reads what it is given to read, besides its sockets.</summary>
public sealed class ServedSourceTests
{
    private static readonly (string, string)[] On = [("read_interfaces", "on"), ("loops", "1")];

    [Fact]
    public async Task Source_is_called_on_the_loops_thread_when_its_descriptor_is_readable()
    {
        using var source = new EventSource();
        await using Node node = await Node.StartAsync(settings: On);
        Assert.True(node.Transport.TryServe(source));
        for (int i = 1; i <= 3; i++)
        {
            source.Signal();
            await Eventually.Holds(() => source.Calls == i, "called once for each signal");
        }
        Assert.Equal("quic", source.Thread.Name);
        Assert.NotEqual(Environment.CurrentManagedThreadId, source.Thread.Id);
        node.Transport.StopServing(source);
    }

    [Fact]
    public async Task Source_is_not_called_while_there_is_nothing()
    {
        using var quiet = new EventSource();
        using var other = new EventSource();
        await using Node node = await Node.StartAsync(settings: On);
        Assert.True(node.Transport.TryServe(quiet));
        Assert.True(node.Transport.TryServe(other));
        for (int i = 1; i <= 20; i++)
        {
            other.Signal();
            await Eventually.Holds(() => other.Calls == i, "the other one is called");
        }
        Assert.Equal(0, quiet.Calls);
        quiet.Signal();
        await Eventually.Holds(() => quiet.Calls == 1, "called when there is something");
    }

    [Fact]
    public async Task What_a_source_sends_arrives_at_the_other_node()
    {
        using var source = new EventSource();
        using var batch = new PacketBatch(8, 65_536);
        for (int i = 0; i < 8; i++)
            Assert.True(batch.TryAdd(Enumerable.Repeat((byte)i, 100 + i).ToArray(), network: 3));
        await using Node a = await Node.StartAsync(settings: On);
        await using Node b = await Node.StartAsync();
        (ITransportConnection ours, _) = await a.ConnectAsync(b);
        source.Answer = () => ours.Send(batch, 0, batch.Count) == new SendResult(8, DropReason.None);
        Assert.True(a.Transport.TryServe(source));
        for (int round = 1; round <= 50; round++)
        {
            source.Signal();
            await Eventually.Holds(() => b.Packets.Count == 8 * round, "all arrive");
        }
        Assert.Equal(50, source.Calls);
        Assert.All(b.Packets, packet => Assert.Equal((3, 100 + packet.Bytes[0]), (packet.Network, packet.Bytes.Length)));
        a.Transport.StopServing(source);
    }

    [Fact]
    public async Task After_packets_from_a_peer_the_source_is_looked_at_without_being_readable()
    {
        using var source = new EventSource();
        await using Node a = await Node.StartAsync(settings: On);
        await using Node b = await Node.StartAsync();
        (_, ITransportConnection theirs) = await a.ConnectAsync(b);
        Assert.True(a.Transport.TryServe(source));
        source.Signal();
        await Eventually.Holds(() => source.Calls > 0, "the loop knows it"); // else the packet could come in the turn before
        int before = source.Calls;
        using var batch = new PacketBatch(1, 4_096);
        Assert.True(batch.TryAdd(new byte[100]));
        Assert.Equal(1, theirs.Send(batch, 0, 1).Taken);
        await Eventually.Holds(() => a.Packets.Count == 1, "the packet arrives");
        await Eventually.Holds(() => source.Calls > before, "looked at");
        a.Transport.StopServing(source);
    }

    [Fact]
    public async Task Packet_that_answers_another_carries_its_acknowledgement()
    {
        const int Rounds = 40;
        using var source = new EventSource();
        using var batch = new PacketBatch(1, 4_096);
        Assert.True(batch.TryAdd(new byte[100]));
        await using Node a = await Node.StartAsync(settings: On);
        await using Node b = await Node.StartAsync();
        await using var relay = new Relay(a.Addresses[0]);
        (ITransportConnection asking, ITransportConnection answering) = await LifeTests.ConnectThroughAsync(b, relay, a);
        int answered = 0;
        source.Answer = () =>
        {
            for (; answered < a.Packets.Count; answered++)
                Assert.Equal(1, answering.Send(batch, 0, 1).Taken);
            return true;
        };
        Assert.True(a.Transport.TryServe(source));
        int before = relay.Answered;
        for (int round = 1; round <= Rounds; round++)
        {
            int asked = relay.Asked;
            Assert.Equal(1, asking.Send(batch, 0, 1).Taken);
            await Eventually.Holds(() => b.Packets.Count == round, "answered");
            await Eventually.Holds(() => relay.Asked >= asked + 2, "and that answer is acknowledged");
        }
        a.Transport.StopServing(source);
        // One for each answer; the rest is for probes of the path's size and the like.
        Assert.InRange(relay.Answered - before, Rounds, Rounds * 3 / 2);
    }

    [Fact]
    public async Task Stop_serving_ends_the_calls_while_the_descriptor_stays_readable_and_connections_never_starve()
    {
        using var source = new EventSource { Drains = false };
        await using Node a = await Node.StartAsync(settings: On);
        await using Node b = await Node.StartAsync();
        source.Signal();
        Assert.True(a.Transport.TryServe(source));
        await Eventually.Holds(() => source.Calls > 100, "called again and again");
        await a.ConnectAsync(b);
        a.Transport.StopServing(source);
        int calls = source.Calls;
        // Turns of the loop, of which one would show in the count.
        await a.ConnectAsync(b);
        await b.ConnectAsync(a);
        Assert.Equal(calls, source.Calls);
    }

    [Fact]
    public async Task Source_may_end_the_serving_itself_on_the_loops_thread()
    {
        using var source = new EventSource { Drains = false };
        await using Node a = await Node.StartAsync(settings: On);
        await using Node b = await Node.StartAsync();
        source.Answer = () =>
        {
            a.Transport.StopServing(source);
            return true;
        };
        source.Signal();
        Assert.True(a.Transport.TryServe(source));
        await Eventually.Holds(() => source.Calls == 1, "called");
        await a.ConnectAsync(b);
        Assert.Equal(1, source.Calls);
    }

    [Fact]
    public async Task Source_that_says_it_is_over_is_called_no_more()
    {
        using var source = new EventSource { Drains = false, Answer = () => false };
        await using Node a = await Node.StartAsync(settings: On);
        await using Node b = await Node.StartAsync();
        source.Signal();
        Assert.True(a.Transport.TryServe(source));
        await Eventually.Holds(() => source.Calls == 1, "called");
        await a.ConnectAsync(b);
        Assert.Equal(1, source.Calls);
    }

    [Fact]
    public async Task Source_given_before_listen_is_served_after_it()
    {
        using var source = new EventSource();
        source.Signal();
        await using Node node = await Node.StartAsync(
            beforeListen: transport =>
            {
                Assert.True(transport.TryServe(source));
                Assert.Equal(0, source.Calls);
            },
            settings: On);
        await Eventually.Holds(() => source.Calls == 1, "called");
        Assert.Equal("quic", source.Thread.Name);
    }

    [Fact]
    public async Task Source_is_served_on_after_the_sockets_were_changed()
    {
        using var source = new EventSource();
        await using Node node = await Node.StartAsync(settings: On);
        Assert.True(node.Transport.TryServe(source));
        for (int i = 1; i <= 5; i++)
        {
            node.Relisten([.. Enumerable.Range(0, i).Select(_ => new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0))]);
            source.Signal();
            await Eventually.Holds(() => source.Calls == i, "called");
        }
    }

    [Theory]
    [InlineData("on", true)]
    [InlineData("off", false)]
    [InlineData("auto", null)]
    public async Task Setting_decides_whether_sources_are_taken(string setting, bool? expected)
    {
        using var source = new EventSource();
        await using Node node = await Node.StartAsync(settings: [("read_interfaces", setting), ("loops", "1")]);
        Assert.Equal(expected ?? Environment.ProcessorCount <= 2, node.Transport.TryServe(source));
        Assert.Equal(
            expected ?? Environment.ProcessorCount <= 2,
            node.Transport.OffloadText.Contains("read_interfaces", StringComparison.Ordinal));
        node.Transport.StopServing(source); // no harm when it was not taken
    }

    [Fact]
    public async Task Transport_that_stopped_calls_no_more_and_can_be_told_to_stop_serving()
    {
        using var source = new EventSource { Drains = false };
        await using Node node = await Node.StartAsync(settings: On);
        source.Signal();
        Assert.True(node.Transport.TryServe(source));
        await Eventually.Holds(() => source.Calls > 0, "called");
        await node.Transport.StopAsync(CancellationToken.None);
        int calls = source.Calls;
        node.Transport.StopServing(source);
        Assert.Equal(calls, source.Calls);
    }

    // The loop has looked which sources there are, but does not sleep yet: whoever changes them must not take it for awake.
    [Fact]
    public async Task Source_given_just_before_the_loop_sleeps_is_served()
    {
        using var looking = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        using var first = new EventSource
        {
            OnDescriptor = () =>
            {
                looking.Set();
                goOn.Wait(TimeSpan.FromSeconds(10));
            },
        };
        using var second = new EventSource();
        await using Node node = await Node.StartAsync(settings: On);
        Assert.True(node.Transport.TryServe(first));
        Assert.True(looking.Wait(TimeSpan.FromSeconds(10), CancellationToken.None), "The loop did not look.");
        second.Signal();
        Assert.True(node.Transport.TryServe(second));
        goOn.Set();
        await Eventually.Holds(() => second.Calls == 1, "the second one is called");
    }

    [Fact]
    public async Task Descriptor_that_was_closed_but_not_removed_does_not_keep_the_loop_busy()
    {
        const int Many = 1_000;
        var busy = new TaskCompletionSource();
        int calls = 0;
        // Nobody has this number, as after a close; one that was really closed another test might get.
        using var source = new EventSource { OtherDescriptor = int.MaxValue, Drains = false };
        source.Answer = () =>
        {
            if (++calls == Many)
                busy.TrySetResult();
            return true;
        };
        await using Node node = await Node.StartAsync(settings: On);
        Assert.True(node.Transport.TryServe(source));
        var patience = Task.Delay(TimeSpan.FromMilliseconds(300), CancellationToken.None);
        bool isBusy = await Task.WhenAny(busy.Task, patience) == busy.Task;
        node.Transport.StopServing(source);
        Assert.False(isBusy, $"A descriptor that is closed made the loop turn {Many} times.");
    }
}
