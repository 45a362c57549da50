using System.Buffers.Binary;
using VibePN.Contracts;
using VibePN.Plugins.TunLinux.Native;
using VibePN.Plugins.TunLinux.Netlink;

namespace VibePN.Plugins.TunLinux.Tests.Netlink;

/// <summary>Reading what the kernel says, and anything else.</summary>
public sealed class NetlinkParserTests
{
    // RTM_NEWADDR 10.77.0.1/24 on interface 7, with an attribute nobody knows in between.
    private const string NewAddress =
        "30000000" + "1400" + "0000" + "01000000" + "00000000" + "02180000" + "07000000"
        + "0800" + "0100" + "0A4D0001" + "0500" + "FF00" + "01000000" + "0800" + "0200" + "0A4D0001";

    // RTM_NEWROUTE fd78::/48 in table 254 into interface 7.
    private const string NewRoute =
        "38000000" + "1800" + "0000" + "02000000" + "00000000" + "0A300000FE04000100000000"
        + "1400" + "0100" + "FD780000000000000000000000000000" + "0800" + "0400" + "07000000";

    // RTM_NEWLINK of interface 7, up, MTU 1380, queue 1000.
    private const string NewLink =
        "30000000" + "1000" + "0000" + "03000000" + "00000000" + "0000FEFF" + "07000000" + "01000000" + "00000000"
        + "0800" + "0400" + "64050000" + "0800" + "0D00" + "E8030000";

    // EPERM, capped, with the kernel's sentence "no!".
    private const string Refusal =
        "2C000000" + "0200" + "0003" + "04000000" + "00000000" + "FFFFFFFF"
        + "1C000000" + "1400" + "0500" + "04000000" + "00000000" + "0800" + "0100" + "6E6F2100";

    [Fact]
    public void Address_is_read()
    {
        Assert.True(AddressRecord.TryRead(First(NewAddress), out AddressRecord record));
        Assert.Equal(new AddressRecord(7, new InterfaceAddress(IpAddress.Parse("10.77.0.1"), 24)), record);
    }

    [Fact]
    public void Route_is_read()
    {
        Assert.True(RouteRecord.TryRead(First(NewRoute), out RouteRecord route));
        Assert.Equal(new RouteRecord(7, IpPrefix.Parse("fd78::/48"), 254, 1), route);
    }

    [Fact]
    public void Default_route_has_no_destination_attribute()
    {
        byte[] message = Convert.FromHexString("1C000000" + "1800" + "0000" + "02000000" + "00000000" + "0200000000000001" + "00000000");
        var messages = new NetlinkMessages(message);
        Assert.True(messages.TryNext(out NetlinkMessage first));
        Assert.True(RouteRecord.TryRead(first, out RouteRecord route));
        Assert.Equal(IpPrefix.Parse("0.0.0.0/0"), route.Destination);
    }

    [Fact]
    public void Link_is_read()
    {
        Assert.True(LinkRecord.TryRead(First(NewLink), out LinkRecord link));
        Assert.Equal(new LinkRecord(7, 0, 1, 1380, 1000), link);
    }

    [Fact]
    public void Refusal_is_read_with_the_kernels_sentence()
    {
        Assert.True(First(Refusal).TryReadAcknowledgement(out int errno, out ReadOnlySpan<byte> sentence));
        Assert.Equal(1, errno);
        Assert.Equal("no!"u8, sentence);
    }

    [Fact]
    public void Refusal_that_repeats_the_request_is_read_as_well()
    {
        // The same, not capped: the request's 12 further bytes lie before the sentence.
        byte[] bytes = Convert.FromHexString(
            "38000000" + "0200" + "0002" + "04000000" + "00000000" + "FFFFFFFF"
            + "1C000000" + "1400" + "0500" + "04000000" + "00000000" + "111111112222222233333333" + "0800" + "0100" + "6E6F2100");
        var messages = new NetlinkMessages(bytes);
        Assert.True(messages.TryNext(out NetlinkMessage message));
        Assert.True(message.TryReadAcknowledgement(out _, out ReadOnlySpan<byte> sentence));
        Assert.Equal("no!"u8, sentence);
    }

