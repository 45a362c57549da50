using VibePN.Contracts;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Tests.Packets;
using VibePN.Prefixes;
using VibePN.Testkit;

namespace VibePN.Engine.Tests.Forwarding;

/// <summary>Packets that a transport says to have a partial checksum, without a word of where it lies.</summary>
public sealed class InboundChecksumTests
{
    private const string Own = "10.42.0.1";
    private const string Own6 = "fd00:42::1";
    private const string Peer = "10.42.0.5";
    private const string Peer6 = "fd00:42::5";

    private static readonly PacketOffload s_somewhere = new(OffloadKind.None, 0, ChecksumState.Partial, 0, 0);

    [Theory]
    [InlineData(false, 6)]
    [InlineData(true, 6)]
    [InlineData(false, 17)]
    [InlineData(true, 17)]
    public void Device_that_completes_them_is_told_where(bool isV6, byte protocol)
    {
        using var receiver = new Receiver(OffloadCapabilities.PartialChecksum);
        Segments segment = Segment(isV6, protocol);
        receiver.Receive((segment.BuildPartial(), s_somewhere));
        Assert.Equal([segment.BuildPartial()], receiver.Written);
        Assert.Equal(segment.Facts(), receiver.FactsOf(0));
        receiver.AssertDrops();
    }

    [Theory]
    [InlineData(false, 6)]
    [InlineData(true, 6)]
    [InlineData(false, 17)]
    [InlineData(true, 17)]
    public void For_a_device_that_does_not_they_are_completed(bool isV6, byte protocol)
    {
        using var receiver = new Receiver(OffloadCapabilities.None);
        Segments segment = Segment(isV6, protocol);
        receiver.Receive((segment.BuildPartial(), s_somewhere));
        Assert.Equal([segment.Build()], receiver.Written);
        Assert.Equal(default, receiver.FactsOf(0)); // else whoever writes it would complete it again
        receiver.AssertDrops();
    }

    [Theory]
    [InlineData(OffloadCapabilities.None)]
    [InlineData(OffloadCapabilities.PartialChecksum)]
    public void Checksum_behind_options_and_extension_headers_is_found(OffloadCapabilities offloads)
    {
        Segments segment = Segment(isV6: true, protocol: 17);
        byte[] extension = [17, 0, 1, 4, 0, 0, 0, 0];
        using var receiver = new Receiver(offloads);
        receiver.Receive((WithExtension(segment.BuildPartial(), extension), s_somewhere));
        bool isLeft = offloads != OffloadCapabilities.None;
        Assert.Equal([WithExtension(isLeft ? segment.BuildPartial() : segment.Build(), extension)], receiver.Written);
        Assert.Equal(isLeft ? segment.Facts() with { ChecksumStart = 48 } : default, receiver.FactsOf(0));
    }

    [Theory]
    [InlineData(OffloadCapabilities.None)]
    [InlineData(OffloadCapabilities.PartialChecksum)]
    public void What_has_no_checksum_that_could_be_completed_is_malformed(OffloadCapabilities offloads)
    {
        using var receiver = new Receiver(offloads);
        receiver.Receive(
            (TestPackets.Icmp(Peer, Own, 8), s_somewhere),
            (TestPackets.Icmp(Peer6, Own6, 128), s_somewhere),
            (TestPackets.WithFragment(TestPackets.Udp(Peer, Own), more: true), s_somewhere),
            (TestPackets.WithFragment(TestPackets.Udp(Peer, Own), offset: 5), s_somewhere),
            (TestPackets.Ip(Peer, Own, 47, new byte[40]), s_somewhere));
        Assert.Empty(receiver.Written);
        receiver.AssertDrops((DropReason.Malformed, 5));
    }

    [Fact]
    public void Complete_packets_pass_as_they_are_whatever_is_in_their_checksum()
    {
        byte[][] packets = [TestPackets.Icmp(Peer, Own, 8), TestPackets.Udp(Peer, Own), Segment(false, 6).BuildPartial()];
        foreach (OffloadCapabilities offloads in new[] { OffloadCapabilities.None, OffloadCapabilities.PartialChecksum })
        {
            using var receiver = new Receiver(offloads);
            receiver.Receive([.. packets.Select(packet => (packet, default(PacketOffload)))]);
            Assert.Equal(packets, receiver.Written);
            Assert.All(Enumerable.Range(0, 3), slot => Assert.Equal(default, receiver.FactsOf(slot)));
        }
    }

