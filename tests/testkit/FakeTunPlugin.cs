using System.Collections.Concurrent;
using System.Collections.Immutable;
using VibePN.Contracts;

namespace VibePN.Testkit;

/// <summary>Makes <see cref="FakeTunDevice"/>s and keeps them, so that tests can be the kernel behind each.</summary>
public sealed class FakeTunPlugin : ITunPlugin
{
    private readonly ConcurrentQueue<FakeTunDevice> _opened = new();
    private ITunEvents? _events;

    /// <inheritdoc/>
    public OffloadCapabilities Offloads => default;

    /// <summary>Called before each Open; may throw as a kernel that refuses.</summary>
    public Action<TunOptions>? OnOpen { get; set; }

    /// <summary>Every device ever made, oldest first.</summary>
    public IReadOnlyCollection<FakeTunDevice> Opened => _opened;

    /// <summary>The open device of that name.</summary>
    public FakeTunDevice Device(string name) => _opened.Last(device => device.Name == name && !device.IsDisposed);

    /// <summary>The machine's addresses or links changed.</summary>
    public void ChangeMachineNetwork() => _events?.OnMachineNetworkChanged();

    /// <summary>What the machine's routing table is to hold.</summary>
    public ImmutableArray<MachineRoute> MachineRoutes { get; set; } = [];

    /// <inheritdoc/>
    public ImmutableArray<MachineRoute> GetMachineRoutes() => MachineRoutes;

    /// <inheritdoc/>
    public ITunDevice Open(TunOptions options, ITunEvents events)
    {
        ArgumentNullException.ThrowIfNull(options);
        OnOpen?.Invoke(options);
        if (_opened.Any(other => other.Name == options.Name && !other.IsDisposed))
            throw new TunException($"'{options.Name}' is taken.");
        _events = events;
        var device = new FakeTunDevice { Name = options.Name, Mtu = options.Configuration.Mtu };
        device.Configure(options.Configuration);
        _opened.Enqueue(device);
        return device;
    }

    /// <inheritdoc/>
    public ValueTask StartAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public ValueTask StopAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;
}
