using System.Globalization;
using System.Text.RegularExpressions;

namespace VibePN.System.Tests.Lab;

/// <summary>What a run of ping counted.</summary>
/// <param name="Sent">Echo requests sent.</param>
/// <param name="Received">Replies that came, without duplicates.</param>
/// <param name="Text">All that ping wrote.</param>
internal sealed partial record Ping(int Sent, int Received, string Text)
{
    /// <summary>Reads ping's closing lines.</summary>
    public static Ping Parse(ToolResult result)
    {
        Match match = Summary().Match(result.Output);
        return match.Success
            ? new Ping(Number(match, 1), Number(match, 2), result.Text)
            : new Ping(0, 0, result.Text);
    }

    /// <summary>Fails the test unless every one of so many requests was answered.</summary>
    public void AssertAllAnswered(int count)
    {
        Assert.True(Sent == count, Text);
        Assert.True(Received == count, Text);
    }

    private static int Number(Match match, int group) => int.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"(\d+) packets transmitted, (\d+) received")]
    private static partial Regex Summary();
}
