using System.Collections.Immutable;
using System.Composition;
using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using VibePN.Contracts;
using VibePN.Plugins.TunLinux.Native;
using VibePN.Plugins.TunLinux.Netlink;

namespace VibePN.Plugins.TunLinux;

/// <summary>TUN interfaces of the Linux kernel, configured through rtnetlink.</summary>
[TunPlugin("tun-linux", Contract = 1)]
[PluginSetting(TxQueueLength, SettingType.Number, Default = "1000", Minimum = 1, Maximum = 1_000_000,
    Help = "Packets the kernel queues for the daemon before it drops, per interface.")]
[PluginSetting(OffloadKey, SettingType.Text, Default = "auto", Choices = "auto|off",
    Help = "Segmentation offload: the kernel gives and takes many TCP packets at once; off works around kernels that get it wrong.")]
[PluginSetting(JoinUdpKey, SettingType.Text, Default = "auto", Choices = "auto|on|off",
    Help = "Whether UDP datagrams are joined towards the kernel; auto: with kernels from 6.8.5 on, which do not lose VXLAN by it.")]
[SuppressMessage("Design", "CA1001",
    Justification = "The host ends a plugin through StopAsync, never through Dispose.")]
public sealed class LinuxTun : ITunPlugin
{
    private const string TxQueueLength = "tx_queue_length";
    private const string OffloadKey = "offload";
    private const string JoinUdpKey = "join_udp";

    private readonly IPluginContext _context;
    private readonly Lock _gate = new();
    private readonly List<LinuxTunDevice> _devices = []; // guarded by _gate
    private RouteTables? _tables;
    private NetworkMonitor? _monitor;
    private int _txQueueLength;
    private bool _usesOffloads;
    private string _joinUdp = "";

    /// <summary>Keeps the context; touches nothing.</summary>
    [ImportingConstructor]
    public LinuxTun(IPluginContext context) => _context = context;

    /// <inheritdoc/>
    public OffloadCapabilities Offloads => _usesOffloads ? TunDriver.All : OffloadCapabilities.None;

