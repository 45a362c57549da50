using System.Composition;
using VibePN.BestPath;
using VibePN.Contracts;

namespace VibePN.Plugins.RoutingLpm;

/// <summary>The most specific prefix wins; among equal prefixes the <see cref="RouteOrder"/> decides.</summary>
/// <remarks>
/// Only direct routes are taken: a peer announces its own addresses and, where <c>accept_originated</c> allows
/// it, networks behind it. Our own routes are given as the configuration says and no others.
/// </remarks>
[RoutePolicyPlugin("routing-lpm", Contract = 1)]
[PluginSetting("accept_originated", SettingType.Boolean, Default = "true",
    Help = "Whether members may announce networks behind them, besides their own addresses.")]
[PluginSetting("max_routes_per_peer", SettingType.Number, Default = "256", Minimum = 1, Maximum = 100_000,
    Help = "Routes taken from one peer in one network.")]
public sealed class LpmRoutePolicy : IRoutePolicyPlugin
{
    private readonly IPluginContext _context;
    private readonly BestPathPolicy _paths = new((_, _) => BestInOrder.Instance);
    private LpmSettings _settings = new();

    /// <summary>Keeps the context; reads nothing yet.</summary>
    [ImportingConstructor]
    public LpmRoutePolicy(IPluginContext context) => _context = context;

    /// <inheritdoc/>
    public ValueTask StartAsync(CancellationToken cancellationToken)
    {
        _settings = LpmSettings.Read(_context.Settings);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask StopAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public ImportVerdict Import(ImportRequest request) => ImportRules.Judge(request, _settings);

    /// <inheritdoc/>
    public ExportVerdict Export(ExportRequest request) => ExportRules.Judge(request);

    /// <inheritdoc/>
    public IRouteLookup Compile(RouteSnapshot snapshot) => _paths.Compile(snapshot);

    /// <inheritdoc/>
    public RouteSelection SelectNextHops(RouteSnapshot snapshot, IpPrefix prefix) => _paths.Select(snapshot, prefix);

    /// <inheritdoc/>
    public RouteExplanation Explain(RouteSnapshot snapshot, in PacketKey packet) =>
        _paths.Explain(snapshot, packet.Destination);
}
