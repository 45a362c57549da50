using System.Globalization;
using System.Text.RegularExpressions;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.CommandLine;

/// <summary>Reads lengths of time as operators write them: <c>90s</c>, <c>5m</c>, <c>2h30m</c>, <c>1d</c>, <c>250ms</c>.</summary>
internal static partial class DurationText
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(3_650);

    /// <summary>Reads one.</summary>
    /// <param name="option">Which option has it, for the message.</param>
    /// <param name="text">What was written.</param>
    /// <exception cref="CommandException">It is none.</exception>
    public static TimeSpan Parse(string option, string text)
    {
        Match match = Form().Match(text);
        double seconds = 0;
        if (text.Length is > 0 and <= 64 && match.Success)
        {
            for (int i = 0; i < match.Groups["n"].Captures.Count; i++)
            {
                double number = double.Parse(match.Groups["n"].Captures[i].ValueSpan, CultureInfo.InvariantCulture);
                seconds += number * UnitOf(match.Groups["u"].Captures[i].Value);
            }
            if (seconds <= Longest.TotalSeconds)
                return TimeSpan.FromSeconds(seconds);
        }
        throw new CommandException(
            $"{option} is '{Escape.Controls(text)}'; it must be a time such as 90s, 5m, 2h30m or 1d.", ExitCode.Usage);
    }

    private static double UnitOf(string unit) => unit switch
    {
        "ms" => 0.001,
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => 86_400,
    };

    [GeneratedRegex(@"^(?:(?<n>[0-9]{1,9}(?:\.[0-9]{1,3})?)(?<u>ms|s|m|h|d))+\z", RegexOptions.CultureInvariant)]
    private static partial Regex Form();
}
