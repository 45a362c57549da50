using System.Composition;
using VibePN.BestPath;
using VibePN.Contracts;

namespace VibePN.Plugins.RoutingFailover;

/// <summary>Networks that several gateways lead to go through the first of a list that is up and has proved stable.</summary>
/// <remarks>
/// The longest prefix wins first, as everywhere. For prefixes that no list names, candidates compete in the ordinary
/// order. The policy keeps no state: how long a gateway has been up and how long ago it was lost come with the snapshot.
/// </remarks>
[RoutePolicyPlugin("routing-failover", Contract = 1)]
[PluginSetting(Gateways, SettingType.StringList, Default = "[]",
    Help = "Ordered gateways by prefix: \"192.168.7.0/24 via hub-a, hub-b\", or \"192.168.7.0/24 in NETWORK via hub-a, hub-b\".")]
[PluginSetting(HoldDown, SettingType.Duration, Default = "10s",
    Help = "A gateway that was lost is passed over for so long, counted from its loss, while another is up.")]
[PluginSetting(FailBack, SettingType.Duration, Default = "60s",
    Help = "A gateway that is back must stay connected for so long before packets return to it.")]
public sealed class FailoverRoutePolicy : IRoutePolicyPlugin
{
    internal const string Gateways = "gateways";
    internal const string HoldDown = "hold_down";
    internal const string FailBack = "fail_back";

    private readonly IPluginContext _context;
    private readonly BestPathPolicy _paths;
    private FailoverSettings _settings = FailoverSettings.None;

    /// <summary>Keeps the context; reads nothing yet.</summary>
    [ImportingConstructor]
    public FailoverRoutePolicy(IPluginContext context)
    {
        _context = context;
        _paths = new BestPathPolicy((network, prefix) => _settings.ChooserOf(network, prefix));
    }

    /// <inheritdoc/>
    public ValueTask StartAsync(CancellationToken cancellationToken)
    {
        _settings = FailoverSettings.Read(_context.Settings);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask StopAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public ImportVerdict Import(ImportRequest request) => DirectRoutes.Import(request);

    /// <inheritdoc/>
    public ExportVerdict Export(ExportRequest request) => DirectRoutes.Export(request);

    /// <inheritdoc/>
    public IRouteLookup Compile(RouteSnapshot snapshot) => _paths.Compile(snapshot);

    /// <inheritdoc/>
    public RouteSelection SelectNextHops(RouteSnapshot snapshot, IpPrefix prefix) => _paths.Select(snapshot, prefix);

    /// <inheritdoc/>
    public RouteExplanation Explain(RouteSnapshot snapshot, in PacketKey packet) =>
        _paths.Explain(snapshot, packet.Destination);
}
