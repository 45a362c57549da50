using VibePN.Testkit;

namespace VibePN.Offload.Tests;

public sealed class CongestionMarkTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Capable_packet_becomes_the_one_that_was_built_with_the_mark(bool isV6)
    {
        var random = new Random(1);
        for (int round = 0; round < 3_000; round++)
        {
            byte service = (byte)random.Next(256);
            Segments segment = Segments.Draw(random, isV6, 6, most: 50) with
            {
                TypeOfService = service, TimeToLive = (byte)random.Next(1, 256), DontFragment = random.Next(2) == 0,
            };
            byte[] packet = segment.Build();
            bool isCapable = (service & 3) != 0;
            Assert.Equal(isCapable, CongestionMark.TryMark(packet));
            byte[] expected = isCapable ? (segment with { TypeOfService = (byte)(service | 3) }).Build() : segment.Build();
            Assert.Equal(expected, packet);
        }
    }

    [Fact]
    public void Checksum_stays_right_for_every_service_and_number()
    {
        for (int id = 0; id < 65_536; id += 7)
        {
            var segment = new Segments { Id = (ushort)id, TypeOfService = (byte)((id & 0xFC) | 1 + (id % 2)) };
            byte[] packet = segment.Build();
            Assert.True(CongestionMark.TryMark(packet));
            Assert.Equal(0, Segments.Checksum(packet.AsSpan(0, 20), 0));
        }
    }

    [Fact]
    public void Flow_label_of_IPv6_is_left_alone()
    {
        byte[] packet = new Segments { IsV6 = true, Source = "fd77::9", Destination = "fd77::1", TypeOfService = 2 }.Build();
        packet[1] |= 0x0F;
        packet[2] = packet[3] = 0xFF;
        Assert.True(CongestionMark.TryMark(packet));
        Assert.Equal([0x60, 0x3F, 0xFF, 0xFF], packet[..4]);
    }

    [Fact]
    public void Header_of_a_super_packet_alone_can_be_marked()
    {
        Segments segment = new() { TypeOfService = 1, Payload = new byte[100] };
        byte[] header = segment.Build()[..segment.HeaderLength];
        Assert.True(CongestionMark.TryMark(header));
        Assert.Equal((segment with { TypeOfService = 3 }).Build()[..20], header[..20]);
    }

    [Fact]
    public void Bytes_that_are_no_packet_never_throw()
    {
        var random = new Random(2);
        for (int round = 0; round < 20_000; round++)
        {
            byte[] packet = new byte[random.Next(60)];
            random.NextBytes(packet);
            byte[] before = [.. packet];
            if (!CongestionMark.TryMark(packet))
                Assert.Equal(before, packet);
            else
                Assert.Equal(before[12..], packet[12..]);
        }
    }
}
