using System.Buffers.Binary;
using VibePN.Contracts;
using VibePN.Engine.Packets;

namespace VibePN.Engine.Tests.Packets;

public sealed class MssClampTests
{
    private const string A = "10.42.0.2";
    private const string B = "10.42.0.4";
    private const string A6 = "fd00:42::2";
    private const string B6 = "fd00:42::4";
    private const int Mtu = 1380;

    /// <summary>The option, alone.</summary>
    public static byte[] Mss(int value) => [2, 4, (byte)(value >> 8), (byte)value];

    [Theory]
    [InlineData(A, B, 1460, 1380, 1340)]
    [InlineData(A, B, 65_535, 576, 536)]
    [InlineData(A6, B6, 1440, 1380, 1320)]
    [InlineData(A6, B6, 1221, 1280, 1220)]
    [InlineData(A, B, 65_535, 65_535, 65_495)]
    public void A_segment_size_that_does_not_fit_is_lowered(string source, string destination, int asked, int mtu, int lowered)
    {
        byte[] syn = TestPackets.Syn(source, destination, [.. Mss(asked), 4, 2, 1, 3, 3, 7]);
        Assert.Equal(TestPackets.Syn(source, destination, [.. Mss(lowered), 4, 2, 1, 3, 3, 7]), Clamped(syn, mtu));
    }

    [Theory]
    [InlineData(new byte[] { })]
    [InlineData(new byte[] { 1 })] // the value lies across two words of the checksum
    [InlineData(new byte[] { 1, 1 })]
    [InlineData(new byte[] { 3, 3, 7 })]
    [InlineData(new byte[] { 253, 2, 1, 4, 2 })] // one that nobody knows
    public void The_checksum_is_right_wherever_the_option_stands(byte[] before)
    {
        for (int asked = 1341; asked <= 65_535; asked += 3)
        {
            byte[] clamped = Clamped(TestPackets.Syn(A, B, [.. before, .. Mss(asked)]));
            Assert.Equal(0, TestPackets.TcpChecksum(clamped, 20));
            Assert.Equal(Mss(1340), clamped[(40 + before.Length)..(44 + before.Length)]);
        }
    }

    [Theory]
    [InlineData(A, B, 20)]
    [InlineData(A6, B6, 40)]
    public void A_partial_checksum_is_left_alone(string source, string destination, int transport)
    {
        byte[] syn = TestPackets.WithPartialChecksum(TestPackets.Syn(source, destination, Mss(1460)), transport);
        byte[] expected = TestPackets.WithPartialChecksum(
            TestPackets.Syn(source, destination, Mss(transport == 20 ? 1340 : 1320)), transport);
        Assert.Equal(expected, Clamped(syn, checksum: ChecksumState.Partial));
    }

    [Fact]
    public void A_wrong_checksum_stays_wrong()
    {
        byte[] syn = TestPackets.Syn(A, B, Mss(1460));
        syn[36] ^= 0x10;
        Assert.Equal(TestPackets.TcpChecksum(syn, 20), TestPackets.TcpChecksum(Clamped(syn), 20));
        Assert.NotEqual(0, TestPackets.TcpChecksum(Clamped(syn), 20));
    }

    [Theory]
    [InlineData(1340)]
    [InlineData(536)]
    [InlineData(0)]
    public void A_segment_size_that_fits_is_not_raised(int asked) => AssertUntouched(TestPackets.Syn(A, B, Mss(asked)));

    [Fact]
    public void An_option_is_never_added() => AssertUntouched(TestPackets.Syn(A, B, [4, 2, 1, 3, 3, 7]));

    [Fact]
    public void Without_a_limit_nothing_is_lowered() =>
        AssertUntouched(TestPackets.Syn(A, B, Mss(65_535)), MssClamp.NoLimit);

    [Theory]
    [InlineData(0x02, true)] // SYN
    [InlineData(0x12, true)] // SYN and ACK
    [InlineData(0xC2, true)] // SYN with explicit congestion notification
    [InlineData(0x10, false)] // ACK
    [InlineData(0x18, false)]
    [InlineData(0x14, false)] // RST
    [InlineData(0x00, false)]
    public void Only_packets_with_syn_are_changed(byte flags, bool lowered)
    {
        byte[] packet = TestPackets.Syn(A, B, Mss(1460), flags);
        Assert.Equal(lowered ? TestPackets.Syn(A, B, Mss(1340), flags) : packet, Clamped(packet));
    }

