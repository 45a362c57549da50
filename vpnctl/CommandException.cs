namespace VibePN.Vpnctl;

/// <summary>A command cannot do what was asked; the message goes to the operator as it is.</summary>
internal sealed class CommandException(string message, int exitCode = ExitCode.Failed) : Exception(message)
{
    /// <summary>One of <see cref="Vpnctl.ExitCode"/>.</summary>
    public int ExitCode { get; } = exitCode;
}
