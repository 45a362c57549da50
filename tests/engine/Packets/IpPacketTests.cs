using System.Buffers.Binary;
using VibePN.Contracts;
using VibePN.Engine.Packets;

namespace VibePN.Engine.Tests.Packets;

public sealed class IpPacketTests
{
    private const string A = "10.42.0.2";
    private const string B = "10.42.0.4";
    private const string A6 = "fd00:42::2";
    private const string B6 = "fd00:42::4";

    [Fact]
    public void An_ipv4_packet_gives_its_key()
    {
        byte[] packet = TestPackets.Udp(A, B, 10, 1234, 53);
        packet[1] = 0xB8;
        Assert.True(IpPacket.TryParse(packet, out PacketKey key, out IpFacts facts));
        Assert.Equal(new PacketKey(IpAddress.Parse(A), IpAddress.Parse(B), 17, 1234, 53, 0xB8), key);
        Assert.Equal(new IpFacts(IpFamily.V4, FragmentPart.Whole, false, 20), facts);
    }

    [Fact]
    public void An_ipv6_packet_gives_its_key()
    {
        byte[] packet = TestPackets.Tcp(A6, B6, 10, 1234, 443);
        packet[0] = 0x6B;
        packet[1] = 0x80;
        Assert.True(IpPacket.TryParse(packet, out PacketKey key, out IpFacts facts));
        Assert.Equal(new PacketKey(IpAddress.Parse(A6), IpAddress.Parse(B6), 6, 1234, 443, 0xB8), key);
        Assert.Equal(new IpFacts(IpFamily.V6, FragmentPart.Whole, true, 40), facts);
    }

    [Fact]
    public void An_authentication_header_before_the_transport_header_is_noted()
    {
        byte[] signed = TestPackets.Ip(A6, B6, 51, [6, 4, .. new byte[22], .. TestPackets.Tcp(A6, B6)[40..]]);
        Assert.True(IpPacket.TryParse(signed, out PacketKey key, out IpFacts facts));
        Assert.Equal((6, 64, true), (key.Protocol, facts.TransportOffset, facts.IsAuthenticated));
        Assert.True(IpPacket.TryParse(TestPackets.Ip(A6, B6, 60, [6, 0, .. new byte[6], .. TestPackets.Tcp(A6, B6)[40..]]), out _, out facts));
        Assert.False(facts.IsAuthenticated);
    }

    [Fact]
    public void A_super_packet_of_the_largest_size_is_one_packet()
    {
        byte[] packet = TestPackets.Tcp(A, B, PacketBatch.MaxPacketSize - 40);
        Assert.Equal(PacketBatch.MaxPacketSize, packet.Length);
        Assert.True(IpPacket.TryParse(packet, out _, out _));
    }

    [Fact]
    public void A_length_field_that_lies_is_malformed()
    {
        byte[] v4 = TestPackets.Udp(A, B);
        Assert.False(Parses(v4[..^1]));
        Assert.False(Parses([.. v4, 0]));
        byte[] v6 = TestPackets.Udp(A6, B6);
        Assert.False(Parses(v6[..^1]));
        Assert.False(Parses([.. v6, 0]));
    }

    [Theory]
    [InlineData(0x44)]
    [InlineData(0x40)]
    [InlineData(0x4F)] // options beyond the packet
    [InlineData(0x55)]
    [InlineData(0x05)]
    public void A_version_or_header_length_that_cannot_be_is_malformed(byte first)
    {
        byte[] packet = TestPackets.Icmp(A, B, 8);
        packet[0] = first;
        Assert.False(Parses(packet));
    }

    [Fact]
    public void Ports_are_found_behind_ipv4_options()
    {
        byte[] packet = [.. TestPackets.Udp(A, B)[..20], 1, 1, 1, 0, .. TestPackets.Udp(A, B, 4, 7, 9)[20..]];
        packet[0] = 0x46;
        packet[3] = (byte)packet.Length;
        Assert.True(IpPacket.TryParse(packet, out PacketKey key, out IpFacts facts));
        Assert.Equal((7, 9, 24), (key.SourcePort, key.DestinationPort, facts.TransportOffset));
    }

