namespace VibePN.Vpnctl;

/// <summary>What the process ends with. Scripts rely on the numbers.</summary>
internal static class ExitCode
{
    public const int Ok = 0;
    public const int Failed = 1;
    public const int Usage = 2;
    public const int Unreachable = 3;
    public const int CheckFailed = 4;
    public const int NotAuthorised = 5;
    public const int TimedOut = 6;

    /// <summary>The numbers with a word or two for help and manual.</summary>
    public static IReadOnlyList<(int Code, string Meaning)> Meanings { get; } =
    [
        (Ok, "done"), (Failed, "failed"), (Usage, "wrong usage"), (Unreachable, "daemon unreachable"),
        (CheckFailed, "invalid configuration or failed check"), (NotAuthorised, "not authorised"), (TimedOut, "timed out"),
    ];
}
