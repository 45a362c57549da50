namespace VibePN.Vpnctl;

/// <summary>Where output goes and what it may look like.</summary>
/// <param name="Out">Results.</param>
/// <param name="Error">Everything else.</param>
/// <param name="Width">Columns of the screen; null when the output is not a screen and lines may be of any length.</param>
/// <param name="UsesColour">Whether colour is understood and wanted.</param>
internal sealed record Terminal(TextWriter Out, TextWriter Error, int? Width, bool UsesColour)
{
    private static readonly TimeSpan KeyInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>Lines of the screen; null when it is none.</summary>
    public int? Height { get; init; }

    /// <summary>Waits so long for a key; null when none came. A test answers at once.</summary>
    public Func<TimeSpan, char?> WaitForKey { get; init; } = SleepOnly;

    /// <summary>Reads a line that the operator types; null when nobody can: input or output is no screen.</summary>
    public Func<string?>? ReadLine { get; init; }

    /// <summary>This process's own.</summary>
    public static Terminal OfProcess()
    {
        if (Console.IsOutputRedirected)
            return new Terminal(Console.Out, Console.Error, null, false);
        // no-color.org: the variable counts when it is there and not empty.
        bool colour = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
            && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb");
        int width = Console.WindowWidth;
        int height = Console.WindowHeight;
        return new Terminal(Console.Out, Console.Error, width > 0 ? width : null, colour)
        {
            Height = height > 0 ? height : null,
            WaitForKey = Console.IsInputRedirected ? SleepOnly : ReadKey,
            ReadLine = Console.IsInputRedirected ? null : Console.ReadLine,
        };
    }

    private static char? SleepOnly(TimeSpan time)
    {
        Thread.Sleep(time);
        return null;
    }

    private static char? ReadKey(TimeSpan time)
    {
        long end = Environment.TickCount64 + (long)time.TotalMilliseconds;
        while (!Console.KeyAvailable)
        {
            TimeSpan left = TimeSpan.FromMilliseconds(end - Environment.TickCount64);
            if (left <= TimeSpan.Zero)
                return null;
            Thread.Sleep(left < KeyInterval ? left : KeyInterval);
        }
        return Console.ReadKey(intercept: true).KeyChar;
    }
}
