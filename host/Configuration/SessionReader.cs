using VibePN.Engine.Configuration;
using VibePN.Host.Plugins;

namespace VibePN.Host.Configuration;

/// <summary>Reads the <c>[sessions]</c> table.</summary>
internal static class SessionReader
{
    /// <summary>Everything the table says; what it does not say stays as it is by default.</summary>
    public static SessionConfiguration Read(TableReader reader, ConfigErrors errors)
    {
        SessionConfiguration standard = SessionConfiguration.Standard;
        var sessions = new SessionConfiguration
        {
            RenewAfter = Duration(
                "renew_after", standard.RenewAfter, TimeSpan.FromMinutes(2), TimeSpan.FromHours(24), "from \"2m\" to \"24h\""),
            RestartHold = Duration(
                "restart_hold", standard.RestartHold, TimeSpan.Zero, TimeSpan.FromSeconds(120), "from \"0s\" to \"120s\""),
        };
        reader.RejectUnknown();
        return sessions;

        TimeSpan Duration(string key, TimeSpan otherwise, TimeSpan least, TimeSpan most, string range)
        {
            if (reader.Text(key) is not { } text)
                return otherwise;
            if (Plugins.Duration.TryParse(text.Value, out TimeSpan value) && value >= least && value <= most
                && value.Ticks % TimeSpan.TicksPerSecond == 0)
                return value;
            errors.Add(text.Position, ErrorCodes.BadValue,
                $"'{text.Value}' is no value for '{key}': write a duration in whole seconds, {range}.");
            return otherwise;
        }
    }
}