    [Fact]
    public void A_later_fragment_has_no_ports()
    {
        byte[] packet = TestPackets.WithFragment(TestPackets.Udp(A, B, 32), more: true, offset: 100);
        Assert.True(IpPacket.TryParse(packet, out PacketKey key, out IpFacts facts));
        Assert.Equal((0, 0), (key.SourcePort, key.DestinationPort));
        Assert.Equal(FragmentPart.Later, facts.Fragment);
    }

    [Fact]
    public void A_first_fragment_has_its_ports()
    {
        byte[] packet = TestPackets.WithFragment(TestPackets.Udp(A, B, 32, 5, 6), more: true);
        Assert.True(IpPacket.TryParse(packet, out PacketKey key, out IpFacts facts));
        Assert.Equal((5, 6), (key.SourcePort, key.DestinationPort));
        Assert.Equal(FragmentPart.First, facts.Fragment);
    }

    [Theory]
    [InlineData(6, 16, true, 0)] // TCP's flags pushed into the second fragment
    [InlineData(6, 24, false, 1)] // and the fragment that would bring them
    [InlineData(17, 0, true, 0)] // empty
    [InlineData(17, 12, true, 0)] // not a multiple of 8
    [InlineData(17, 16, false, 8191)] // beyond 65,535: the ping of death
    public void A_fragment_that_hides_something_is_malformed(byte protocol, int payload, bool more, int offset)
    {
        byte[] packet = TestPackets.Ip(A, B, protocol, new byte[payload]);
        Assert.False(Parses(TestPackets.WithFragment(packet, more: more, offset: offset)));

        byte[] fragmentHeader = [protocol, 0, .. FragmentField(more, offset), 0, 0, 0, 1];
        Assert.False(Parses(TestPackets.Ip(A6, B6, 44, [.. fragmentHeader, .. new byte[payload]])));
    }

    [Theory]
    [InlineData(6, 19)]
    [InlineData(17, 7)]
    [InlineData(1, 7)]
    [InlineData(58, 3)]
    public void A_packet_too_short_for_its_transport_is_malformed(byte protocol, int payload)
    {
        Assert.False(Parses(TestPackets.Ip(A, B, protocol, new byte[payload])));
        Assert.True(Parses(TestPackets.Ip(A, B, protocol, new byte[payload + 1])));
        Assert.False(Parses(TestPackets.Ip(A6, B6, protocol, new byte[payload])));
        Assert.True(Parses(TestPackets.Ip(A6, B6, protocol, new byte[payload + 1])));
    }

    [Fact]
    public void An_unknown_protocol_stays_unknown()
    {
        Assert.True(IpPacket.TryParse(TestPackets.Ip(A, B, 253, []), out PacketKey key, out _));
        Assert.Equal((253, 0, 0), (key.Protocol, key.SourcePort, key.DestinationPort));
        Assert.True(IpPacket.TryParse(TestPackets.Ip(A6, B6, 59, []), out key, out _));
        Assert.Equal(59, key.Protocol);
    }

    [Fact]
    public void Ports_are_found_behind_a_chain_of_eight_headers()
    {
        byte[] udp = TestPackets.Udp(A6, B6, 4, 7, 9)[40..];
        Assert.True(IpPacket.TryParse(Chain(8, udp), out PacketKey key, out IpFacts facts));
        Assert.Equal((17, 7, 9, 104), (key.Protocol, key.SourcePort, key.DestinationPort, facts.TransportOffset));
        Assert.False(Parses(Chain(9, udp)));
    }

    [Fact]
    public void A_chain_of_more_than_256_bytes_is_malformed()
    {
        byte[] options = new byte[256];
        (options[0], options[1]) = (17, 31);
        Assert.True(Parses(TestPackets.Ip(A6, B6, 60, [.. options, .. new byte[8]])));
        options = new byte[264];
        (options[0], options[1]) = (17, 32);
        Assert.False(Parses(TestPackets.Ip(A6, B6, 60, [.. options, .. new byte[8]])));
    }

