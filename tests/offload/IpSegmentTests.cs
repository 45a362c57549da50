using VibePN.Testkit;

namespace VibePN.Offload.Tests;

public sealed class IpSegmentTests
{
    [Theory]
    [InlineData(false, 6)]
    [InlineData(true, 6)]
    [InlineData(false, 17)]
    [InlineData(true, 17)]
    public void Parts_of_a_packet_lie_where_they_were_put(bool isV6, byte protocol)
    {
        var random = new Random(1);
        for (int round = 0; round < 300; round++)
        {
            Segments segment = Segments.Draw(random, isV6, protocol, most: 1_500);
            byte[] packet = segment.Build();
            Assert.True(IpSegment.TryRead(packet, out IpSegment parts));
            Assert.Equal(new IpSegment(isV6, protocol, segment.TransportOffset, segment.HeaderLength), parts);
            Assert.Equal(segment.ChecksumOffset, parts.ChecksumOffset);
            Assert.True(parts.HasRightHeader(packet));
            Assert.True(parts.HasRightChecksum(packet));
            // One bit is always noticed.
            packet[random.Next(segment.TransportOffset, packet.Length)] ^= (byte)(1 << random.Next(8));
            Assert.False(parts.HasRightChecksum(packet));
        }
    }

    [Fact]
    public void Udp_without_a_checksum_has_none_that_is_right()
    {
        byte[] packet = new Segments { Protocol = 17, Payload = [1, 2, 3] }.Build();
        packet[26] = packet[27] = 0;
        Assert.True(IpSegment.TryRead(packet, out IpSegment parts));
        Assert.False(parts.HasRightChecksum(packet));
    }

    [Fact]
    public void Damaged_header_of_IPv4_is_noticed()
    {
        byte[] packet = new Segments { Payload = [1, 2, 3] }.Build();
        packet[8]--;
        Assert.True(IpSegment.TryRead(packet, out IpSegment parts));
        Assert.False(parts.HasRightHeader(packet));
    }

    [Theory]
    [InlineData("more fragments")]
    [InlineData("offset")]
    [InlineData("longer")]
    [InlineData("shorter")]
    [InlineData("protocol")]
    [InlineData("version")]
    [InlineData("header too long")]
    [InlineData("tcp header too short")]
    [InlineData("tcp header too long")]
    public void Anything_but_one_whole_packet_is_refused(string what)
    {
        byte[] packet = new Segments { Payload = new byte[10] }.Build();
        switch (what)
        {
            case "more fragments": packet[6] |= 0x20; break;
            case "offset": packet[7] = 1; break;
            case "longer": Array.Resize(ref packet, packet.Length + 1); break;
            case "shorter": Array.Resize(ref packet, packet.Length - 1); break;
            case "protocol": packet[9] = 1; break;
            case "version": packet[0] = 0x55; break;
            case "header too long": packet[0] = 0x4F; break;
            case "tcp header too short": packet[32] = 0x40; break;
            case "tcp header too long": packet[32] = 0xF0; break;
        }
        Assert.False(IpSegment.TryRead(packet, out _));
    }

    [Fact]
    public void Extension_headers_are_not_read()
    {
        byte[] packet = new Segments { IsV6 = true, Source = "fd77::9", Destination = "fd77::1", Payload = new byte[20] }.Build();
        packet[6] = 60; // destination options
        Assert.False(IpSegment.TryRead(packet, out _));
    }

    [Fact]
    public void Random_bytes_are_refused_or_have_their_parts_within()
    {
        var random = new Random(2);
        int read = 0;
        for (int round = 0; round < 100_000; round++)
        {
            byte[] packet = Segments.Draw(random, random.Next(2) == 0, random.Next(2) == 0 ? (byte)6 : (byte)17, most: 40).Build();
            for (int i = random.Next(4); i > 0; i--)
                packet[random.Next(packet.Length)] = (byte)random.Next(256);
            if (random.Next(4) == 0)
                Array.Resize(ref packet, random.Next(packet.Length + 10));
            if (!IpSegment.TryRead(packet, out IpSegment parts))
                continue;
            read++;
            Assert.InRange(parts.Transport, 20, parts.Payload - 8);
            Assert.InRange(parts.Payload, parts.Transport + 8, packet.Length);
            Assert.Equal(parts.IsV6 ? 32 : 8, parts.Addresses(packet).Length);
            _ = parts.HasRightHeader(packet) && parts.HasRightChecksum(packet);
            parts.WritePartialChecksum(packet, packet.Length);
            parts.WriteIpLength(packet, packet.Length);
            Assert.True(parts.HasRightHeader(packet));
        }
        Assert.InRange(read, 10_000, 90_000);
    }
}