    [Theory]
    [InlineData(new byte[] { 0, 2, 4, 5, 180 })] // behind the end
    [InlineData(new byte[] { 2, 3, 5, 1, 2, 4, 5, 180 })]
    [InlineData(new byte[] { 2, 6, 5, 180, 0, 0 })]
    [InlineData(new byte[] { 3, 0, 2, 4, 5, 180 })] // length 0
    [InlineData(new byte[] { 3, 1, 2, 4, 5, 180 })] // length 1
    [InlineData(new byte[] { 2, 4, 5, 180, 3, 5, 7, 1 })] // beyond the header, behind the option
    [InlineData(new byte[] { 1, 1, 1, 3 })] // no room for a length
    [InlineData(new byte[] { 1, 1, 2, 4 })] // no room for the value
    [InlineData(new byte[] { 2, 4, 5, 180, 2, 4, 5, 180 })] // which of the two counts?
    [InlineData(new byte[] { 2, 4, 5, 180, 29, 4, 1, 1 })] // signed: TCP-AO
    [InlineData(new byte[] { 29, 4, 1, 1, 2, 4, 5, 180 })]
    public void Options_that_cannot_be_changed_safely_stay_as_they_are(byte[] options) =>
        AssertUntouched(TestPackets.Syn(A, B, options));

    [Theory]
    [InlineData(0x40)] // a header shorter than a header is
    [InlineData(0x00)]
    [InlineData(0x50)] // no options: what looks like one is payload
    [InlineData(0x70)] // beyond the packet
    [InlineData(0xF0)]
    public void A_header_length_that_does_not_hold_the_option_leaves_it_alone(byte length)
    {
        byte[] syn = TestPackets.Syn(A, B, Mss(1460));
        syn[32] = length;
        AssertUntouched(syn);
    }

    [Fact]
    public void Fragments_stay_as_they_are()
    {
        byte[] syn = TestPackets.Syn(A, B, [.. Mss(1460), .. new byte[16]]);
        AssertUntouched(TestPackets.WithFragment([.. syn], more: true));
        AssertUntouched(TestPackets.WithFragment([.. syn], offset: 100));
        AssertUntouched(V6Behind(44, [6, 0, 0, 1, 0, 0, 0, 9], Mss(1460)));
    }

    [Fact]
    public void Ipv4_options_do_not_count()
    {
        byte[] clamped = Clamped(WithOptions(1460));
        Assert.Equal(WithOptions(1340), clamped);
        Assert.Equal(0, TestPackets.TcpChecksum(clamped, 24));

        static byte[] WithOptions(int value)
        {
            byte[] plain = TestPackets.Syn(A, B, Mss(value));
            return [0x46, 0, 0, 48, .. plain[4..20], 1, 1, 1, 0, .. plain[20..]];
        }
    }

    [Theory]
    [InlineData(60, new byte[] { 6, 0, 1, 4, 0, 0, 0, 0 })] // destination options
    [InlineData(44, new byte[] { 6, 0, 0, 0, 0, 0, 0, 9 })] // a fragment that is the whole
    public void Extension_headers_are_counted(byte type, byte[] header)
    {
        byte[] expected = TestPackets.WithTcpChecksum(V6Behind(type, header, Mss(1312)), 48);
        Assert.Equal(expected, Clamped(V6Behind(type, header, Mss(1460))));
    }

    [Fact]
    public void A_packet_behind_an_authentication_header_stays_as_it_is() =>
        AssertUntouched(V6Behind(51, [6, 4, .. new byte[22]], Mss(1460)));

