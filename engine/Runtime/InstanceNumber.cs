using System.Globalization;
using System.Text;
using VibePN.Contracts;

namespace VibePN.Engine.Runtime;

/// <summary>Numbers the starts of this daemon, so that peers can tell a restarted node from its ghost.</summary>
internal static class InstanceNumber
{
    private const string FileName = "instance";
    private const int MaxBytes = 64;

    /// <summary>A number larger than every earlier one, durable before it is used.</summary>
    /// <returns>The stored number plus one, or the wall clock in milliseconds when that is larger.</returns>
    /// <exception cref="PluginException">The number cannot be stored: the state directory is full, missing or not ours.</exception>
    public static ulong Next(IPluginStore store, TimeProvider time)
    {
        ulong next = (ulong)Math.Max(1, time.GetUtcNow().ToUnixTimeMilliseconds());
        try
        {
            // An unreadable number only costs the comparison with it: the clock is larger in all but rare cases.
            if (store.Read(FileName, MaxBytes) is { } bytes
                && ulong.TryParse(Encoding.ASCII.GetString(bytes), NumberStyles.None, CultureInfo.InvariantCulture, out ulong stored)
                && stored >= next && stored < ulong.MaxValue)
                next = Planted.Is(PlantedDefect.InstanceNotRaised) ? stored : stored + 1;
            store.Write(FileName, Encoding.ASCII.GetBytes(next.ToString(CultureInfo.InvariantCulture)));
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