    [Fact]
    public void Packet_that_may_not_come_in_is_dropped_for_that()
    {
        using var receiver = new Receiver(OffloadCapabilities.None);
        receiver.Receive(
            (TestPackets.Udp("10.42.0.6", Own), s_somewhere), (TestPackets.Icmp("10.42.0.6", Own, 8), s_somewhere),
            (TestPackets.Udp(Peer, "10.42.0.9"), s_somewhere));
        receiver.AssertDrops((DropReason.SourceNotAllowed, 2), (DropReason.DestinationNotLocal, 1));
    }

    [Fact]
    public void Random_bytes_change_nowhere_but_in_the_checksum()
    {
        var random = new Random(1);
        int written = 0;
        for (int round = 0; round < 5_000; round++)
        {
            Segments segment = Segment(random.Next(2) == 0, random.Next(2) == 0 ? (byte)6 : (byte)17);
            byte[] packet = segment.BuildPartial();
            for (int i = random.Next(3); i > 0; i--)
                packet[random.Next(packet.Length)] = (byte)random.Next(256);
            using var receiver = new Receiver(OffloadCapabilities.None);
            receiver.Receive((packet, s_somewhere));
            if (receiver.Written.Count == 0)
                continue;
            written++;
            byte[] found = receiver.Written[0];
            Assert.Equal(packet.Length, found.Length);
            Assert.InRange(Enumerable.Range(0, packet.Length).Count(i => packet[i] != found[i]), 0, 2);
        }
        Assert.InRange(written, 1_000, 4_900);
    }

    [Theory]
    [InlineData(OffloadCapabilities.None)]
    [InlineData(OffloadCapabilities.PartialChecksum)]
    public void Nothing_is_allocated_per_packet(OffloadCapabilities offloads)
    {
        using var receiver = new Receiver(offloads, records: false);
        (byte[], PacketOffload)[] packets =
            [.. Enumerable.Range(0, 32).Select(i => (Segment(i % 2 == 0, i % 4 < 2 ? (byte)6 : (byte)17).BuildPartial(), s_somewhere))];
        receiver.Receive(packets);
        long before = 0;
        for (int round = 0; round < 1_200; round++)
        {
            if (round == 200)
                before = GC.GetAllocatedBytesForCurrentThread();
            receiver.ReceiveAgain(s_somewhere);
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(1_201 * 32, receiver.WrittenCount);
    }

    private static Segments Segment(bool isV6, byte protocol) =>
        Segments.Draw(new Random(1), isV6, protocol, most: 200) with
        {
            Source = isV6 ? Peer6 : Peer,
            Destination = isV6 ? Own6 : Own,
        };

    // Destination options between the IPv6 header and the transport's.
    private static byte[] WithExtension(byte[] packet, byte[] extension)
    {
        byte[] longer = [.. packet[..40], .. extension, .. packet[40..]];
        longer[5] += (byte)extension.Length;
        longer[6] = 60;
        return longer;
    }

    /// <summary>A network of one peer, which may use the addresses that end in 5.</summary>
    private sealed class Receiver : IDisposable
    {
        private readonly ForwardingFixture _fixture;
        private readonly InboundPath _path = new();
        private readonly InboundPort _from;

        public Receiver(OffloadCapabilities offloads, bool records = true)
        {
            _fixture = new ForwardingFixture(records, offloads);
            (PeerPort port, _) = _fixture.AddPeer(5);
            port.AllowedSources = PrefixSet.Of([IpPrefix.Parse("10.42.0.5/32"), IpPrefix.Parse("fd00:42::5/128")]);
            _fixture.SetRoutes();
            _from = new InboundPort([(0, port)]);
        }

        public IReadOnlyList<byte[]> Written => _fixture.Device.Written;

        public int WrittenCount => _fixture.Device.WrittenCount;

        public void Receive(params (byte[] Packet, PacketOffload Facts)[] packets)
        {
            _fixture.Batch.Clear();
            foreach ((byte[] packet, PacketOffload facts) in packets)
                Assert.True(_fixture.Batch.TryAdd(packet, offload: facts));
            _path.Process(_from, _fixture.Batch);
        }

        public void ReceiveAgain(PacketOffload facts)
        {
            for (int slot = 0; slot < _fixture.Batch.Count; slot++)
                _fixture.Batch.SetOffload(slot, facts);
            _path.Process(_from, _fixture.Batch);
        }

        /// <summary>What the device was told of a packet.</summary>
        public PacketOffload FactsOf(int slot) => _fixture.Batch.OffloadOf(slot);

        public void AssertDrops(params (DropReason Reason, long Count)[] expected) => Assert.Equal(
            expected.OrderBy(drop => drop.Reason).Select(drop => KeyValuePair.Create(drop.Reason, drop.Count)),
            DropCounters.Sum(_fixture.Network.ReceivedDrops).OrderBy(drop => drop.Key));

        public void Dispose() => _fixture.Dispose();
    }
}
