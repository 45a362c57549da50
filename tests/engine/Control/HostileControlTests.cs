using VibePN.Contracts;
using VibePN.Engine.Control;

namespace VibePN.Engine.Tests.Control;

/// <summary>Whatever a peer sends, the codec answers with a value.</summary>
public sealed class HostileControlTests
{
    private const int WarmUp = 10_000; // the first inputs also run static constructors

    [Theory]
    [InlineData("00 00", ControlProblem.ZeroLength)]
    [InlineData("40 01", ControlProblem.TooLong)]
    [InlineData("ff ff", ControlProblem.TooLong)]
    [InlineData("00 05 5a", ControlProblem.UnknownType)] // before its body came
    [InlineData("00 01 00", ControlProblem.UnknownType)]
    [InlineData("00 02 43", ControlProblem.WrongLength)] // Confirm has no body
    [InlineData("00 01 45", ControlProblem.WrongLength)] // End has one
    [InlineData("00 03 45", ControlProblem.WrongLength)]
    [InlineData("00 09 47", ControlProblem.WrongLength)]
    [InlineData("00 01 48", ControlProblem.WrongLength)]
    [InlineData("00 06 41", ControlProblem.WrongLength)] // Announce of no item
    public void A_wrong_frame_is_found_by_its_head(string hex, string problem)
    {
        Assert.Equal(ReadResult.Error, ControlReader.TryRead(Hex(hex), out ControlFrame frame, out int consumed));
        Assert.Equal(problem, frame.Problem);
        Assert.Equal(0, consumed);
    }

    [Fact]
    public void The_longest_frame_is_read()
    {
        byte[] frame = new byte[ControlLimits.MaxFrame];
        frame[0] = 0x40;
        frame[2] = 0x80;
        Assert.Equal(ReadResult.Skip, ControlReader.TryRead(frame, out ControlFrame skipped, out int consumed));
        Assert.Equal(ControlLimits.MaxFrame, consumed);
        Assert.Equal(0x80, (byte)skipped.Type);
        Assert.Equal(ControlLimits.MaxLength - 1, skipped.Body.Length);
    }

    [Fact]
    public void An_unknown_optional_frame_is_skipped_and_the_next_is_read()
    {
        byte[] bytes = Hex("00 03 ff aa bb 00 01 43");
        Assert.Equal(ReadResult.Skip, ControlReader.TryRead(bytes, out _, out int consumed));
        Assert.Equal(5, consumed);
        Assert.Equal(ReadResult.Frame, ControlReader.TryRead(bytes.AsSpan(5), out ControlFrame frame, out _));
        Assert.Equal(ControlType.Confirm, frame.Type);
    }

    [Fact]
    public void The_announce_that_ended_the_predecessor_is_refused()
    {
        // "corp" here reads as network 4 and 0x63 items, of which the first claims a prefix of 112 bits.
        Assert.Equal(ReadResult.Error, ControlVectors.Digest(Hex("00 0b 41 04 63 6f 72 70 ff 00 00 00 00"), out _));
    }

    [Theory]
    [InlineData("01 00 04 63 6f 72 70", true)]
    [InlineData("01 00 04 63 6f 72", false)] // a byte missing
    [InlineData("01 00 04 63 6f 72 70 00", false)] // a byte too many
    [InlineData("02 00 04 63 6f 72 70", false)] // a network missing
    [InlineData("01 00 00", false)] // no name
    [InlineData("01 00 04 43 6f 72 70", false)] // upper case
    [InlineData("01 00 04 63 6f 72 0a", false)] // a line feed, which a log would obey
    [InlineData("01 00 02 c3 a4", false)] // not ASCII
    [InlineData("02 00 01 61 00 01 62", false)] // one number twice
    [InlineData("02 00 01 61 01 01 61", false)] // one name twice
    [InlineData("02 00 01 61 01 01 62", true)]
    [InlineData("01 00 ff 61", false)]
    [InlineData("ff", false)]
    public void A_list_of_networks_is_unambiguous_and_exact(string list, bool accepted)
    {
        byte[] body = [.. Hex("01 0000000000000001 0000000000000002"), .. Hex(list)];
        Assert.Equal(accepted, HelloMessage.TryParse(body, out _));
        body = [.. Hex("01 0000000000000001 0000000000000002 0000000000000003"), .. Hex(list)];
        Assert.Equal(accepted, HelloAckMessage.TryParse(body, out _));
    }

    [Fact]
    public void A_name_of_33_bytes_is_refused_and_of_32_taken()
    {
        byte[] head = Hex("01 0000000000000001 0000000000000002 01 00");
        Assert.True(HelloMessage.TryParse([.. head, 32, .. new string('a', 32).Select(c => (byte)c)], out _));
        Assert.False(HelloMessage.TryParse([.. head, 33, .. new string('a', 33).Select(c => (byte)c)], out _));
    }

