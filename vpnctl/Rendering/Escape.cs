using System.Globalization;
using System.Text;

namespace VibePN.Vpnctl.Rendering;

/// <summary>Keeps text that others wrote from steering the terminal it is shown on.</summary>
internal static class Escape
{
    /// <summary>Control and formatting characters become <c>\xNN</c> or <c>\uNNNN</c>.</summary>
    public static string Controls(string text) => Clean(text, keepNewlines: false);

    /// <summary>As <see cref="Controls"/>, for text that may have several lines.</summary>
    public static string ControlsButNewlines(string text) => Clean(text, keepNewlines: true);

    private static string Clean(string text, bool keepNewlines)
    {
        StringBuilder? cleaned = null;
        for (int i = 0; i < text.Length; i++)
        {
            char value = text[i];
            bool harmless = !IsHarmful(value) || (keepNewlines && value == '\n');
            if (harmless)
            {
                cleaned?.Append(value);
                continue;
            }
            cleaned ??= new StringBuilder(text, 0, i, text.Length + 16);
            cleaned.Append(CultureInfo.InvariantCulture, $"{(value < 0x100 ? $"\\x{(int)value:x2}" : $"\\u{(int)value:x4}")}");
        }
        return cleaned?.ToString() ?? text;
    }

    // Format covers the characters that turn the direction of writing around.
    private static bool IsHarmful(char value) => char.GetUnicodeCategory(value) is UnicodeCategory.Control
        or UnicodeCategory.Format
        or UnicodeCategory.LineSeparator
        or UnicodeCategory.ParagraphSeparator;
}
