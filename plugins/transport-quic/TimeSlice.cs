using System.Runtime.InteropServices;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

/// <summary>Asks the scheduler to let a thread run soon rather than long.</summary>
/// <remarks>
/// Linux from 6.12 on takes a slice from every thread (sched(7), EEVDF): one that asks for a shorter one than whoever runs
/// now may take the processor from it at once, for no more time in the end. On a machine with other work, packets would
/// otherwise wait for the end of somebody's slice, some milliseconds. Older kernels ignore the wish. Needs no privilege.
/// </remarks>
internal static unsafe class TimeSlice
{
    /// <summary>What a loop asks for, in nanoseconds: less than the kernel gives by itself (1.4 ms on two processors, 2.8 on many).</summary>
    public const ulong OfLoop = 1_000_000;

    /// <summary>Asks for the calling thread; priority and policy stay.</summary>
    /// <returns>False when it has a policy of its own, such as a real-time one, or when the kernel refuses.</returns>
    public static bool TryAsk(ulong nanoseconds)
    {
        if (!TryRead(out SchedAttr attributes) || attributes.Policy != SchedAttr.Other)
            return false;
        attributes.Runtime = nanoseconds;
        return LibC.syscall(IsX64 ? SchedAttr.SetX64 : SchedAttr.SetArm64, 0, &attributes, 0, 0) == 0;
    }

    /// <summary>What the kernel has written down for the calling thread.</summary>
    public static bool TryRead(out SchedAttr attributes)
    {
        SchedAttr read = default;
        bool isRead = LibC.syscall(IsX64 ? SchedAttr.GetX64 : SchedAttr.GetArm64, 0, &read, sizeof(SchedAttr), 0) == 0;
        attributes = read;
        return isRead;
    }

    private static bool IsX64 => RuntimeInformation.ProcessArchitecture == Architecture.X64;
}
