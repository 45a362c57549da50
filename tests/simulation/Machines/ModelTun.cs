using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Forwarding;

namespace VibePN.Simulation.Machines;

/// <summary>A simulated kernel's interfaces. A process gets them from here, and loses them with its end.</summary>
internal sealed class ModelTun(MachineProcess process) : ITunPlugin
{
    private readonly Dictionary<string, ModelTunDevice> _devices = new(StringComparer.Ordinal);

    /// <summary>Open interfaces, by the network they belong to.</summary>
    public IReadOnlyDictionary<string, ModelTunDevice> Devices => _devices;

    public OffloadCapabilities Offloads => default;

    public ITunDevice Open(TunOptions options, ITunEvents events)
    {
        if (_devices.ContainsKey(options.Network))
            throw new TunException($"TUN device '{options.Name}' could not be opened: it exists.");
        if (process.Machine.TunFault is { } fault)
            throw new TunException(fault);
        var device = new ModelTunDevice(process, options, Close);
        _devices.Add(options.Network, device);
        return device;
    }

    public ImmutableArray<MachineRoute> GetMachineRoutes() => [];

    public ValueTask StartAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public ValueTask StopAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    private void Close(ModelTunDevice device) => _devices.Remove(device.Network);
}

/// <summary>One simulated interface: what the engine writes goes to the world's ledger of packets.</summary>
internal sealed class ModelTunDevice(MachineProcess process, TunOptions options, Action<ModelTunDevice> close) : ITunDevice
{
    private bool _disposed;

    /// <summary>The overlay network it was opened for.</summary>
    public string Network { get; } = options.Network;

    /// <summary>Where its packets go, while a pump reads it.</summary>
    public OutboundPath? Path { get; set; }

    /// <summary>Whether the kernel took it away.</summary>
    public bool Removed { get; set; }

    /// <summary>What it was last told.</summary>
    public TunConfiguration Configuration { get; private set; } = options.Configuration;

    public string Name { get; } = options.Name;

    public int Mtu => Configuration.Mtu;

    public OffloadCapabilities Offloads => default;

    public int Read(PacketBatch batch) => throw new NotSupportedException("The world feeds the path itself.");

    public int Write(PacketBatch batch, int first, int count)
    {
        if (Removed || _disposed)
            return 0;
        for (int slot = first; slot < first + count; slot++)
            process.Machine.Observer.PacketDelivered(process, Network, batch.Packet(slot));
        return count;
    }

    public void Configure(TunConfiguration configuration)
    {
        if (Removed)
            throw new TunException("the interface is gone");
        Configuration = configuration;
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        Path?.Dispose();
        Path = null;
        close(this);
    }
}
