using VibePN.Contracts;
using VibePN.Engine.Control;

namespace VibePN.Engine.Tests.Control;

public sealed class ControlCodecTests
{
    public static TheoryData<string> Names => ControlVectors.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public void A_message_is_written_as_its_vector(string name)
    {
        ControlVector vector = ControlVectors.Of(name);
        byte[] buffer = new byte[ControlLimits.MaxFrame];
        int length = vector.Write(buffer);
        Assert.Equal(Convert.ToHexString(vector.Bytes), Convert.ToHexString(buffer.AsSpan(0, length)));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_destination_one_byte_short_gets_nothing(string name)
    {
        ControlVector vector = ControlVectors.Of(name);
        for (int length = 0; length < vector.Bytes.Length; length++)
            Assert.Equal(0, vector.Write(new byte[length]));
        Assert.Equal(vector.Bytes.Length, vector.Write(new byte[vector.Bytes.Length]));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_vector_is_read_whole_and_what_follows_is_left(string name)
    {
        byte[] bytes = ControlVectors.Of(name).Bytes;
        Assert.Equal(ReadResult.Frame, ControlVectors.Digest([.. bytes, 0x00, 0x01], out int consumed));
        Assert.Equal(bytes.Length, consumed);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_truncation_waits_for_more(string name)
    {
        byte[] bytes = ControlVectors.Of(name).Bytes;
        for (int length = 0; length < bytes.Length; length++)
        {
            Assert.Equal(ReadResult.NeedMore, ControlVectors.Digest(bytes.AsSpan(0, length), out int consumed));
            Assert.Equal(0, consumed);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_truncation_with_a_length_to_match_is_an_error(string name)
    {
        byte[] bytes = ControlVectors.Of(name).Bytes;
        for (int length = 2; length < bytes.Length; length++)
        {
            byte[] cut = bytes[..length];
            cut[0] = 0;
            cut[1] = (byte)(length - 2);
            Assert.Equal(ReadResult.Error, ControlVectors.Digest(cut, out _));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_trailing_byte_is_an_error(string name)
    {
        byte[] longer = [.. ControlVectors.Of(name).Bytes, 0];
        longer[1]++;
        Assert.Equal(ReadResult.Error, ControlVectors.Digest(longer, out _));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_single_bit_flip_is_read_or_refused(string name)
    {
        byte[] bytes = [.. ControlVectors.Of(name).Bytes, 1, 2, 3];
        for (int bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            ReadResult result = ControlVectors.Digest(bytes, out int consumed);
            Assert.InRange(consumed, 0, bytes.Length);
            Assert.NotEqual(result is ReadResult.Frame or ReadResult.Skip, consumed == 0);
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void Hello_and_its_answer_carry_both_instances_and_the_networks()
    {
        Assert.True(HelloMessage.TryParse(Body("Hello"), out HelloMessage? hello));
        Assert.Equal(1, hello.MinorVersion);
        Assert.Equal(0x0102030405060708ul, hello.Instance);
        Assert.Equal(5ul, hello.DialSequence);
        Assert.Equal(ControlVectors.Networks, hello.Networks, (a, b) => a.SequenceEqual(b));

        Assert.True(HelloAckMessage.TryParse(Body("HelloAck"), out HelloAckMessage? ack));
        Assert.Equal(1, ack.MinorVersion);
        Assert.Equal(0x1112131415161718ul, ack.Instance);
        Assert.Equal(5ul, ack.EchoedDialSequence);
        Assert.Equal(0x0102030405060708ul, ack.EchoedInstance);
        Assert.Equal(ControlVectors.Networks, ack.Networks, (a, b) => a.SequenceEqual(b));
    }

    [Fact]
    public void A_hello_without_networks_is_allowed()
    {
        byte[] buffer = new byte[64];
        int length = ControlWriter.WriteHello(buffer, new HelloMessage(1, 2, 3, []));
        Assert.True(HelloMessage.TryParse(buffer.AsSpan(3, length - 3), out HelloMessage? hello));
        Assert.Empty(hello.Networks);
    }

    [Fact]
    public void Items_of_an_announce_come_back_as_they_went()
    {
        RouteItemReader reader = Open("Announce");
        Assert.Equal(0, reader.Network);
        Assert.Equal(4, reader.Count);
        foreach (RouteItem expected in ControlVectors.Announced)
        {
            Assert.True(reader.TryNext(out RouteItem item));
            Assert.Equal(expected, item);
        }
        Assert.False(reader.TryNext(out _));
    }

    [Fact]
    public void Items_of_a_withdraw_come_back_without_a_metric()
    {
        RouteItemReader reader = Open("Withdraw");
        Assert.Equal(31, reader.Network);
        foreach (IpPrefix expected in ControlVectors.Withdrawn)
        {
            Assert.True(reader.TryNext(out RouteItem item));
            Assert.Equal(new RouteItem(expected, 0, true), item);
        }
        Assert.False(reader.TryNext(out _));
    }

    [Fact]
    public void Fixed_messages_carry_their_numbers()
    {
        Assert.True(NetworkMessage.TryParse(Body("Refresh"), out NetworkMessage refresh));
        Assert.Equal(31, refresh.Network);
        Assert.True(DigestMessage.TryParse(Body("Digest"), out DigestMessage digest));
        Assert.Equal(new DigestMessage(31, 1000, 0x0A0B0C0D0E0F1011), digest);
        Assert.True(KeepaliveMessage.TryParse(Body("Keepalive"), out KeepaliveMessage keepalive));
        Assert.Equal(1_767_225_600ul, keepalive.Token);
        Assert.True(GoodbyeMessage.TryParse(Body("Goodbye"), out GoodbyeMessage goodbye));
        Assert.Equal(new GoodbyeMessage((byte)CloseCode.Shutdown, 120), goodbye);
    }

    [Fact]
    public void The_largest_announce_there_is_fits_a_frame()
    {
        var items = new RouteItem[ControlLimits.MaxItems];
        Array.Fill(items, new RouteItem(IpPrefix.Parse("fd00::1/128"), 1));
        byte[] buffer = new byte[ControlLimits.MaxFrame];
        int length = ControlWriter.WriteAnnounce(buffer, 1, items);
        Assert.Equal(3 + 2 + (255 * 22), length);
        Assert.Equal(ReadResult.Frame, ControlVectors.Digest(buffer.AsSpan(0, length), out _));
    }

    [Fact]
    public void What_the_protocol_cannot_carry_is_not_written()
    {
        byte[] buffer = new byte[ControlLimits.MaxFrame];
        Assert.Throws<ArgumentException>(
            () => ControlWriter.WriteHello(buffer, new HelloMessage(1, 2, 3, [new(0, "Corp")])));
        Assert.Throws<ArgumentOutOfRangeException>(() => ControlWriter.WriteAnnounce(buffer, 0, []));
        Assert.Throws<ArgumentOutOfRangeException>(() => ControlWriter.WriteWithdraw(buffer, 0, new IpPrefix[256]));
        Assert.Throws<ArgumentException>(() => ControlWriter.WriteWithdraw(buffer, 0, new IpPrefix[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => ControlWriter.WriteAnnounce(
            buffer, 0, [new RouteItem(IpPrefix.Parse("10.0.0.0/8"), ControlLimits.InfiniteMetric)]));
    }

    private static byte[] Body(string name) => ControlVectors.Of(name).Bytes[3..];

    private static RouteItemReader Open(string name)
    {
        ControlReader.TryRead(ControlVectors.Of(name).Bytes, out ControlFrame frame, out _);
        Assert.True(RouteItemReader.TryOpen(frame, out RouteItemReader reader));
        return reader;
    }
}
