namespace VibePN.Vpnctl.Rendering;

/// <summary>How a word stands out on a screen with colours.</summary>
internal enum Tone
{
    Plain,
    Good,
    Warning,
    Bad,
}

/// <summary>One column of a table.</summary>
/// <param name="Title">Upper case.</param>
/// <param name="Importance">On a narrow screen the columns with the smallest numbers go first; 0 is never dropped.</param>
/// <param name="AlignRight">For numbers.</param>
internal sealed record Column(string Title, int Importance = 0, bool AlignRight = false);

/// <summary>One value in a table.</summary>
internal readonly record struct Cell(string Text, Tone Tone = Tone.Plain)
{
    public static implicit operator Cell(string text) => new(text);
}

/// <summary>Aligned columns, two spaces apart, that fit the screen: nothing is ever wrapped.</summary>
/// <remarks>What does not fit goes by importance; when only what is never dropped is left, the widest values are cut.</remarks>
internal sealed class Table(params Column[] columns)
{
    private const string Gap = "  ";
    private const string Cut = "…";
    private const int Narrowest = 4;

    private readonly List<Cell[]> _rows = [];

    public void Add(params Cell[] cells) => _rows.Add(cells);

    public void Write(Terminal terminal)
    {
        int[] widths = [.. columns.Select((column, i) =>
            _rows.Select(row => row[i].Text.Length).Append(column.Title.Length).Max())];
        List<int> shown = Fit(widths, terminal.Width);
        WriteLine(terminal, shown, widths, [.. columns.Select(column => new Cell(column.Title))]);
        foreach (Cell[] row in _rows)
            WriteLine(terminal, shown, widths, row);
    }

    private List<int> Fit(int[] widths, int? screen)
    {
        List<int> shown = [.. Enumerable.Range(0, columns.Length)];
        while (shown.Sum(i => widths[i] + Gap.Length) - Gap.Length > screen)
        {
            List<int> optional = [.. shown.Where(i => columns[i].Importance > 0)];
            if (optional.Count == 0)
                break;
            shown.Remove(optional.MinBy(i => columns[i].Importance));
        }
        while (shown.Sum(i => widths[i] + Gap.Length) - Gap.Length > screen)
        {
            int widest = shown.Where(i => !columns[i].AlignRight).DefaultIfEmpty(shown[0]).MaxBy(i => widths[i]);
            if (widths[widest] <= Narrowest)
                break;
            widths[widest]--;
        }
        return shown;
    }

    private static string Fitting(string text, int width) => text.Length <= width ? text : text[..(width - Cut.Length)] + Cut;

    private void WriteLine(Terminal terminal, List<int> shown, int[] widths, Cell[] cells)
    {
        foreach (int i in shown)
        {
            bool isLast = i == shown[^1];
            string cell = Fitting(cells[i].Text, widths[i]);
            string text = columns[i].AlignRight ? cell.PadLeft(widths[i]) : isLast ? cell : cell.PadRight(widths[i]);
            terminal.Out.Write(Colour.Paint(text, cells[i].Tone, terminal));
            terminal.Out.Write(isLast ? "\n" : Gap);
        }
    }
}

/// <summary>ANSI colours, where they are wanted.</summary>
internal static class Colour
{
    public static string Paint(string text, Tone tone, Terminal terminal)
    {
        if (!terminal.UsesColour || tone == Tone.Plain)
            return text;
        int code = tone switch
        {
            Tone.Good => 32,
            Tone.Warning => 33,
            _ => 31,
        };
        return $"\e[{code}m{text}\e[0m";
    }
}
