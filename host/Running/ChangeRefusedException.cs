using VibePN.Contracts;

namespace VibePN.Host.Running;

/// <summary>A change cannot be made; nothing has changed.</summary>
/// <param name="error">What kind of failure.</param>
/// <param name="message">Why, and what to do.</param>
internal sealed class ChangeRefusedException(ControlError error, string message) : Exception(message)
{
    /// <summary>What kind of failure.</summary>
    public ControlError Error { get; } = error;

    /// <summary>Runs a change, and tells a failure of any part of it from a fault of our own.</summary>
    /// <exception cref="ChangeRefusedException">It failed.</exception>
    public static async Task<T> TranslateAsync<T>(Func<Task<T>> change)
    {
        try
        {
            return await change();
        }
        catch (DaemonException exception)
        {
            throw new ChangeRefusedException(
                exception.ExitCode == ExitCodes.Unavailable ? ControlError.Unavailable : ControlError.PluginFailed,
                exception.Message);
        }
        catch (PluginException exception)
        {
            throw new ChangeRefusedException(
                exception.Fault == PluginFault.Unavailable ? ControlError.Unavailable : ControlError.PluginFailed,
                exception.Message);
        }
    }
}
