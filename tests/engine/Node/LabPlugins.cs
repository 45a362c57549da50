using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Contracts;
using VibePN.Plugins.RoutingLpm;
using VibePN.Plugins.TrustTofu;

namespace VibePN.Engine.Tests.Node;

/// <summary>The shipped trust plugin, with a hand on its verdicts.</summary>
internal sealed class LabTrust(IPluginContext context) : ITrustPlugin
{
    private readonly TofuTrust _real = new(context);
    private Action? _changed;

    /// <summary>Changes verdicts; none by default.</summary>
    public Func<TrustRequest, TrustVerdict, TrustVerdict> Bends { get; set; } = (_, verdict) => verdict;

    /// <summary>What CommitAsync does instead of writing, when set.</summary>
    public Func<Task<string?>>? Commits { get; set; }

    public event Action? Changed
    {
        add => _changed += value;
        remove => _changed -= value;
    }

    public void RaiseChanged() => _changed?.Invoke();

    public TrustVerdict Decide(TrustRequest request) => Bends(request, _real.Decide(request));

    public async ValueTask<string?> CommitAsync(TrustRequest request, TrustVerdict verdict, CancellationToken cancellationToken) =>
        Commits is { } commits ? await commits() : await _real.CommitAsync(request, verdict, cancellationToken);

    public TrustListing List() => _real.List();

    public ValueTask<TrustResult> ApplyAsync(TrustOrder order, CancellationToken cancellationToken) =>
        _real.ApplyAsync(order, cancellationToken);

    public TrustResult Plan(TrustOrder order) => _real.Plan(order);

    public ValueTask StartAsync(CancellationToken cancellationToken) => _real.StartAsync(cancellationToken);

    public ValueTask StopAsync(CancellationToken cancellationToken) => _real.StopAsync(cancellationToken);
}

/// <summary>The shipped routing policy, with a hand on its tables.</summary>
internal sealed class LabPolicy(IPluginContext context) : IRoutePolicyPlugin
{
    private readonly LpmRoutePolicy _real = new(context);

    /// <summary>Why Compile and Import fail, when set.</summary>
    public string? CompileFault { get; set; }

    public string? ImportFault { get; set; }

    public ImportVerdict Import(ImportRequest request) =>
        ImportFault is { } fault ? throw new InvalidOperationException(fault) : _real.Import(request);

    public ExportVerdict Export(ExportRequest request) => _real.Export(request);

    /// <summary>Told of every table.</summary>
    public Action<RouteSnapshot, IRouteLookup>? OnCompiled { get; set; }

    /// <summary>How long tables last, when set.</summary>
    public TimeSpan? Lifetime { get; set; }

    public IRouteLookup Compile(RouteSnapshot snapshot)
    {
        if (CompileFault is { } fault)
            throw new InvalidOperationException(fault);
        IRouteLookup lookup = _real.Compile(snapshot);
        OnCompiled?.Invoke(snapshot, lookup);
        return Lifetime is null ? lookup : new LabLookup(lookup, Lifetime);
    }

    public RouteSelection SelectNextHops(RouteSnapshot snapshot, IpPrefix prefix) => _real.SelectNextHops(snapshot, prefix);

    public RouteExplanation Explain(RouteSnapshot snapshot, in PacketKey packet) => _real.Explain(snapshot, packet);

    public ValueTask StartAsync(CancellationToken cancellationToken) => _real.StartAsync(cancellationToken);

    public ValueTask StopAsync(CancellationToken cancellationToken) => _real.StopAsync(cancellationToken);
}

/// <summary>A table that ends.</summary>
internal sealed class LabLookup(IRouteLookup table, TimeSpan? lifetime) : IRouteLookup
{
    public ImmutableArray<NextHopGroup> Groups => table.Groups;

    public TimeSpan? Lifetime => lifetime;

    public void Find(ReadOnlySpan<PacketKey> keys, Span<ushort> groups) => table.Find(keys, groups);
}

/// <summary>What plugins and the engine get of a host: default settings and files in memory.</summary>
internal sealed class LabContext(TimeProvider time) : IPluginContext, IPluginSettings, IPluginStore
{
    private readonly ConcurrentDictionary<string, byte[]> _files = new(StringComparer.Ordinal);

    public string Name => "lab";

    public ILogger Logger => NullLogger.Instance;

    public TimeProvider Time => time;

    public Random Random => Random.Shared;

    public Meter Meter => throw new NotSupportedException();

    public IPluginSettings Settings => this;

    public IPluginStore Store => this;

    public CancellationToken Stopping => default;

    public string Location => "memory";

    public bool GetBoolean(string name) => name is "first_use";

    public long GetInteger(string name) => 256;

    public string GetString(string name) => throw new NotSupportedException(name);

    public TimeSpan GetDuration(string name) => throw new NotSupportedException(name);

    public IReadOnlyList<string> GetStrings(string name) => throw new NotSupportedException(name);

    public SourcePosition PositionOf(string name) => default;

    public byte[]? Read(string name, int maxBytes) => _files.GetValueOrDefault(name);

    public void Write(string name, ReadOnlySpan<byte> content) => _files[name] = content.ToArray();
}