    /// <inheritdoc/>
    public ValueTask StartAsync(CancellationToken cancellationToken)
    {
        _txQueueLength = (int)_context.Settings.GetInteger(TxQueueLength);
        _usesOffloads = _context.Settings.GetString(OffloadKey) == "auto";
        _joinUdp = _context.Settings.GetString(JoinUdpKey);
        try
        {
            _tables = new RouteTables();
            _monitor = new NetworkMonitor(_tables, _context.Logger, _context.Time);
        }
        catch (Exception e) when (e is NetlinkException or IOException)
        {
            throw new PluginException(
                $"Plugin '{_context.Name}' cannot talk to the kernel's routing tables: {e.Message}", e)
            {
                Fault = PluginFault.Unavailable,
            };
        }
        CreateInstruments(_context.Meter);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ImmutableArray<MachineRoute> GetMachineRoutes()
    {
        if (_tables is null)
            throw new InvalidOperationException("The plugin is not started.");
        HashSet<int> ours;
        lock (_gate)
            ours = [.. _devices.Select(device => device.Identity.Index)];
        try
        {
            Dictionary<int, string> names = _tables.GetLinkNames();
            return
            [
                .. _tables.GetRoutes().Where(route => !ours.Contains(route.Index))
                    .Select(route => new MachineRoute(
                        route.Destination, names.GetValueOrDefault(route.Index, ""),
                        !route.HasGateway && route.Index != 0))
                    .Distinct().OrderBy(route => route.Prefix).ThenBy(route => route.Interface, StringComparer.Ordinal),
            ];
        }
        catch (NetlinkException e)
        {
            throw new TunException($"The machine's routes could not be read: {e.Message}", e) { Fault = PluginFault.Unavailable };
        }
    }

    /// <inheritdoc/>
    public ITunDevice Open(TunOptions options, ITunEvents events)
    {
        if (_tables is null || _monitor is null)
            throw new InvalidOperationException("The plugin is not started.");
        InterfaceSettings.Check(options.Name, options.Configuration);
        FileDescriptor? tun = null;
        DeviceIdentity? identity = null;
        DriverFeatures features = default;
        WakeEvent? wake = null;
        try
        {
            identity = _monitor.Watch(() => Create(_tables, options, out tun, out features), events);
            wake = NewWakeEvent(options.Name);
            var settings = new InterfaceSettings(_tables, options.Name, identity.Index);
            settings.Begin(options.Configuration, _txQueueLength);
            var device = new LinuxTunDevice(
                identity, tun!, wake, settings, options.Configuration.Mtu, features, options.Offloads, Remove);
            lock (_gate)
                _devices.Add(device);
            Log.Opened(_context.Logger, options.Name, options.Network, options.Configuration.Mtu,
                string.Join(", ", options.Configuration.Addresses));
            return device;
        }
        catch
        {
            if (identity is not null)
                Remove(identity);
            wake?.Dispose();
            tun?.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask StopAsync(CancellationToken cancellationToken)
    {
        LinuxTunDevice[] left;
        lock (_gate)
            left = [.. _devices];
        foreach (LinuxTunDevice device in left)
            device.Dispose();
        // Waiting in place takes microseconds. A continuation would run the host's next steps on top of the
        // plugin's own code and so keep it from being unloaded.
        _monitor?.Stop(cancellationToken);
        _tables?.Dispose();
        return ValueTask.CompletedTask;
    }

    private DeviceIdentity Create(
        RouteTables tables, TunOptions options, out FileDescriptor? tun, out DriverFeatures features)
    {
        tun = TunDriver.Create(options.Name, _usesOffloads, _joinUdp, out features);
        try
        {
            return new DeviceIdentity(options.Name, options.Network, tables.GetLink(options.Name).Index);
        }
        catch (NetlinkException e)
        {
            throw TunFailure.Refused(options.Name, "be looked up", e);
        }
    }

    private static WakeEvent NewWakeEvent(string name)
    {
        try
        {
            return new WakeEvent();
        }
        catch (IOException e)
        {
            throw new TunException($"TUN device '{name}' could not be opened: {e.Message}", e)
            {
                Fault = PluginFault.Unavailable,
            };
        }
    }

    private void Remove(LinuxTunDevice device)
    {
        Remove(device.Identity);
        lock (_gate)
            _devices.Remove(device);
    }

    private void Remove(DeviceIdentity identity)
    {
        _monitor!.Expect(identity.Index);
        try
        {
            _tables!.DeleteLink(identity.Index);
        }
        catch (NetlinkException)
        {
            // Gone already, or no longer ours to remove. It is not persistent: closing its descriptor removes it.
        }
    }

    private void CreateInstruments(Meter meter)
    {
        meter.CreateObservableCounter("vibepn_tun_read_packets", () => Measure(static c => c.Read),
            description: "Packets taken from the kernel.");
        meter.CreateObservableCounter("vibepn_tun_read_bytes", () => Measure(static c => c.ReadBytes), "By",
            "Bytes taken from the kernel.");
        meter.CreateObservableCounter("vibepn_tun_super_packets_read", () => Measure(static c => c.Supers),
            description: "Super packets taken from the kernel.");
        meter.CreateObservableCounter("vibepn_tun_super_packets_joined", () => Measure(static c => c.Joined),
            description: "Super packets given to the kernel, joined of packets.");
        meter.CreateObservableCounter("vibepn_tun_oversize_packets", () => Measure(static c => c.Oversize),
            description: "Packets from the kernel beyond the MTU that was set, dropped.");
        meter.CreateObservableCounter("vibepn_tun_written_packets", () => Measure(static c => c.Written),
            description: "Packets given to the kernel.");
        meter.CreateObservableCounter("vibepn_tun_written_bytes", () => Measure(static c => c.WrittenBytes), "By",
            "Bytes given to the kernel.");
        meter.CreateObservableCounter("vibepn_tun_refused_packets", () => Measure(static c => c.Refused),
            description: "Packets the kernel refused, dropped.");
    }

    private List<Measurement<long>> Measure(Func<DeviceCounters, long> select)
    {
        lock (_gate)
            return [.. _devices.Select(device => new Measurement<long>(
                select(device.Counters),
                new KeyValuePair<string, object?>("network", device.Identity.Network),
                new KeyValuePair<string, object?>("device", device.Name)))];
    }
}
