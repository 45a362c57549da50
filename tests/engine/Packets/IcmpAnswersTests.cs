using System.Buffers.Binary;
using VibePN.Contracts;
using VibePN.Engine.Packets;

namespace VibePN.Engine.Tests.Packets;

public sealed class IcmpAnswersTests
{
    private static readonly IpAddress Ours = IpAddress.Parse("10.42.0.1");
    private static readonly IpAddress Ours6 = IpAddress.Parse("fd00:42::1");

    private readonly byte[] _answer = new byte[IcmpAnswers.MaxAnswer];

    [Fact]
    public void Ipv4_that_must_not_be_cut_is_told_the_next_hop_mtu()
    {
        byte[] packet = TestPackets.WithFragment(TestPackets.Udp("10.42.0.2", "10.42.9.9", 1472), dontFragment: true);
        Assert.True(IcmpAnswers.TryBuildTooBig(packet, 1380, Ours, _answer, out int length));
        Assert.Equal(576, length);
        AssertV4Answer(_answer.AsSpan(0, length), type: 3, code: 4, packet);
        Assert.Equal(0, BinaryPrimitives.ReadUInt16BigEndian(_answer.AsSpan(24)));
        Assert.Equal(1380, BinaryPrimitives.ReadUInt16BigEndian(_answer.AsSpan(26)));
    }

    [Fact]
    public void Ipv4_that_may_be_cut_is_told_nothing()
    {
        byte[] packet = TestPackets.Udp("10.42.0.2", "10.42.9.9", 1472);
        Assert.False(IcmpAnswers.TryBuildTooBig(packet, 1380, Ours, _answer, out int length));
        Assert.Equal(0, length);
    }

    [Theory]
    [InlineData(1380, 1380)]
    [InlineData(1169, 1280)] // IPv6 has no smaller link
    [InlineData(-1, 1280)]
    public void Ipv6_is_told_packet_too_big(int mtu, int told)
    {
        byte[] packet = TestPackets.Udp("fd00:42::2", "fd00:42::9", 1452);
        Assert.True(IcmpAnswers.TryBuildTooBig(packet, mtu, Ours6, _answer, out int length));
        Assert.Equal(1280, length);
        AssertV6Answer(_answer.AsSpan(0, length), type: 2, code: 0, packet);
        Assert.Equal(told, BinaryPrimitives.ReadInt32BigEndian(_answer.AsSpan(44)));
    }

    [Fact]
    public void A_short_packet_is_quoted_whole()
    {
        byte[] packet = TestPackets.Udp("10.42.0.2", "10.42.9.9", 11);
        Assert.True(IcmpAnswers.TryBuildUnreachable(packet, UnreachableCause.NoRoute, Ours, _answer, out int length));
        Assert.Equal(28 + packet.Length, length);
        AssertV4Answer(_answer.AsSpan(0, length), type: 3, code: 0, packet);

        packet = TestPackets.Udp("fd00:42::2", "fd00:42::9", 11);
        Assert.True(IcmpAnswers.TryBuildUnreachable(packet, UnreachableCause.NoRoute, Ours6, _answer, out length));
        Assert.Equal(48 + packet.Length, length);
        AssertV6Answer(_answer.AsSpan(0, length), type: 1, code: 0, packet);
    }

