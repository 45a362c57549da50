using System.Text;
using QRCoder;

namespace VibePN.Vpnctl.Rendering;

/// <summary>A QR code in half blocks: two rows of squares in one line of text.</summary>
internal static class QrView
{
    private const string BlackOnWhite = "\e[30;107m";
    private const string Standard = "\e[0m";

    /// <summary>Prints a code.</summary>
    /// <param name="text">Letters, digits and dashes, of which case does not matter.</param>
    /// <param name="terminal">Where to. Without colour the background is taken to be dark, as most are.</param>
    public static void Render(string text, Terminal terminal)
    {
        bool[][] squares = Squares(text);
        if (terminal.Width is int width && width < squares.Length)
        {
            terminal.Error.WriteLine($"The QR code needs {squares.Length} columns; this terminal has {width}.");
            return;
        }
        for (int row = 0; row < squares.Length; row += 2)
            terminal.Out.WriteLine(Line(squares[row], row + 1 < squares.Length ? squares[row + 1] : null, terminal.UsesColour));
    }

    /// <summary>The code with its margin, true for black. Capitals need less room (alphanumeric mode).</summary>
    internal static bool[][] Squares(string text)
    {
        using var generator = new QRCodeGenerator();
        using QRCodeData code = generator.CreateQrCode(text.ToUpperInvariant(), QRCodeGenerator.ECCLevel.L);
        return [.. code.ModuleMatrix.Select(row => row.Cast<bool>().ToArray())];
    }

    private static string Line(bool[] upper, bool[]? lower, bool colour)
    {
        var line = new StringBuilder(colour ? BlackOnWhite : "");
        for (int column = 0; column < upper.Length; column++)
        {
            // What is drawn is black on a white ground, and white where the ground is dark.
            bool top = upper[column] == colour;
            bool bottom = lower is not null && lower[column] == colour;
            line.Append(top ? bottom ? '█' : '▀' : bottom ? '▄' : ' ');
        }
        return line.Append(colour ? Standard : "").ToString();
    }
}