    [Theory]
    [InlineData(60, "11 ff 00 00 00 00 00 00")] // claims 2,048 bytes
    [InlineData(60, "11 00 00 00")] // half a header
    [InlineData(60, "00 00 00 00 00 00 00 00 11 00 00 00 00 00 00 00")] // hop-by-hop behind another
    [InlineData(43, "3b 02 00 01 00 00 00 00 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01")] // routed on
    [InlineData(44, "2c 00 00 00 00 00 00 01 3b 00 00 00 00 00 00 01")] // two fragment headers
    public void An_extension_that_hides_something_is_malformed(byte first, string hex)
    {
        byte[] rest = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        Assert.False(Parses(TestPackets.Ip(A6, B6, first, [.. rest, .. new byte[8]])));
    }

    [Fact]
    public void A_routing_header_that_is_used_up_is_allowed() =>
        Assert.True(Parses(TestPackets.Ip(A6, B6, 43, [59, 0, 0, 0, 0, 0, 0, 0])));

    [Fact]
    public void V4_mapped_addresses_are_malformed()
    {
        Assert.False(Parses(TestPackets.Udp("::ffff:10.42.0.2", B6)));
        Assert.False(Parses(TestPackets.Udp(A6, "::ffff:10.42.0.4")));
        Assert.True(Parses(TestPackets.Udp(A6, "::fffe:10.42.0.4")));
    }

    [Fact]
    public void Nothing_at_all_is_malformed()
    {
        Assert.False(Parses([]));
        Assert.False(Parses([0x45]));
        Assert.False(Parses(new byte[39]));
    }

    [Theory]
    [InlineData("10.42.0.2", AddressClass.Unicast)]
    [InlineData("169.254.1.1", AddressClass.Unicast)]
    [InlineData("0.0.0.0", AddressClass.Unspecified)]
    [InlineData("0.1.2.3", AddressClass.Unspecified)]
    [InlineData("127.0.0.1", AddressClass.Loopback)]
    [InlineData("127.255.255.255", AddressClass.Loopback)]
    [InlineData("223.255.255.255", AddressClass.Unicast)]
    [InlineData("224.0.0.1", AddressClass.Multicast)]
    [InlineData("239.255.255.255", AddressClass.Multicast)]
    [InlineData("240.0.0.1", AddressClass.Broadcast)]
    [InlineData("255.255.255.255", AddressClass.Broadcast)]
    [InlineData("::", AddressClass.Unspecified)]
    [InlineData("::1", AddressClass.Loopback)]
    [InlineData("::2", AddressClass.Unicast)]
    [InlineData("ff02::1", AddressClass.Multicast)]
    [InlineData("fe80::1", AddressClass.Unicast)]
    [InlineData("fd00::1", AddressClass.Unicast)]
    [InlineData("::ffff:1.2.3.4", AddressClass.Mapped)]
    public void An_address_has_its_class(string text, object expected) =>
        Assert.Equal(expected, AddressClasses.Classify(IpAddress.Parse(text)));

    private static bool Parses(byte[] packet)
    {
        bool parses = IpPacket.TryParse(packet, out PacketKey key, out IpFacts facts);
        if (!parses)
            Assert.Equal((default, default), (key, facts));
        return parses;
    }

    private static byte[] FragmentField(bool more, int offset)
    {
        byte[] field = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(field, (ushort)((offset * 8) | (more ? 1 : 0)));
        return field;
    }

    private static byte[] Chain(int headers, byte[] udp)
    {
        var bytes = new List<byte>();
        for (int i = 0; i < headers; i++)
            bytes.AddRange([i == headers - 1 ? (byte)17 : (byte)60, 0, 0, 0, 0, 0, 0, 0]);
        return TestPackets.Ip(A6, B6, 60, [.. bytes, .. udp]);
    }
}
