using System.Collections.Immutable;

namespace VibePN.Host.Doctor;

/// <summary>How a check ended.</summary>
internal enum CheckVerdict
{
    /// <summary>Nothing to do.</summary>
    Pass = 0,

    /// <summary>It works, but something should be looked at; or it could not be judged.</summary>
    Warn = 1,

    /// <summary>It does not work like this.</summary>
    Fail = 2,
}

/// <summary>One numbered question and its answer. Numbers and titles never change: scripts know them.</summary>
/// <param name="Number">1 to 20.</param>
/// <param name="Title">What is looked at.</param>
/// <param name="Verdict">How it ended.</param>
/// <param name="Detail">What was found, in one line.</param>
/// <param name="Remedies">What to do, one edit or command each; at least one unless it passed.</param>
internal sealed record Check(
    int Number, string Title, CheckVerdict Verdict, string Detail, ImmutableArray<string> Remedies);

/// <summary>Gathers what one check finds.</summary>
/// <param name="number">The check's number.</param>
/// <param name="title">The check's title.</param>
internal sealed class CheckFindings(int number, string title)
{
    // One more line helps nobody, and a broken file has hundreds.
    private const int MostRemedies = 16;

    private readonly List<(CheckVerdict Verdict, string Text, string Remedy)> _found = [];

    /// <summary>Whether nothing was found so far.</summary>
    public bool IsEmpty => _found.Count == 0;

    /// <summary>Something does not work.</summary>
    /// <param name="text">What, as a clause without a full stop at its end.</param>
    /// <param name="remedy">The edit or the command that mends it.</param>
    public void Fail(string text, string remedy) => _found.Add((CheckVerdict.Fail, text, remedy));

    /// <summary>Something should be looked at.</summary>
    /// <param name="text">As above.</param>
    /// <param name="remedy">As above.</param>
    public void Warn(string text, string remedy) => _found.Add((CheckVerdict.Warn, text, remedy));

    /// <summary>Nothing can be said.</summary>
    /// <param name="why">Why not.</param>
    /// <param name="remedy">What makes it possible.</param>
    public void NotChecked(string why, string remedy) => Warn("not checked: " + why, remedy);

    /// <summary>The check.</summary>
    /// <param name="passed">The detail when nothing was found.</param>
    public Check Build(string passed)
    {
        if (_found.Count == 0)
            return new Check(number, title, CheckVerdict.Pass, passed, []);
        (CheckVerdict verdict, string text, _) = _found.MaxBy(found => found.Verdict);
        string more = _found.Count > 1 ? $" (and {_found.Count - 1} more)" : "";
        return new Check(number, title, verdict, text.TrimEnd('.') + more,
            [.. _found.OrderByDescending(found => found.Verdict).Select(found => found.Remedy).Distinct().Take(MostRemedies)]);
    }
}

/// <summary>Finds what to do in a message of the daemon's.</summary>
internal static class Advice
{
    /// <summary>The end of a message: what stands after its last colon, or its last sentence.</summary>
    /// <remarks>So the messages are written (CONTRIBUTING.md): what failed, on what, the cause, the remedy.</remarks>
    public static string In(string message)
    {
        int colon = message.LastIndexOf(": ", StringComparison.Ordinal);
        int stop = message.LastIndexOf(". ", StringComparison.Ordinal);
        int end = Math.Max(colon, stop);
        return end < 0 ? message : message[(end + 2)..];
    }

    /// <summary>A message whose advice is a command after <c>Run</c>, in two: what is wrong, and the command.</summary>
    public static (string Problem, string Command) Split(string message)
    {
        int run = message.IndexOf(". Run", StringComparison.Ordinal);
        if (run < 0)
            return (message.TrimEnd('.'), In(message));
        string advice = message[(run + 2)..];
        return (message[..run], advice.StartsWith("Run: ", StringComparison.Ordinal) ? advice[5..] : advice);
    }
}