    [Fact]
    public void Messages_of_one_datagram_are_read_one_by_one()
    {
        byte[] bytes = [.. Convert.FromHexString(NewAddress), .. Convert.FromHexString(NewLink), 1, 2, 3];
        var messages = new NetlinkMessages(bytes);
        Assert.True(messages.TryNext(out NetlinkMessage message));
        Assert.Equal(Rtnetlink.RTM_NEWADDR, message.Type);
        Assert.True(messages.TryNext(out message));
        Assert.Equal(Rtnetlink.RTM_NEWLINK, message.Type);
        Assert.False(messages.TryNext(out _));
    }

    [Fact]
    public void Truncated_messages_are_no_messages()
    {
        foreach (string hex in (string[])[NewAddress, NewRoute, NewLink, Refusal])
        {
            byte[] whole = Convert.FromHexString(hex);
            for (int length = 0; length < whole.Length; length++)
            {
                var messages = new NetlinkMessages(whole.AsSpan(0, length));
                Assert.False(messages.TryNext(out _));
            }
        }
    }

    [Fact]
    public void Truncated_bodies_and_attributes_are_survived()
    {
        foreach (string hex in (string[])[NewAddress, NewRoute, NewLink, Refusal])
        {
            byte[] whole = Convert.FromHexString(hex);
            for (int length = 16; length < whole.Length; length++)
            {
                BinaryPrimitives.WriteInt32LittleEndian(whole, length);
                ReadAll(whole.AsSpan(0, length));
            }
        }
    }

    [Fact]
    public void A_million_random_and_mutated_inputs_neither_throw_nor_allocate()
    {
        const int Seed = 20_260;
        const int Rounds = 1_000_000;
        var random = new Random(Seed);
        byte[][] samples = [.. new[] { NewAddress, NewRoute, NewLink, Refusal }.Select(Convert.FromHexString)];
        byte[] input = new byte[256];
        long understood = 0;
        long before = 0;
        for (int round = 0; round < Rounds; round++)
        {
            if (round == 100)
                before = GC.GetAllocatedBytesForCurrentThread();
            int length = Mutate(random, samples, input);
            understood += ReadAll(input.AsSpan(0, length));
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.InRange(understood, Rounds / 100, Rounds * 10L); // or the inputs never got past the first check
    }

    private static int Mutate(Random random, byte[][] samples, byte[] input)
    {
        if (random.Next(4) == 0)
        {
            random.NextBytes(input);
            int bytes = random.Next(input.Length);
            if (random.Next(2) == 0)
                BinaryPrimitives.WriteInt32LittleEndian(input, bytes); // lets the header pass
            return bytes;
        }
        int length = 0;
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            byte[] sample = samples[random.Next(samples.Length)];
            sample.CopyTo(input, length);
            length += sample.Length;
        }
        for (int i = random.Next(8); i > 0; i--)
            input[random.Next(length)] = (byte)random.Next(256);
        return random.Next(4) == 0 ? random.Next(length) : length;
    }

    private static int ReadAll(ReadOnlySpan<byte> datagram)
    {
        int understood = 0;
        var messages = new NetlinkMessages(datagram);
        while (messages.TryNext(out NetlinkMessage message))
        {
            understood += LinkRecord.TryRead(message, out _) ? 1 : 0;
            understood += AddressRecord.TryRead(message, out _) ? 1 : 0;
            understood += RouteRecord.TryRead(message, out _) ? 1 : 0;
            understood += message.TryReadAcknowledgement(out _, out _) ? 1 : 0;
            understood += message.DumpError < 0 ? int.MinValue : 0;
        }
        return understood;
    }

    private static NetlinkMessage First(string hex)
    {
        var messages = new NetlinkMessages(Convert.FromHexString(hex));
        Assert.True(messages.TryNext(out NetlinkMessage message));
        return message;
    }
}
