using System.Globalization;
using System.Text;

namespace VibePN.Host.Logging;

/// <summary>Makes text fit for a log: one line, no control character, bounded.</summary>
internal static class LogText
{
    /// <summary>Longest text of one line, in characters; the rest is cut off and said so.</summary>
    public const int MaxLength = 4_096;

    /// <summary>Escapes what could move a terminal's cursor, forge a line or hide text.</summary>
    /// <param name="text">Anything.</param>
    /// <param name="longest">How many characters of it are shown; the rest becomes three dots.</param>
    public static string Escape(string text, int longest = MaxLength)
    {
        int length = Math.Min(text.Length, longest);
        if (length == text.Length && !text.Any(NeedsEscape))
            return text;
        var builder = new StringBuilder(length + 16);
        foreach (char c in text.AsSpan(0, length))
        {
            if (!NeedsEscape(c))
                builder.Append(c);
            else if (c == '\n')
                builder.Append("\\n");
            else if (c <= 0xFF)
                builder.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:X2}");
            else
                builder.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:X4}");
        }

        if (length < text.Length)
            builder.Append("...");
        return builder.ToString();
    }

    // Format covers the direction marks that make a line read otherwise than it is.
    private static bool NeedsEscape(char c) => c is >= ' ' and <= '~'
        ? false
        : char.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format
            or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Surrogate;
}
