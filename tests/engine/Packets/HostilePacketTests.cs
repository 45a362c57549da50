using VibePN.Contracts;
using VibePN.Engine.Packets;

namespace VibePN.Engine.Tests.Packets;

public sealed class HostilePacketTests
{
    private const int Inputs = 1_000_000;

    [Fact]
    public void A_million_random_and_mutated_packets_read_as_the_naive_parser_reads_them()
    {
        var random = new Random(4_711);
        byte[][] corpus = Corpus();
        int accepted = 0;
        for (int i = 0; i < Inputs; i++)
        {
            byte[] packet = Mutate(random, corpus[random.Next(corpus.Length)]);
            NaiveIpParser.Result? expected = NaiveIpParser.Parse(packet);
            bool parsed = IpPacket.TryParse(packet, out PacketKey key, out IpFacts facts);
            NaiveIpParser.Result? actual = parsed
                ? new(key, facts.Fragment.ToString(), facts.DontFragment, facts.TransportOffset)
                : null;
            if (expected != actual)
                Assert.Fail($"Input {i}, {Convert.ToHexString(packet)}: naive {expected}, fast {actual}");
            accepted += parsed ? 1 : 0;
        }
        Assert.InRange(accepted, Inputs / 10, Inputs * 9 / 10); // both outcomes were really met
    }

    [Fact]
    public void Parsing_and_answering_allocate_nothing()
    {
        byte[][] corpus = Corpus();
        byte[] answer = new byte[IcmpAnswers.MaxAnswer];
        IpAddress[] from = [IpAddress.Parse("10.42.0.1"), IpAddress.Parse("fd00:42::1")];
        long allocated = long.MaxValue;
        for (int round = 0; round < 3; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            foreach (byte[] packet in corpus)
            {
                Assert.True(IpPacket.TryParse(packet, out _, out _));
                foreach (IpAddress address in from)
                {
                    IcmpAnswers.TryBuildTooBig(packet, 1300, address, answer, out _);
                    IcmpAnswers.TryBuildUnreachable(packet, UnreachableCause.NoRoute, address, answer, out _);
                }
            }
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }
        Assert.Equal(0, allocated);
    }

    [Fact]
    public void No_input_makes_an_answer_that_is_not_a_packet_itself()
    {
        var random = new Random(99);
        byte[][] corpus = Corpus();
        byte[] answer = new byte[IcmpAnswers.MaxAnswer];
        int answers = 0;
        for (int i = 0; i < 200_000; i++)
        {
            byte[] packet = Mutate(random, corpus[random.Next(corpus.Length)]);
            IpAddress from = IpAddress.Parse(random.Next(2) == 0 ? "10.42.0.1" : "fd00:42::1");
            Span<byte> room = answer.AsSpan(0, random.Next(8) == 0 ? random.Next(answer.Length) : answer.Length);
            bool built = random.Next(2) == 0
                ? IcmpAnswers.TryBuildTooBig(packet, random.Next(-5, 70_000), from, room, out int length)
                : IcmpAnswers.TryBuildUnreachable(packet, UnreachableCause.PeerDown, from, room, out length);
            Assert.Equal(built, length > 0);
            if (!built)
                continue;
            answers++;
            Assert.True(IpPacket.TryParse(answer.AsSpan(0, length), out PacketKey key, out _));
            Assert.Equal(from, key.Source);
            // An answer is an error, so it is never answered itself.
            Assert.False(IcmpAnswers.TryBuildUnreachable(
                answer.AsSpan(0, length), UnreachableCause.NoRoute, key.Destination, new byte[1280], out _));
        }
        Assert.InRange(answers, 10_000, 200_000);
    }

    private static byte[][] Corpus()
    {
        const string A = "10.42.0.2";
        const string B = "10.42.0.4";
        const string A6 = "fd00:42::2";
        const string B6 = "fd00:42::4";
        byte[] udp = TestPackets.Udp(A6, B6)[40..];
        return
        [
            TestPackets.Udp(A, B),
            TestPackets.Tcp(A, B, 40),
            TestPackets.Icmp(A, B, 8),
            TestPackets.WithFragment(TestPackets.Udp(A, B, 40), more: true),
            TestPackets.WithFragment(TestPackets.Udp(A, B, 40), dontFragment: true),
            TestPackets.WithFragment(TestPackets.Tcp(A, B, 44), more: true, offset: 3),
            TestPackets.WithFragment(TestPackets.Udp(A, B, 80), offset: 8_180),
            TestPackets.Udp(A6, B6),
            TestPackets.Tcp(A6, B6, 40),
            TestPackets.Icmp(A6, B6, 128),
            TestPackets.Ip(A6, B6, 0, [60, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0, .. udp]),
            TestPackets.Ip(A6, B6, 44, [17, 0, 0, 1, 0, 0, 0, 7, .. udp]),
            TestPackets.Ip(A6, B6, 44, [60, 0, 0, 1, 0, 0, 0, 7, 17, 0, 0, 0, 0, 0, 0, 0, .. udp]),
            TestPackets.Ip(A6, B6, 44, [17, 0, 0xFF, 0xD0, 0, 0, 0, 7, .. udp]),
            TestPackets.Ip(A6, B6, 51, [17, 4, 0, 0, .. new byte[20], .. udp]),
            TestPackets.Ip(A6, B6, 43, [17, 0, 0, 0, 0, 0, 0, 0, .. udp]),
        ];
    }

    private static byte[] Mutate(Random random, byte[] seed)
    {
        if (random.Next(10) == 0)
        {
            byte[] noise = new byte[random.Next(80)];
            random.NextBytes(noise);
            return noise;
        }
        byte[] packet = random.Next(10) == 0 ? seed[..random.Next(seed.Length)] : [.. seed];
        for (int changes = random.Next(4); changes > 0 && packet.Length > 0; changes--)
        {
            // Most of what matters stands in the first bytes behind the addresses and in the length fields.
            int at = random.Next(3) == 0 ? random.Next(Math.Min(8, packet.Length)) : random.Next(packet.Length);
            packet[at] = random.Next(3) switch
            {
                0 => (byte)random.Next(256),
                1 => (byte)(packet[at] ^ (1 << random.Next(8))),
                _ => (byte)(packet[at] + random.Next(-2, 3)),
            };
        }
        return packet;
    }
}
