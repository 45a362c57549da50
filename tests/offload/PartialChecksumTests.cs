using VibePN.Contracts;
using VibePN.Testkit;

namespace VibePN.Offload.Tests;

public sealed class PartialChecksumTests
{
    [Theory]
    [InlineData(false, 6)]
    [InlineData(true, 6)]
    [InlineData(false, 17)]
    [InlineData(true, 17)]
    public void Checksum_left_to_the_device_is_filled_in(bool isV6, byte protocol)
    {
        var random = new Random(2);
        for (int round = 0; round < 300; round++)
        {
            Segments segment = Segments.Draw(random, isV6, protocol, most: 1_500);
            byte[] packet = segment.BuildPartial();
            Assert.NotEqual(segment.Build(), packet);
            PartialChecksum.Complete(packet, segment.TransportOffset, segment.ChecksumOffset);
            Assert.Equal(segment.Build(), packet);
        }
    }

    [Theory]
    [InlineData(6, 0x0000)]
    [InlineData(17, 0xFFFF)] // RFC 768: 0 would mean that there is none
    public void Checksum_of_zero_is_written_as_the_protocol_has_it(byte protocol, ushort expected)
    {
        // Adding a packet's own checksum to its payload makes the sum come out as zero.
        var segment = new Segments { Protocol = protocol, Payload = [0, 0, 1, 2] };
        byte[] plain = segment.Build();
        int field = segment.TransportOffset + segment.ChecksumOffset;
        Segments zero = segment with { Payload = [plain[field], plain[field + 1], 1, 2] };
        byte[] packet = zero.BuildPartial();
        PartialChecksum.Complete(packet, zero.TransportOffset, zero.ChecksumOffset);
        Assert.Equal([(byte)(expected >> 8), (byte)expected], packet[field..(field + 2)]);
        Assert.Equal(zero.Build(), packet);
    }

    [Fact]
    public void Partial_checksum_that_is_written_is_the_pseudo_headers_sum()
    {
        var random = new Random(3);
        for (int round = 0; round < 300; round++)
        {
            Segments segment = Segments.Draw(random, round % 2 == 0, round % 4 < 2 ? (byte)6 : (byte)17, most: 1_500);
            byte[] packet = segment.Build();
            Assert.True(IpSegment.TryRead(packet, out IpSegment parts));
            parts.WritePartialChecksum(packet, packet.Length);
            Assert.Equal(segment.BuildPartial(), packet);
        }
    }

    [Theory]
    [InlineData(20, 16, 38, true)]
    [InlineData(20, 16, 37, false)]
    [InlineData(0, 0, 2, true)]
    [InlineData(0, 0, 1, false)]
    [InlineData(40, 6, 40, false)]
    [InlineData(65_535, 65_535, 65_535, false)]
    public void Facts_fit_when_the_field_lies_within(ushort start, ushort offset, int length, bool fits) =>
        Assert.Equal(fits, PartialChecksum.Fits(new PacketOffload(OffloadKind.None, 0, ChecksumState.Partial, start, offset), length));

    [Fact]
    public void Whatever_fits_can_be_completed_and_changes_only_the_field()
    {
        var random = new Random(5);
        int fitting = 0;
        for (int round = 0; round < 20_000; round++)
        {
            byte[] packet = new byte[random.Next(1, 100)];
            random.NextBytes(packet);
            var facts = new PacketOffload(
                OffloadKind.None, 0, ChecksumState.Partial, (ushort)random.Next(100), (ushort)random.Next(40));
            if (!PartialChecksum.Fits(facts, packet.Length))
                continue;
            fitting++;
            byte[] completed = [.. packet];
            PartialChecksum.Complete(completed, facts.ChecksumStart, facts.ChecksumOffset);
            int field = facts.ChecksumStart + facts.ChecksumOffset;
            completed[field] = packet[field];
            completed[field + 1] = packet[field + 1];
            Assert.Equal(packet, completed);
        }
        Assert.InRange(fitting, 1_000, 19_000);
    }
}
