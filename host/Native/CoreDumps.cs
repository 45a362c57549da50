namespace VibePN.Host.Native;

/// <summary>Keeps the private key out of core files.</summary>
internal static class CoreDumps
{
    /// <summary>Forbids core files of this process. A refusal changes nothing, since lowering a limit needs no privilege.</summary>
    public static unsafe void Forbid()
    {
        var none = default(RLimit);
        _ = LibC.setrlimit(LibC.RLIMIT_CORE, &none);
    }
}
