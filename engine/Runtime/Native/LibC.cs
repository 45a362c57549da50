using System.Runtime.InteropServices;

namespace VibePN.Engine.Runtime.Native;

/// <summary>libc calls. Names and types follow the C headers; nothing here decides.</summary>
internal static unsafe partial class LibC
{
    /// <summary>linux/time.h: monotonic, and goes on while the machine sleeps.</summary>
    public const int CLOCK_BOOTTIME = 7;

    /// <summary>time.h.</summary>
    [LibraryImport("libc")]
    public static partial int clock_gettime(int clock, Timespec* time);

    /// <summary>time.h: struct timespec, on 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Timespec
    {
        public long tv_sec;
        public long tv_nsec;
    }
}
