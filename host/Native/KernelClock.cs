namespace VibePN.Host.Native;

/// <summary>What the kernel knows about its clock.</summary>
internal static class KernelClock
{
    /// <summary>Whether a time service keeps it right; null when the kernel does not say.</summary>
    public static unsafe bool? IsSynchronised()
    {
        var question = default(Timex);
        return LibC.adjtimex(&question) < 0 ? null : (question.Status & LibC.STA_UNSYNC) == 0;
    }
}
