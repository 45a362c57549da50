using VibePN.Contracts;

namespace VibePN.Plugins.RoutingLpm;

/// <summary>The plugin's settings.</summary>
internal sealed record LpmSettings
{
    /// <summary>Whether members may announce networks behind them.</summary>
    public bool AcceptOriginated { get; init; } = true;

    /// <summary>Routes taken from one peer in one network.</summary>
    public int MaxRoutesPerPeer { get; init; } = 256;

    public static LpmSettings Read(IPluginSettings settings) => new()
    {
        AcceptOriginated = settings.GetBoolean("accept_originated"),
        MaxRoutesPerPeer = (int)settings.GetInteger("max_routes_per_peer"),
    };
}
