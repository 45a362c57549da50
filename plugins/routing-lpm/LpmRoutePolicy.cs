using System.Composition;
using VibePN.BestPath;
using VibePN.Contracts;

namespace VibePN.Plugins.RoutingLpm;

/// <summary>The most specific prefix wins; among equal prefixes the <see cref="RouteOrder"/> decides.</summary>
/// <remarks>
/// Only direct routes are taken: a peer announces its own addresses and, where the configuration's rules allow it, networks
/// behind it. Our own routes are given as the configuration says and no others.
/// </remarks>
[RoutePolicyPlugin("routing-lpm", Contract = 1)]
public sealed class LpmRoutePolicy : IRoutePolicyPlugin
{
    private readonly BestPathPolicy _paths = new((_, _) => BestInOrder.Instance);

    /// <summary>Needs nothing of its context: it decides over values, and has no settings.</summary>
    [ImportingConstructor]
    public LpmRoutePolicy(IPluginContext context) => ArgumentNullException.ThrowIfNull(context);

    /// <inheritdoc/>
    public ValueTask StartAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

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
