using System.Text.RegularExpressions;
using VibePN.Engine.Joining;

namespace VibePN.Engine.Tests.Joining;

public sealed partial class JoinMessagesTests
{
    private static readonly JoinMessage[] Messages =
    [
        JoinMessage.Redeem("000102030405060708090a0b0c0d0e0f", [.. Enumerable.Range(0, 32).Select(i => (byte)i)], "node2"),
        JoinMessage.Granted("node2-2"),
        JoinMessage.Refused(JoinResult.Expired),
    ];

    [Fact]
    public void What_is_written_is_read_again_however_it_is_cut()
    {
        foreach (JoinMessage message in Messages)
        {
            byte[] bytes = JoinMessages.Write(message);
            for (int length = 0; length < bytes.Length; length++)
            {
                Assert.True(JoinMessages.TryRead(bytes.AsSpan(0, length), out JoinMessage? part));
                Assert.Null(part);
            }
            Assert.True(JoinMessages.TryRead(bytes, out JoinMessage? read));
            Assert.Equal(bytes, JoinMessages.Write(read!));
            Assert.False(JoinMessages.TryRead([.. bytes, 0], out _));
        }
    }

    [Fact]
    public void Random_bytes_are_a_message_or_none_and_never_an_exception()
    {
        var random = new Random(7);
        int read = 0;
        for (int i = 0; i < 200_000; i++)
        {
            byte[] bytes = i % 2 == 0 ? new byte[random.Next(JoinMessages.MaxFrame + 8)] : JoinMessages.Write(Messages[i % 3]);
            if (i % 2 == 0)
                random.NextBytes(bytes);
            else
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            if (JoinMessages.TryRead(bytes, out JoinMessage? message) && message is not null)
            {
                read++;
                Assert.Equal(bytes, JoinMessages.Write(message));
            }
        }
        Assert.InRange(read, 1_000, 199_000);
    }

    [Fact]
    public void The_documented_messages_are_those_of_the_code()
    {
        string text = File.ReadAllText(Path.Combine(Control.WireFormatDocumentTests.FindRoot(), "docs", "wire-format.md"));
        Dictionary<string, string> blocks = Block().Matches(text).ToDictionary(
            match => match.Groups["name"].Value, match => Regex.Replace(match.Groups["hex"].Value, @"\s", "").ToUpperInvariant());
        Assert.Equal(Messages.Select(message => message.Type.ToString()).Order(), blocks.Keys.Order());
        Assert.All(Messages, message => Assert.Equal(blocks[message.Type.ToString()], Convert.ToHexString(JoinMessages.Write(message))));
        foreach (JoinType type in Enum.GetValues<JoinType>().Where(type => type != JoinType.None))
            Assert.Contains($"{type}, `{(char)type}` 0x{(byte)type:X2}", text, StringComparison.Ordinal);
        Assert.Contains($"`{JoinMessages.Protocol}`", text, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^```join (?<name>\w+)\n(?<hex>[0-9a-f \n]+)```$", RegexOptions.Multiline)]
    private static partial Regex Block();

    [Theory]
    [InlineData("0000")]
    [InlineData("000058")]
    [InlineData("00025800")]
    [InlineData("00025840")]
    [InlineData("0102aa")]
    [InlineData("00024700")]
    [InlineData("0003470120")]
    public void Wrong_frames_are_refused(string hex) => Assert.True(
        !JoinMessages.TryRead(Convert.FromHexString(hex), out JoinMessage? message) || (hex.Length < 6 && message is null));
}
