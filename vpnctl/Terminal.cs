namespace VibePN.Vpnctl;

/// <summary>Where output goes and what it may look like.</summary>
/// <param name="Out">Results.</param>
/// <param name="Error">Everything else.</param>
/// <param name="Width">Columns of the screen; null when the output is not a screen and lines may be of any length.</param>
/// <param name="UsesColour">Whether colour is understood and wanted.</param>
internal sealed record Terminal(TextWriter Out, TextWriter Error, int? Width, bool UsesColour)
{
    /// <summary>This process's own.</summary>
    public static Terminal OfProcess()
    {
        if (Console.IsOutputRedirected)
            return new Terminal(Console.Out, Console.Error, null, false);
        // no-color.org: the variable counts when it is there and not empty.
        bool colour = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
            && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb");
        int width = Console.WindowWidth;
        return new Terminal(Console.Out, Console.Error, width > 0 ? width : null, colour);
    }
}
