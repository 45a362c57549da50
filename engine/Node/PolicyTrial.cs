using System.Collections.Immutable;
using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Time;

namespace VibePN.Engine.Node;

/// <summary>Lets a routing policy decide everything about the node as it is, on copies: nothing of the node changes.</summary>
/// <remarks>
/// The trial is the node's own code (<see cref="RouteExchange"/>, <see cref="DataPlane"/>) over a shadow of its networks, so
/// what it shows is what a swap would do. Control thread.
/// </remarks>
internal static class PolicyTrial
{
    /// <summary>Judges all known announcements, asks for every export and compiles every network.</summary>
    /// <param name="policy">Who decides; its faults are the caller's to notice.</param>
    /// <param name="plane">The node.</param>
    /// <param name="networks">The networks as they are to be.</param>
    /// <param name="now">The time.</param>
    /// <returns>The networks with the routes the policy accepts and the tables it compiled.</returns>
    public static NetworkSet Run(
        IRoutePolicyPlugin policy, ControlPlane plane, ImmutableArray<NetworkConfiguration> networks, Instant now)
    {
        NetworkSet shadow = plane.Networks.Shadow(networks);
        var slot = new PolicySlot(policy);
        var routes = new RouteExchange(
            shadow, plane.Claims, slot, plane.Configuration.Identity.Fingerprint, NullLogger.Instance, now);
        routes.Reconsider(plane.Peers, now);
        routes.RehearseExports(plane.Peers, now);
        new DataPlane(shadow, slot, new InboundPorts(), NullLogger.Instance, now).Publish(plane.Peers, now);
        return shadow;
    }
}

/// <summary>A policy under trial: passes every question on, and keeps the text of the first fault.</summary>
/// <param name="policy">The candidate.</param>
/// <param name="clock">The time.</param>
internal sealed class WatchedPolicy(IRoutePolicyPlugin policy, Func<Instant> clock) : IRoutePolicyPlugin
{
    /// <summary>What compiling one network may take (<see cref="IRoutePolicyPlugin"/>).</summary>
    public static readonly TimeSpan CompileBudget = TimeSpan.FromMilliseconds(50);

    /// <summary>What went wrong first, in one clause, or null.</summary>
    public string? Fault { get; private set; }

    /// <inheritdoc/>
    public ImportVerdict Import(ImportRequest request) =>
        Watch(() => policy.Import(request), $"importing {request.Candidate.Prefix} in network {request.Network}");

    /// <inheritdoc/>
    public ExportVerdict Export(ExportRequest request) =>
        Watch(() => policy.Export(request), $"exporting {request.Candidate.Prefix} in network {request.Network}");

    /// <inheritdoc/>
    public IRouteLookup Compile(RouteSnapshot snapshot)
    {
        Instant began = clock();
        IRouteLookup lookup = Watch(() => policy.Compile(snapshot), $"compiling network {snapshot.Network}");
        TimeSpan took = clock() - began;
        if (took > CompileBudget)
        {
            Fault ??= $"compiling network {snapshot.Network} with {snapshot.Candidates.Length} routes took "
                + $"{took.TotalMilliseconds:0} ms, and {CompileBudget.TotalMilliseconds:0} ms are allowed";
        }
        if (lookup.Groups.IsDefaultOrEmpty || !lookup.Groups[0].Hops.IsDefaultOrEmpty)
            Fault ??= $"its table of network {snapshot.Network} has no empty first group";
        return lookup;
    }

    /// <inheritdoc/>
    public RouteSelection SelectNextHops(RouteSnapshot snapshot, IpPrefix prefix) => policy.SelectNextHops(snapshot, prefix);

    /// <inheritdoc/>
    public RouteExplanation Explain(RouteSnapshot snapshot, in PacketKey packet) => policy.Explain(snapshot, packet);

    /// <inheritdoc/>
    public ValueTask StartAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public ValueTask StopAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <summary>Forgets a fault, to try once more.</summary>
    public void Forgive() => Fault = null;

    private T Watch<T>(Func<T> call, string what)
    {
        try
        {
            return call();
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Only the words are kept: the exception would keep the plugin's code in memory.
            Fault ??= $"{what} failed: {exception.GetType().Name}: {exception.Message}";
            throw;
        }
    }
}

/// <summary>Notes everything the engine asks of a policy, and answers so that it goes on asking.</summary>
internal sealed class QuestionRecorder : IRoutePolicyPlugin
{
    private readonly List<ImportRequest> _imports = [];
    private readonly List<RouteSnapshot> _snapshots = [];

    /// <summary>Every import that was asked.</summary>
    public IReadOnlyList<ImportRequest> Imports => _imports;

    /// <summary>Every network that was to be compiled.</summary>
    public IReadOnlyList<RouteSnapshot> Snapshots => _snapshots;

    /// <inheritdoc/>
    public ImportVerdict Import(ImportRequest request)
    {
        _imports.Add(request);
        return new ImportVerdict(request.Candidate, RouteReason.Accepted, "");
    }

    /// <inheritdoc/>
    public ExportVerdict Export(ExportRequest request) => new(false, 0, RouteReason.NotExported, "");

    /// <inheritdoc/>
    public IRouteLookup Compile(RouteSnapshot snapshot)
    {
        _snapshots.Add(snapshot);
        return ForwardingTable.Empty.Lookup;
    }

    /// <inheritdoc/>
    public RouteSelection SelectNextHops(RouteSnapshot snapshot, IpPrefix prefix) => new(new NextHopGroup([]), []);

    /// <inheritdoc/>
    public RouteExplanation Explain(RouteSnapshot snapshot, in PacketKey packet) => new([], [], "");

    /// <inheritdoc/>
    public ValueTask StartAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public ValueTask StopAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <summary>Asks a candidate all of it, off the control thread, so that its code is compiled before it decides.</summary>
    /// <remarks>
    /// A fresh plugin's first table takes many times what later ones take, for its code has to be compiled; what counts
    /// is the best of three.
    /// </remarks>
    /// <returns>What went wrong, in one clause, or null.</returns>
    public string? Rehearse(IRoutePolicyPlugin candidate, Func<Instant> clock)
    {
        const int Tries = 3;
        var watched = new WatchedPolicy(candidate, clock);
        try
        {
            foreach (ImportRequest request in _imports)
                watched.Import(request);
            foreach (RouteSnapshot snapshot in _snapshots)
            {
                for (int i = 0; i < Tries && (i == 0 || watched.Fault is not null); i++)
                {
                    watched.Forgive();
                    Find(watched.Compile(snapshot), snapshot);
                }
                if (watched.Fault is not null)
                    break;
            }
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return watched.Fault ?? $"its table failed: {exception.GetType().Name}: {exception.Message}";
        }
        return watched.Fault;
    }

    // The packet threads would otherwise wait for the lookup's code to be compiled.
    private static void Find(IRouteLookup lookup, RouteSnapshot snapshot)
    {
        PacketKey[] keys =
        [
            new PacketKey(default, IpAddress.FromV4(0), 0, 0, 0, 0),
            .. snapshot.Candidates.Take(63).Select(route => new PacketKey(default, route.Prefix.Address, 0, 0, 0, 0)),
        ];
        lookup.Find(keys, new ushort[keys.Length]);
    }
}
