using System.Net;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic.Tests;

/// <summary>How many handshakes one source may begin.</summary>
public sealed class SourceLimitTests
{
    private const ulong Millisecond = 1_000_000;
    private const ulong Start = 5_000 * Millisecond;

    [Fact]
    public void Source_that_proved_nothing_begins_five_at_once_and_twenty_a_second()
    {
        var limits = new SourceLimits();
        SocketAddress28 source = At("192.0.2.7", 4433);
        Assert.True(limits.TryArrive(source, Start));
        Assert.Equal(5, Count(100, () => limits.TryBeginUnproven(source, Start)));
        Assert.Equal(0, Count(1, () => limits.TryBeginUnproven(source, Start + (49 * Millisecond))));
        Assert.Equal(1, Count(10, () => limits.TryBeginUnproven(source, Start + (50 * Millisecond))));
        int begun = 0;
        for (ulong ms = 51; ms <= 10_050; ms++)
            begun += Count(3, () => limits.TryBeginUnproven(source, Start + (ms * Millisecond)));
        Assert.InRange(begun, 199, 200);
        // What it may not begin unproven takes nothing from what it may begin at all.
        Assert.Equal(49, Arrive(limits, "192.0.2.7", Start, 100));
    }

    [Fact]
    public void Source_sends_fifty_first_packets_at_once_and_fifty_a_second()
    {
        var limits = new SourceLimits();
        Assert.Equal(50, Arrive(limits, "192.0.2.7", Start, 1000));
        Assert.Equal(1, Arrive(limits, "192.0.2.7", Start + (20 * Millisecond), 10));
        Assert.Equal(50, Arrive(limits, "192.0.3.7", Start, 1000));
    }

    [Fact]
    public void Port_makes_no_other_source_and_neither_does_the_low_half_of_an_ipv6_address()
    {
        var limits = new SourceLimits();
        int port = 0;
        Assert.Equal(50, Count(100, () => limits.TryArrive(At("192.0.2.1", ++port), Start)));
        Assert.Equal(50, Count(100, () => limits.TryArrive(At($"2001:db8::{++port:x}", 1), Start)));
        Assert.Equal(50, Arrive(limits, "2001:db8:0:1::1", Start, 100));
    }

    [Theory]
    [InlineData("198.51.100.{0}", "198.51.101.1")]
    [InlineData("2001:db8:7:{0:x}::1", "2001:db8:8::1")]
    public void Block_of_sources_sends_a_hundred_at_once(string inside, string outside)
    {
        var limits = new SourceLimits();
        int arrived = 0;
        for (int i = 0; i < 200; i++)
            arrived += Arrive(limits, string.Format(null, inside, i), Start, 5);
        Assert.Equal(100, arrived);
        Assert.Equal(50, Arrive(limits, outside, Start, 100));
        // A source that the block refused has kept its own allowance.
        Assert.Equal(50, Arrive(limits, string.Format(null, inside, 199), Start + (1000 * Millisecond), 100));
    }

    [Fact]
    public void Equals_a_dictionary_of_buckets_while_there_are_few_sources()
    {
        var limits = new SourceLimits();
        var naive = new NaiveLimits();
        var random = new Random(11);
        ulong now = Start;
        int refused = 0;
        for (int i = 0; i < 50_000; i++)
        {
            now += (ulong)random.Next(10) * Millisecond;
            // A handful of sources in a few blocks: they cannot fill eight places.
            SocketAddress28 source = At($"10.0.{random.Next(2)}.{random.Next(2)}", 1);
            bool taken = limits.TryArrive(source, now);
            Assert.Equal(naive.TryArrive(source.V4, now), taken);
            refused += taken ? 0 : 1;
        }
        Assert.InRange(refused, 1000, 49_000);
    }

    [Fact]
    public void Million_forged_sources_neither_grow_the_table_nor_lock_a_stranger_out()
    {
        var limits = new SourceLimits();
        var random = new Random(12);
        limits.TryArrive(At("192.0.2.1", 1), Start);
        long before = GC.GetAllocatedBytesForCurrentThread();
        SocketAddress28 forged = At("192.0.2.1", 1);
        for (int i = 0; i < 1_000_000; i++)
        {
            forged.V4 = (uint)random.NextInt64(1L << 32);
            limits.TryArrive(forged, Start);
        }
        // A bucket that was allocated would cost tens of millions of bytes.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000);
        Assert.True(limits.TryArrive(At("2001:db8::1", 1), Start));
    }

    private static int Arrive(SourceLimits limits, string address, ulong now, int times)
    {
        SocketAddress28 source = At(address, 4433);
        return Count(times, () => limits.TryArrive(source, now));
    }

    private static int Count(int times, Func<bool> call) => Enumerable.Range(0, times).Count(_ => call());

    private static SocketAddress28 At(string address, int port) =>
        SocketAddress28.From(new IPEndPoint(IPAddress.Parse(address), port));

    // The same rules written down without a thought for memory.
    private sealed class NaiveLimits
    {
        private readonly Dictionary<uint, (float Tokens, ulong Since)> _hosts = [];
        private readonly Dictionary<uint, (float Tokens, ulong Since)> _blocks = [];

        public bool TryArrive(uint address, ulong now)
        {
            uint block = address & 0xff_ffff;
            Refill(_blocks, block, 200, 100, now);
            if (_blocks[block].Tokens < 1)
                return false;
            Refill(_hosts, address, 50, 50, now);
            if (_hosts[address].Tokens < 1)
                return false;
            _blocks[block] = (_blocks[block].Tokens - 1, now);
            _hosts[address] = (_hosts[address].Tokens - 1, now);
            return true;
        }

        private static void Refill(
            Dictionary<uint, (float Tokens, ulong Since)> buckets, uint key, double rate, float most, ulong now)
        {
            (float tokens, ulong since) = buckets.GetValueOrDefault(key, (most, now));
            buckets[key] = ((float)Math.Min(most, tokens + ((now - since) / 1e9 * rate)), now);
        }
    }
}
