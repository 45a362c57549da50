using System.Collections.Concurrent;
using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic.Tests;

[Collection(nameof(DataPathTests))]
public sealed class AcknowledgeManyTests
{
    [Fact]
    public async Task Many_datagrams_are_acknowledged_before_the_engine_gets_their_packets_and_few_after()
    {
        var sends = new Sends();
        var batches = new ConcurrentQueue<(int Packets, bool WereAcknowledged)>();
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync(send: sends.Hook);
        b.OnBatch = (connection, packets) =>
        {
            EventLoop loop = ((QuicConnection)connection).Loop;
            batches.Enqueue((packets.Count, sends.HasSentInTurnOf(loop)));
            sends.Follow(loop);
        };
        (ITransportConnection ours, _) = await a.ConnectAsync(b);
        await Eventually.Holds(() => ours.Path.PathMtuBytes == 1472, "one packet fills one datagram");
        using var batch = new PacketBatch(64, 64 * 1500);
        while (batch.TryAdd(new byte[1200]))
        {
        }
        ours.Send(batch, 0, 1);
        await Eventually.Holds(() => !batches.IsEmpty, "a single packet arrives");
        await Eventually.Holds(
            () =>
            {
                ours.Send(batch, 0, 64);
                return batches.Count(one => one.Packets >= EventLoop.ManyDatagrams) >= 20;
            },
            "many arrive in one turn");
        Assert.All(
            batches.Where(one => one.Packets >= EventLoop.ManyDatagrams), many => Assert.True(many.WereAcknowledged));
        // Acknowledgements of b's own packets are datagrams, too; a few of them may be in any turn.
        Assert.All(
            batches.Where(one => one.Packets < EventLoop.ManyDatagrams / 2), few => Assert.False(few.WereAcknowledged));
    }

    /// <summary>What one loop has handed to the kernel.</summary>
    private sealed unsafe class Sends
    {
        private EventLoop? _loop;
        private int _thread;
        private long _turn;

        public SendMessages Hook => Send;

        /// <summary>On the loop's thread.</summary>
        public void Follow(EventLoop loop)
        {
            _thread = Environment.CurrentManagedThreadId;
            _loop = loop;
        }

        /// <summary>On the loop's thread.</summary>
        public bool HasSentInTurnOf(EventLoop loop) => _loop == loop && _turn == loop.Counters.Turns;

        private int Send(int fd, MMsgHdr* messages, uint count, int flags)
        {
            if (_loop is not null && _thread == Environment.CurrentManagedThreadId)
                _turn = _loop.Counters.Turns;
            return LibC.sendmmsg(fd, messages, count, flags);
        }
    }
}
