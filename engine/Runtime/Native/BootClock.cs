namespace VibePN.Engine.Runtime.Native;

/// <summary>The kernel's clock that goes on while the machine sleeps.</summary>
internal static class BootClock
{
    /// <summary>Time since the machine started, sleep included; zero where the kernel cannot say.</summary>
    public static unsafe TimeSpan Read()
    {
        LibC.Timespec time;
        return LibC.clock_gettime(LibC.CLOCK_BOOTTIME, &time) == 0
            ? TimeSpan.FromSeconds(time.tv_sec) + TimeSpan.FromMicroseconds(time.tv_nsec / 1_000)
            : TimeSpan.Zero;
    }
}
