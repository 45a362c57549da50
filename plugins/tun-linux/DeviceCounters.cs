using System.Runtime.InteropServices;

namespace VibePN.Plugins.TunLinux;

/// <summary>Counts of one device: the reading and the writing thread each own theirs, a cache line apart.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct DeviceCounters
{
    /// <summary>Packets taken from the kernel; one that is handed on whole is one. The reader's.</summary>
    [FieldOffset(64)]
    public long Read;

    /// <summary>Bytes taken from the kernel. The reader's.</summary>
    [FieldOffset(72)]
    public long ReadBytes;

    /// <summary>Packets from the kernel beyond the device's MTU, dropped. The reader's.</summary>
    [FieldOffset(80)]
    public long Oversize;

    /// <summary>Super packets taken from the kernel. The reader's.</summary>
    [FieldOffset(88)]
    public long Supers;

    /// <summary>Packets given to the kernel. The writer's.</summary>
    [FieldOffset(128)]
    public long Written;

    /// <summary>Bytes given to the kernel. The writer's.</summary>
    [FieldOffset(136)]
    public long WrittenBytes;

    /// <summary>Packets the kernel refused, dropped. The writer's.</summary>
    [FieldOffset(144)]
    public long Refused;

    /// <summary>Super packets given to the kernel. The writer's.</summary>
    [FieldOffset(152)]
    public long Joined;
}
