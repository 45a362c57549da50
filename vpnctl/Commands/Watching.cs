using System.Globalization;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Commands;

/// <summary><c>--watch</c>: shows something again and again.</summary>
internal static class Watching
{
    private const double StandardSeconds = 2;

    /// <summary>Shows it once, or until the operator has seen enough.</summary>
    /// <param name="options">Whether to watch, and how often.</param>
    /// <param name="terminal">Where to.</param>
    /// <param name="show">Asks and shows; writes JSON on one line when it is told to.</param>
    /// <exception cref="CommandException">Without watching: what <paramref name="show"/> threw.</exception>
    public static int Run(WatchOptions options, Terminal terminal, Action<Terminal, bool> show)
    {
        if (options.Watch is not string watch)
        {
            show(terminal, false);
            return ExitCode.Ok;
        }
        TimeSpan interval = IntervalOf(watch);
        do
            Redraw(terminal, to => show(to, true));
        while (terminal.WaitForKey(interval) is not ('q' or 'Q'));
        return ExitCode.Ok;
    }

    /// <summary>Shows something in the place of what was there, or below it when there is no screen.</summary>
    /// <remarks>A daemon that is away for a while, as when it is started anew, is no reason to stop watching.</remarks>
    public static void Redraw(Terminal terminal, Action<Terminal> show)
    {
        using var picture = new StringWriter { NewLine = "\n" };
        Terminal drawing = terminal with { Out = picture };
        try
        {
            show(drawing);
        }
        catch (CommandException error) when (error.ExitCode is not ExitCode.Usage)
        {
            picture.WriteLine("Error: " + error.Message);
        }
        terminal.Out.Write(terminal.Height is int height ? OnScreen(picture.ToString(), height) : picture.ToString());
        terminal.Out.Flush();
    }

    // From the top left corner; every line, and what is below the last one, is cleared behind what is written.
    private static string OnScreen(string picture, int height)
    {
        string[] lines = picture.TrimEnd('\n').Split('\n');
        string[] shown = lines.Length < height ? lines : [.. lines.Take(height - 2), $"... {lines.Length - height + 2} more lines"];
        return "\e[H" + string.Concat(shown.Select(line => line + "\e[K\n")) + "\e[J";
    }

    private static TimeSpan IntervalOf(string watch)
    {
        double seconds = StandardSeconds;
        if (watch != CommandLine.OptionInfo.Bare
            && (!double.TryParse(watch, NumberStyles.Float, CultureInfo.InvariantCulture, out seconds) || seconds is not (>= 0.1 and <= 3_600)))
            throw new CommandException($"--watch takes 0.1 to 3600 seconds, not '{Escape.Controls(watch)}'.", ExitCode.Usage);
        return TimeSpan.FromSeconds(seconds);
    }
}
