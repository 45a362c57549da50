using VibePN.Host.Native;
using VibePN.Host.Running;

namespace VibePN.Host.Doctor;

/// <summary>What the checks take for granted about the machine; tests put another in its place.</summary>
internal sealed record Machine
{
    /// <summary>This machine.</summary>
    public static Machine Here { get; } = new();

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>When the daemon was built.</summary>
    public DateTimeOffset Built { get; init; } = BuildDay.Start;

    /// <summary>Whether something keeps the clock right; null when the kernel does not say.</summary>
    public Func<bool?> IsClockSynchronised { get; init; } = KernelClock.IsSynchronised;

    /// <summary>Where systemd's units are, the strongest first.</summary>
    public IReadOnlyList<string> UnitFolders { get; init; } =
        ["/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

    /// <summary>The list of users.</summary>
    public string UsersPath { get; init; } = "/etc/passwd";
}
