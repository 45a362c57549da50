using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine.Trust;

namespace VibePN.Engine.Runtime;

/// <summary>Numbers the starts of this daemon, so that peers can tell a restarted node from its ghost.</summary>
internal static class InstanceNumber
{
    private const string FileName = "instance";

    /// <summary>A number larger than every earlier one, durable before it is used.</summary>
    /// <param name="store">Where it is kept.</param>
    /// <param name="time">The clock.</param>
    /// <param name="clock">Knows times that have passed, in case the clock has fallen behind.</param>
    /// <param name="logger">Told when the stored number is lost.</param>
    /// <returns>The stored number plus one, or the time in milliseconds when that is larger.</returns>
    /// <exception cref="PluginException">The number cannot be stored: the state directory is full, missing or not ours.</exception>
    public static ulong Next(IPluginStore store, TimeProvider time, ClockGuard clock, ILogger logger)
    {
        long now = Math.Max(time.GetUtcNow().ToUnixTimeMilliseconds(), clock.Floor.ToUnixTimeMilliseconds());
        ulong next = (ulong)Math.Max(1, now);
        try
        {
            // A damaged number only costs the comparison with it: the time is larger in all but rare cases.
            ulong? stored = StateFile.Read(store, FileName, out string? fault);
            if (fault is not null)
                Log.StateFault(logger, fault);
            if (stored >= next && stored < ulong.MaxValue)
                next = Planted.Is(PlantedDefect.InstanceNotRaised) ? stored.Value : stored.Value + 1;
            StateFile.Write(store, FileName, next);
            return next;
        }
        catch (IOException exception)
        {
            throw new PluginException(
                $"The state directory {store.Location} cannot be used: {exception.Message} Make it writable for the daemon, or name another with 'state' in config.toml.",
                exception)
            {
                Fault = PluginFault.Unavailable,
            };
        }
    }
}