    [Fact]
    public void Minor_version_zero_does_not_exist()
    {
        Assert.False(HelloMessage.TryParse(new byte[HelloMessage.FixedBody], out _));
        Assert.False(HelloAckMessage.TryParse(new byte[HelloAckMessage.FixedBody], out _));
    }

    [Theory]
    [InlineData("04 08 0a 00000001", "10.0.0.0/8", true)]
    [InlineData("04 07 0a 00000001", "10.0.0.0/7", true)]
    [InlineData("04 07 0b 00000001", "10.0.0.0/7", false)] // host bits
    [InlineData("04 21 0a00000100 00000001", "none", false)] // /33
    [InlineData("04 ff 0000000000000000000000000000000000000000000000000000000000000000 00000001", "none", false)]
    [InlineData("05 08 0a 00000001", "none", false)] // no such family
    [InlineData("00 00 00000001", "none", false)]
    [InlineData("06 80 fd000000000000000000000000000001 00000001", "fd00::1/128", true)]
    [InlineData("06 81 fd00000000000000000000000000000180 00000001", "none", false)]
    [InlineData("06 80 00000000000000000000ffff0a2a0005 00000001", "::ffff:10.42.0.5/128", false)] // IPv4 in disguise
    [InlineData("06 60 00000000000000000000ffff 00000001", "::ffff:0:0/96", false)]
    [InlineData("04 08 0a ffffffff", "10.0.0.0/8", false)] // unreachable is not announced
    public void A_bad_item_spoils_itself_only(string item, string prefix, bool valid)
    {
        byte[] body = [.. Hex("00 02"), .. Hex(item), .. Hex("04 20 0a2a0005 00000100")];
        Assert.True(RouteItemReader.TryOpen(new ControlFrame(ControlType.Announce, body), out RouteItemReader reader));
        Assert.True(reader.TryNext(out RouteItem first));
        Assert.Equal((prefix, valid), (first.Prefix.ToString(), first.Valid));
        Assert.True(reader.TryNext(out RouteItem second));
        Assert.Equal(new RouteItem(IpPrefix.Parse("10.42.0.5/32"), 256, true), second);
        Assert.False(reader.TryNext(out _));
    }

    [Fact]
    public void Only_announce_and_withdraw_have_items()
    {
        byte[] body = Hex("00 01 04 20 0a2a0005");
        Assert.True(RouteItemReader.TryOpen(new ControlFrame(ControlType.Withdraw, body), out _));
        Assert.False(RouteItemReader.TryOpen(new ControlFrame(ControlType.Announce, body), out _));
        Assert.False(RouteItemReader.TryOpen(new ControlFrame(ControlType.Hello, body), out _));
    }

    [Fact]
    public void A_million_random_and_mutated_inputs_neither_throw_nor_allocate_beyond_their_size()
    {
        var random = new Random(20_251_122);
        byte[][] corpus = [.. ControlVectors.All.Select(vector => vector.Bytes)];
        byte[] input = new byte[300];
        int[] results = new int[4];
        for (int i = 0; i < 1_000_000; i++)
        {
            int length = Mutate(random, corpus[random.Next(corpus.Length)], input);
            long before = GC.GetAllocatedBytesForCurrentThread();
            ReadResult result = ControlVectors.Digest(input.AsSpan(0, length), out int consumed);
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

            results[(int)result]++;
            Assert.True(consumed <= length);
            // A parsed name is a string of two bytes a character beside its list entry; the record comes on top.
            long bound = result == ReadResult.Frame ? 160 + (32 * length) : 0;
            Assert.True(i < WarmUp || allocated <= bound, $"{allocated} bytes at input {i}");
        }
        Assert.All(results, count => Assert.True(count > 1_000)); // every outcome was really met
    }

    private static int Mutate(Random random, byte[] seed, byte[] input)
    {
        if (random.Next(4) == 0)
        {
            int length = random.Next(input.Length);
            random.NextBytes(input.AsSpan(0, length));
            if (length > 2)
                (input[0], input[1]) = (0, (byte)(length - 2)); // otherwise nearly all fail on their length
            return length;
        }
        seed.CopyTo(input, 0);
        int size = seed.Length;
        for (int changes = random.Next(4); changes >= 0; changes--)
        {
            switch (random.Next(4))
            {
                case 0:
                    input[random.Next(size)] = (byte)random.Next(256);
                    break;
                case 1:
                    input[random.Next(size)] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    size = random.Next(3, seed.Length + 1);
                    input[1] = (byte)(size - 2);
                    break;
                default:
                    input[2] |= (byte)(random.Next(8) == 0 ? 0x80 : 0);
                    break;
            }
        }
        return size;
    }

    private static byte[] Hex(string text) => Convert.FromHexString(text.Replace(" ", "", StringComparison.Ordinal));
}