    [Fact]
    public void Random_bytes_change_nothing_but_the_value_and_the_checksum()
    {
        const int Inputs = 100_000;
        var random = new Random(9_293);
        int lowered = 0;
        for (int i = 0; i < Inputs; i++)
        {
            byte[] packet = RandomPacket(random);
            if (!IpPacket.TryParse(packet, out PacketKey key, out IpFacts facts) || key.Protocol != IpProtocol.Tcp)
                continue;
            var checksum = (ChecksumState)random.Next(2);
            int mtu = random.Next(576, 2_000);
            byte[] after = [.. packet];
            MssClamp.Apply(after, facts, mtu, checksum);
            int transport = facts.TransportOffset;
            int[] changed = [.. Enumerable.Range(0, packet.Length).Where(at => after[at] != packet[at])];
            if (changed.Length == 0)
                continue;
            lowered++;
            string input = $"Input {i}, {Convert.ToHexString(packet)}, became {Convert.ToHexString(after)}";
            int[] value = [.. changed.Where(at => at < transport + 16 || at >= transport + 18)];
            // Only one of the two bytes may differ; the option before them says which two they are.
            int first = new[] { value[0] - 1, value[0] }.FirstOrDefault(
                at => value.All(changed => changed - at is 0 or 1) && packet[at - 2] == 2 && packet[at - 1] == 4
                    && BinaryPrimitives.ReadUInt16BigEndian(after.AsSpan(at)) < BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(at)));
            Assert.True(first >= transport + 22 && first + 2 <= transport + (packet[transport + 12] >> 4 << 2), input);
            if (checksum == ChecksumState.Complete)
                Assert.True(TestPackets.TcpChecksum(packet, transport) == TestPackets.TcpChecksum(after, transport), input);
            else
                Assert.True(value.Length == changed.Length, input);
        }
        Assert.InRange(lowered, Inputs / 10, Inputs * 9 / 10); // both outcomes were really met
    }

    [Fact]
    public void Nothing_is_allocated()
    {
        byte[][] packets =
            [TestPackets.Syn(A, B, Mss(1460)), TestPackets.Syn(A6, B6, [1, .. Mss(1460)]), TestPackets.Tcp(A, B)];
        byte[] room = new byte[100];
        long allocated = long.MaxValue;
        for (int round = 0; round < 3; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            foreach (byte[] packet in packets)
            {
                Span<byte> copy = room.AsSpan(0, packet.Length);
                packet.CopyTo(copy);
                Assert.True(IpPacket.TryParse(copy, out _, out IpFacts facts));
                MssClamp.Apply(copy, facts, Mtu, ChecksumState.Complete);
            }
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }
        Assert.Equal(0, allocated);
    }

    private static byte[] Clamped(byte[] packet, int mtu = Mtu, ChecksumState checksum = ChecksumState.Complete)
    {
        byte[] copy = [.. packet];
        Assert.True(IpPacket.TryParse(copy, out PacketKey key, out IpFacts facts));
        Assert.Equal(IpProtocol.Tcp, key.Protocol);
        MssClamp.Apply(copy, facts, mtu, checksum);
        return copy;
    }

    private static void AssertUntouched(byte[] packet, int mtu = Mtu) => Assert.Equal(packet, Clamped(packet, mtu));

    /// <summary>A SYN whose TCP header stands behind an extension header.</summary>
    private static byte[] V6Behind(byte type, byte[] header, byte[] options) => TestPackets.WithTcpChecksum(
        TestPackets.Ip(A6, B6, type, [.. header, .. TestPackets.Syn(A6, B6, options)[40..]]), 40 + header.Length);

    private static byte[] RandomPacket(Random random)
    {
        byte[] options = new byte[random.Next(41)];
        random.NextBytes(options);
        // Bytes that mean something stand together more often than chance would have it.
        for (int at = 0; at < options.Length - 3 && random.Next(8) > 0;)
        {
            byte[] option = random.Next(6) switch
            {
                0 => [1],
                1 => [3, 3, 7],
                2 => [4, 2],
                3 => [(byte)random.Next(256), (byte)random.Next(6)],
                _ => Mss(random.Next(65_536)),
            };
            option.AsSpan(0, Math.Min(option.Length, options.Length - at)).CopyTo(options.AsSpan(at));
            at += option.Length;
            if (random.Next(3) == 0)
                options.AsSpan(Math.Min(at, options.Length)).Clear();
        }
        byte[] packet = random.Next(3) switch
        {
            0 => TestPackets.Syn(A, B, options),
            1 => TestPackets.Syn(A6, B6, options),
            _ => V6Behind(60, [6, 0, 1, 4, 0, 0, 0, 0], options),
        };
        for (int flips = random.Next(3); flips > 0; flips--)
            packet[random.Next(packet.Length)] = (byte)random.Next(256);
        return packet;
    }
}
