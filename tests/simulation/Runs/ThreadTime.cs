using System.Diagnostics;

namespace VibePN.Simulation.Runs;

/// <summary>Processor time, so that figures do not depend on what else the machine does.</summary>
internal static class ThreadTime
{
    /// <summary>Ticks of 100 ns that the calling thread has run.</summary>
    public static long Now
    {
        get
        {
            // /proc/thread-self/schedstat: nanoseconds on the processor, then two numbers that are of no use here.
            ReadOnlySpan<char> text = File.ReadAllText("/proc/thread-self/schedstat");
            return long.TryParse(text[..text.IndexOf(' ')], out long nanoseconds)
                ? nanoseconds / 100
                : Stopwatch.GetTimestamp() * TimeSpan.TicksPerSecond / Stopwatch.Frequency;
        }
    }
}