    [Fact]
    public void A_peer_that_is_down_is_told_from_a_missing_route()
    {
        byte[] packet = TestPackets.Udp("10.42.0.2", "10.42.9.9");
        Assert.True(IcmpAnswers.TryBuildUnreachable(packet, UnreachableCause.PeerDown, Ours, _answer, out int length));
        AssertV4Answer(_answer.AsSpan(0, length), type: 3, code: 1, packet);
        packet = TestPackets.Udp("fd00:42::2", "fd00:42::9");
        Assert.True(IcmpAnswers.TryBuildUnreachable(packet, UnreachableCause.PeerDown, Ours6, _answer, out length));
        AssertV6Answer(_answer.AsSpan(0, length), type: 1, code: 3, packet);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(3, false)]
    [InlineData(4, false)]
    [InlineData(5, false)]
    [InlineData(8, true)]
    [InlineData(11, false)]
    [InlineData(12, false)]
    [InlineData(200, false)]
    public void An_ipv4_icmp_error_is_never_answered(byte type, bool answered) =>
        Assert.Equal(answered, Answers(TestPackets.Icmp("10.42.0.2", "10.42.9.9", type), Ours));

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(127, false)]
    [InlineData(128, true)]
    [InlineData(129, true)]
    [InlineData(137, false)]
    public void An_ipv6_icmp_error_is_never_answered(byte type, bool answered) =>
        Assert.Equal(answered, Answers(TestPackets.Icmp("fd00:42::2", "fd00:42::9", type), Ours6));

    [Theory]
    [InlineData("10.42.0.2", "224.0.0.1")]
    [InlineData("10.42.0.2", "255.255.255.255")]
    [InlineData("0.0.0.0", "10.42.0.9")]
    [InlineData("224.0.0.1", "10.42.0.9")]
    [InlineData("127.0.0.1", "10.42.0.9")]
    public void Only_packets_from_one_host_to_one_host_are_answered(string source, string destination) =>
        Assert.False(Answers(TestPackets.Udp(source, destination), Ours));

    [Theory]
    [InlineData("fd00:42::2", "ff02::1")]
    [InlineData("::", "fd00:42::9")]
    [InlineData("::1", "fd00:42::9")]
    public void Only_ipv6_packets_from_one_host_to_one_host_are_answered(string source, string destination) =>
        Assert.False(Answers(TestPackets.Udp(source, destination), Ours6));

    [Fact]
    public void A_later_fragment_is_never_answered()
    {
        byte[] packet = TestPackets.Udp("10.42.0.2", "10.42.9.9", 32);
        Assert.False(Answers(TestPackets.WithFragment(packet, dontFragment: true, offset: 4), Ours));
        Assert.True(Answers(TestPackets.WithFragment(packet, dontFragment: true, more: true), Ours));
    }

    [Fact]
    public void An_answer_needs_an_address_of_ours_in_the_packets_family()
    {
        Assert.False(Answers(TestPackets.Udp("10.42.0.2", "10.42.9.9"), Ours6));
        Assert.False(Answers(TestPackets.Udp("fd00:42::2", "fd00:42::9"), Ours));
        Assert.False(Answers(TestPackets.Udp("10.42.0.2", "10.42.9.9"), default));
    }

    [Fact]
    public void A_destination_one_byte_short_gets_nothing()
    {
        byte[] packet = TestPackets.Udp("10.42.0.2", "10.42.9.9", 11);
        int needed = 28 + packet.Length;
        Assert.False(IcmpAnswers.TryBuildUnreachable(
            packet, UnreachableCause.NoRoute, Ours, _answer.AsSpan(0, needed - 1), out int length));
        Assert.Equal(0, length);
        Assert.True(IcmpAnswers.TryBuildUnreachable(
            packet, UnreachableCause.NoRoute, Ours, _answer.AsSpan(0, needed), out _));
    }

    [Fact]
    public void The_checksum_equals_the_naive_one_at_every_length_and_split()
    {
        var random = new Random(3);
        for (int length = 0; length < 300; length++)
        {
            byte[] bytes = new byte[length];
            random.NextBytes(bytes);
            if (length % 7 == 0)
                Array.Fill(bytes, (byte)0xFF);
            Assert.Equal(TestPackets.NaiveChecksum(bytes), InternetChecksum.Of(bytes));
            int split = random.Next(length + 1) & ~1;
            ulong sum = InternetChecksum.Add(InternetChecksum.Add(0, bytes.AsSpan(0, split)), bytes.AsSpan(split));
            Assert.Equal(TestPackets.NaiveChecksum(bytes), InternetChecksum.Finish(sum));
        }
    }

    private bool Answers(byte[] packet, IpAddress from) =>
        IcmpAnswers.TryBuildUnreachable(packet, UnreachableCause.NoRoute, from, _answer, out _);

    private static void AssertV4Answer(ReadOnlySpan<byte> answer, byte type, byte code, byte[] offending)
    {
        Assert.Equal(0x45, answer[0]);
        Assert.Equal(answer.Length, BinaryPrimitives.ReadUInt16BigEndian(answer[2..]));
        Assert.Equal(1, answer[9]);
        Assert.Equal(Ours, IpAddress.FromBytes(answer[12..16]));
        Assert.Equal(IpAddress.FromBytes(offending.AsSpan(12, 4)), IpAddress.FromBytes(answer[16..20]));
        Assert.Equal(0, TestPackets.NaiveChecksum(answer[..20]));
        Assert.Equal((type, code), (answer[20], answer[21]));
        Assert.Equal(0, TestPackets.NaiveChecksum(answer[20..]));
        Assert.True(answer[28..].SequenceEqual(offending.AsSpan(0, answer.Length - 28)));
    }

    private static void AssertV6Answer(ReadOnlySpan<byte> answer, byte type, byte code, byte[] offending)
    {
        Assert.Equal(0x60, answer[0]);
        Assert.Equal(answer.Length - 40, BinaryPrimitives.ReadUInt16BigEndian(answer[4..]));
        Assert.Equal(58, answer[6]);
        Assert.Equal(Ours6, IpAddress.FromBytes(answer[8..24]));
        Assert.Equal(IpAddress.FromBytes(offending.AsSpan(8, 16)), IpAddress.FromBytes(answer[24..40]));
        Assert.Equal((type, code), (answer[40], answer[41]));
        byte[] summed = [.. answer[8..40], 0, 0, answer[4], answer[5], 0, 0, 0, 58, .. answer[40..]];
        Assert.Equal(0, TestPackets.NaiveChecksum(summed));
        Assert.True(answer[48..].SequenceEqual(offending.AsSpan(0, answer.Length - 48)));
    }
}
