using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic.Tests;

/// <summary>Connections whose packets GnuTLS or ipsec-mb encrypts. Needs ipsec-mb, as <see cref="IpsecMbTests"/> does.</summary>
public sealed class PacketProtectionTests
{
    [Theory]
    [InlineData("ipsec-mb", "ipsec-mb")]
    [InlineData("ipsec-mb", "gnutls")]
    [InlineData("gnutls", "ipsec-mb")]
    [InlineData("gnutls", "gnutls")]
    public async Task Ends_that_encrypt_with_different_libraries_understand_each_other(string ours, string theirs)
    {
        await using Node a = await Node.StartAsync(settings: ("packet_protection", ours));
        await using Node b = await Node.StartAsync(settings: ("packet_protection", theirs));
        Assert.Contains($"encrypted by {(ours == "gnutls" ? "GnuTLS, as the setting says" : "ipsec-mb")}", a.Transport.OffloadText, StringComparison.Ordinal);
        (ITransportConnection there, ITransportConnection back) = await a.ConnectAsync(b);
        byte[][] sent = [.. Enumerable.Range(0, 300).Select(i => Packet(i, 40 + (4 * i)))];
        await Eventually.Holds(
            () =>
            {
                Send(there, sent[Math.Min(b.Packets.Count, sent.Length - 1)]);
                Send(back, sent[Math.Min(a.Packets.Count, sent.Length - 1)]);
                return a.Packets.Count >= 300 && b.Packets.Count >= 300;
            },
            "packets both ways");
        Assert.All(a.Packets.Concat(b.Packets), packet => Assert.Contains(sent, one => one.AsSpan().SequenceEqual(packet.Bytes)));
        // Whoever encrypts faster with the second keys begins with them; where neither does, nothing changes them yet.
        Assert.Equal(ours == "ipsec-mb" || theirs == "ipsec-mb", a.Transport.Counters.KeyUpdates + b.Transport.Counters.KeyUpdates > 0);
        Assert.Empty(a.Closed);
        Assert.Empty(b.Closed);
    }

    [Theory]
    [InlineData("ipsec-mb")]
    [InlineData("gnutls")]
    public async Task Datagrams_that_were_altered_on_the_way_are_dropped_and_the_connection_goes_on(string library)
    {
        await using Node a = await Node.StartAsync(settings: ("packet_protection", library));
        await using Node b = await Node.StartAsync(settings: ("packet_protection", library));
        await using var relay = new Relay(b.Addresses[0]);
        long dial = a.Dial(relay.Address.ToString());
        await Eventually.Holds(() => a.Connections.Any(c => c.DialId == dial) && !b.Connections.IsEmpty, "both ends are up");
        ITransportConnection ours = a.Connections.Single().Connection;
        byte[] packet = Packet(1, 700);
        await Eventually.Holds(
            () =>
            {
                Send(ours, packet);
                return b.Packets.Count >= 10 && (library == "gnutls" || a.Transport.Counters.KeyUpdates > 0);
            },
            "packets with the keys that stay");
        // One bit of each third datagram: of the tag, of the text, of what is only authenticated.
        int altered = 0;
        relay.Watch = bytes =>
        {
            int number = Interlocked.Increment(ref altered);
            if (number % 3 == 0)
                bytes[^(1 + (number / 3 * 37 % bytes.Length))] ^= (byte)(1 << (number % 8));
        };
        int before = b.Packets.Count;
        await Eventually.Holds(
            () =>
            {
                Send(ours, packet);
                return Volatile.Read(ref altered) > 300 && b.Packets.Count > before + 100;
            },
            "the others arrive");
        Assert.All(b.Packets, arrived => Assert.Equal(packet, arrived.Bytes));
        Assert.Empty(a.Closed);
        Assert.Empty(b.Closed);
    }

    [Fact]
    public async Task Another_library_waits_for_the_next_start_and_says_so()
    {
        await using Node a = await Node.StartAsync(settings: ("packet_protection", "gnutls"));
        using var next = new FakeContext(("packet_protection", "ipsec-mb"));
        Assert.Null(a.Transport.Check(next));
        a.Transport.Apply(next);
        Assert.Contains(a.Lines, line => line.Contains("packet_protection = ipsec-mb holds from the next start on; GnuTLS", StringComparison.Ordinal));
        Assert.Contains("encrypted by GnuTLS", a.Transport.OffloadText, StringComparison.Ordinal);
    }

    private static byte[] Packet(int seed, int length)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static void Send(ITransportConnection connection, byte[] packet)
    {
        using var batch = new PacketBatch(1, 2048);
        batch.TryAdd(packet);
        connection.Send(batch, 0, 1);
    }
}
