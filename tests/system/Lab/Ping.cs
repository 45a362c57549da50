using System.Globalization;
using System.Text.RegularExpressions;

namespace VibePN.System.Tests.Lab;

/// <summary>What a run of ping saw.</summary>
/// <param name="Answered">The sequence numbers of the replies, from 1, as they came.</param>
/// <param name="Text">All that ping wrote.</param>
internal sealed partial record Ping(IReadOnlyList<int> Answered, string Text)
{
    /// <summary>How many of the first requests were answered.</summary>
    public int AnsweredOf(int count) => Answered.Where(number => number <= count).Distinct().Count();

    /// <summary>Reads ping's lines.</summary>
    public static Ping Parse(ToolResult result) => new(
        [.. Reply().Matches(result.Output).Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture))],
        result.Text);

    /// <summary>Fails the test unless each of the first <paramref name="count"/> requests was answered exactly once.</summary>
    public void AssertAllAnswered(int count)
    {
        int[] missing = [.. Enumerable.Range(1, count).Except(Answered)];
        Assert.True(missing.Length == 0, $"{missing.Length} of {count} lost: {string.Join(' ', missing)}\n{Text}");
        Assert.True(Answered.Distinct().Count() == Answered.Count, $"Repeated replies.\n{Text}");
    }

    // "From ... icmp_seq=7 Destination Host Unreachable" is no reply.
    [GeneratedRegex(@"^\d+ bytes from .*icmp_seq=(\d+)", RegexOptions.Multiline)]
    private static partial Regex Reply();
}
