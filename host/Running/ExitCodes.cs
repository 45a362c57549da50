using VibePN.Contracts;

namespace VibePN.Host.Running;

/// <summary>Exit codes of the daemon, after sysexits.h.</summary>
internal static class ExitCodes
{
    /// <summary>Stopped in an orderly way.</summary>
    public const int Ok = 0;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>A resource is missing or taken.</summary>
    public const int Unavailable = 69;

    /// <summary>A bug of ours or of a plugin.</summary>
    public const int Internal = 70;

    /// <summary>A privilege is missing.</summary>
    public const int Privilege = 77;

    /// <summary>Configuration is wrong.</summary>
    public const int Configuration = 78;

    /// <summary>The code for a plugin's fault.</summary>
    public static int Of(PluginFault fault) => fault switch
    {
        PluginFault.Configuration => Configuration,
        PluginFault.Privilege => Privilege,
        PluginFault.Unavailable => Unavailable,
        _ => Internal,
    };
}

/// <summary>The daemon cannot start; the message is all the operator is shown.</summary>
/// <param name="exitCode">What the process ends with.</param>
/// <param name="message">What failed, on what, the cause, the remedy.</param>
internal sealed class DaemonException(int exitCode, string message) : Exception(message)
{
    /// <summary>What the process ends with.</summary>
    public int ExitCode { get; } = exitCode;
}
