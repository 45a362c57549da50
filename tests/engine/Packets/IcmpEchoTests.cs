using VibePN.Contracts;
using VibePN.Engine.Packets;

namespace VibePN.Engine.Tests.Packets;

public sealed class IcmpEchoTests
{
    [Theory]
    [InlineData("10.42.0.1", "10.42.0.5", 1)]
    [InlineData("10.42.0.1", "10.42.0.5", 8)]
    [InlineData("fd00:42::1", "fd00:42::5", 33)]
    public void A_question_is_a_packet_whose_checksums_are_right(string source, string destination, int size)
    {
        byte[] payload = [.. Enumerable.Range(0, size).Select(i => (byte)i)];
        byte[] packet = Question(source, destination, payload);
        Assert.True(IpPacket.TryParse(packet, out PacketKey key, out IpFacts facts));
        Assert.Equal((IpAddress.Parse(source), IpAddress.Parse(destination)), (key.Source, key.Destination));
        Assert.True(facts.DontFragment);
        ReadOnlySpan<byte> icmp = packet.AsSpan(facts.TransportOffset);
        ulong sum = facts.Family == IpFamily.V6
            ? InternetChecksum.AddPseudoHeader(0, key.Source, key.Destination, IpProtocol.IcmpV6, icmp.Length) : 0;
        Assert.Equal(0, InternetChecksum.Finish(InternetChecksum.Add(sum, icmp)));
        if (facts.Family == IpFamily.V4)
            Assert.Equal(0, InternetChecksum.Of(packet.AsSpan(0, 20)));
        Assert.Equal(payload, icmp[8..].ToArray());
        Assert.False(IcmpEcho.TryReadAnswer(packet, key, facts, out _));
    }

    [Theory]
    [InlineData("10.42.0.1", "10.42.0.5")]
    [InlineData("fd00:42::1", "fd00:42::5")]
    public void An_answer_is_read(string source, string destination)
    {
        byte[] packet = Answer(Question(source, destination, [1, 2, 3]));
        Assert.True(IpPacket.TryParse(packet, out PacketKey key, out IpFacts facts));
        Assert.True(IcmpEcho.TryReadAnswer(packet, key, facts, out EchoMessage answer));
        Assert.Equal(((ushort)7, (ushort)9, (byte)64), (answer.Identifier, answer.Sequence, answer.HopLimit));
        Assert.Equal([1, 2, 3], answer.Payload.ToArray());
    }

    [Fact]
    public void Random_bytes_are_no_trouble()
    {
        var random = new Random(4);
        byte[] answer = Answer(Question("10.42.0.1", "10.42.0.5", new byte[20]));
        for (int round = 0; round < 100_000; round++)
        {
            byte[] packet = answer[..random.Next(answer.Length + 1)];
            for (int flips = random.Next(4); flips > 0 && packet.Length > 0; flips--)
                packet[random.Next(packet.Length)] = (byte)random.Next(256);
            if (IpPacket.TryParse(packet, out PacketKey key, out IpFacts facts) && IcmpEcho.TryReadAnswer(packet, key, facts, out EchoMessage read))
                Assert.True(read.Payload.Length <= packet.Length);
        }
    }

    /// <summary>What a kernel answers.</summary>
    internal static byte[] Answer(byte[] question)
    {
        byte[] packet = [.. question];
        bool isV6 = packet[0] >> 4 == 6;
        (int at, int length) = isV6 ? (8, 16) : (12, 4);
        question.AsSpan(at, length).CopyTo(packet.AsSpan(at + length));
        question.AsSpan(at + length, length).CopyTo(packet.AsSpan(at));
        Span<byte> icmp = packet.AsSpan(isV6 ? 40 : 20);
        icmp[0] = (byte)(isV6 ? 129 : 0);
        icmp[2] = icmp[3] = 0;
        Assert.True(IpPacket.TryParse(packet, out PacketKey key, out _));
        ulong sum = isV6 ? InternetChecksum.AddPseudoHeader(0, key.Source, key.Destination, IpProtocol.IcmpV6, icmp.Length) : 0;
        ushort checksum = InternetChecksum.Finish(InternetChecksum.Add(sum, icmp));
        (icmp[2], icmp[3]) = ((byte)(checksum >> 8), (byte)checksum);
        return packet;
    }

    internal static byte[] Question(string source, string destination, byte[] payload, ushort identifier = 7)
    {
        IpAddress to = IpAddress.Parse(destination);
        byte[] packet = new byte[IcmpEcho.LengthOf(to.Family, payload.Length)];
        IcmpEcho.Build(IpAddress.Parse(source), to, identifier, 9, payload, packet);
        return packet;
    }
}
