using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine.Addressing;
using VibePN.Engine.Configuration;
using VibePN.Engine.Events;
using VibePN.Engine.Time;

namespace VibePN.Engine.Node;

/// <summary>The node's networks and their interfaces: opened all or none, changed in place, closed without a trace.</summary>
/// <remarks>Runs on the control thread.</remarks>
internal sealed class NetworkSet
{
    private static readonly TimeSpan ReopenFirst = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ReopenStable = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ReopenCap = TimeSpan.FromSeconds(5);

    private readonly EngineParts _parts;
    private readonly IEngineDriver _driver;
    private readonly ITunEvents _tunEvents;
    private readonly ILogger _logger;
    private readonly SortedList<string, OverlayNetwork> _networks = new(StringComparer.Ordinal);

    /// <summary>Networks that are not open yet.</summary>
    public NetworkSet(
        ImmutableArray<NetworkConfiguration> networks, EngineParts parts, IEngineDriver driver, ITunEvents tunEvents,
        LocalRoutes? local = null)
    {
        _parts = parts;
        _driver = driver;
        _tunEvents = tunEvents;
        _logger = parts.Loggers.CreateLogger("engine/networks");
        All = _networks.Values.AsReadOnly();
        Local = local ?? new LocalRoutes(parts.Tun, _logger);
        foreach (NetworkConfiguration network in networks)
            _networks.Add(network.Name, new OverlayNetwork(network));
    }

    /// <summary>What the machine reaches without us.</summary>
    public LocalRoutes Local { get; }

    /// <summary>All networks, by name.</summary>
    public IReadOnlyCollection<OverlayNetwork> All { get; }

    /// <summary>The network of this name, or null.</summary>
    public OverlayNetwork? Find(string name) => _networks.GetValueOrDefault(name);

    /// <summary>Opens every interface, or none.</summary>
    /// <exception cref="TunException">One could not be opened; those before it are closed again.</exception>
    public void OpenAll()
    {
        Local.Refresh();
        OpenOrClose([.. _networks.Values]);
    }

    /// <summary>Closes every interface.</summary>
    public void CloseAll()
    {
        foreach (OverlayNetwork network in _networks.Values)
            Close(network);
    }

    /// <summary>Opens the interfaces of networks that are new. Nothing of the node changes yet.</summary>
    /// <param name="next">The networks from now on.</param>
    /// <exception cref="TunException">One could not be opened; those before it are closed again.</exception>
    public ImmutableArray<OverlayNetwork> Prepare(ImmutableArray<NetworkConfiguration> next)
    {
        Local.Refresh();
        OverlayNetwork[] added =
            [.. next.Where(network => !_networks.ContainsKey(network.Name)).Select(network => new OverlayNetwork(network))];
        OpenOrClose(added);
        return [.. added];
    }

    /// <summary>Closes what <see cref="Prepare"/> opened, because the change is not made.</summary>
    public void Abandon(ImmutableArray<OverlayNetwork> prepared)
    {
        foreach (OverlayNetwork network in prepared)
            Close(network);
    }

    /// <summary>Changes to other networks. What says the same before and after is not touched.</summary>
    /// <param name="next">The networks from now on.</param>
    /// <param name="prepared">The new ones among them, as <see cref="Prepare"/> opened them.</param>
    /// <param name="now">The time.</param>
    public void Commit(ImmutableArray<NetworkConfiguration> next, ImmutableArray<OverlayNetwork> prepared, Instant now)
    {
        foreach (OverlayNetwork network in _networks.Values.ToArray())
        {
            string name = network.Configuration.Name;
            NetworkConfiguration? wanted = next.FirstOrDefault(candidate => candidate.Name == name);
            wanted = wanted?.KeepAddressesOf(network.Configuration);
            if (wanted is null)
            {
                Close(network);
                _networks.Remove(name);
            }
            else if (!ConfigurationPlan.AreSame(wanted, network.Configuration))
                Change(network, wanted, now);
            else
                network.Configuration = wanted; // its rules may stand in other lines of the file now
        }
        foreach (OverlayNetwork network in prepared)
            _networks.Add(network.Configuration.Name, network);
    }

    /// <summary>Networks with the given configurations and the same routes, without interfaces: to try something on.</summary>
    public NetworkSet Shadow(ImmutableArray<NetworkConfiguration> configurations)
    {
        var shadow = new NetworkSet(configurations, _parts, _driver, _tunEvents, Local);
        foreach (OverlayNetwork copy in shadow.All)
        {
            if (Find(copy.Configuration.Name) is not { } network)
                continue;
            copy.Configuration = copy.Configuration.KeepAddressesOf(network.Configuration);
            copy.Routes = network.Routes.Copy();
            copy.Damping = network.Damping; // judging only reads it
        }
        return shadow;
    }

    /// <summary>Brings an interface's addresses, MTU and routes to what the network says; what fails is tried again.</summary>
    /// <remarks>The first repetition comes after 0.1 s, later ones ever more rarely, to every 5 s.</remarks>
    public void Configure(OverlayNetwork network, Instant now)
    {
        if (network.Device is not { } device)
            return;
        try
        {
            device.Configure(network.DeviceConfiguration);
            network.Error = "";
            network.ConfigureAt = Instant.Never;
            network.ConfigureWait = default;
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // The interface stands half-changed; the operator is told in status and, once for each cause, in the log.
            if (network.Error != exception.Message)
                TellFault(network, exception.Message);
            network.Error = exception.Message;
            network.ConfigureWait = TimeSpan.FromTicks(
                Math.Clamp(network.ConfigureWait.Ticks * 2, ReopenFirst.Ticks, ReopenCap.Ticks));
            network.ConfigureAt = now + network.ConfigureWait;
        }
    }

    /// <summary>The earliest moment at which a lost interface is to be made again, or one be configured again.</summary>
    public Instant NextTimer => _networks.Values.Aggregate(
        Instant.Never, (next, network) => Instant.Min(next, Instant.Min(network.ReopenAt, network.ConfigureAt)));

    /// <summary>The kernel took an interface away. It is made again, first after 0.1 s, then ever more rarely to every 5 s.</summary>
    public void OnDeviceLost(string deviceName, string text, Instant now)
    {
        OverlayNetwork? lost = _networks.Values.FirstOrDefault(network => network.Device?.Name == deviceName);
        if (lost is null)
            return;
        Log.NetworkLost(_logger, lost.Configuration.Name, text);
        Tell(EventKinds.NetworkDown, lost, $"network {lost.Configuration.Name} lost its interface: {text}", text);
        Close(lost);
        lost.Error = text;
        // One that is lost again and again must not fill the log.
        TimeSpan wait = now - lost.OpenedAt >= ReopenStable ? ReopenFirst : lost.ReopenWait * 2;
        lost.ReopenWait = TimeSpan.FromTicks(Math.Clamp(wait.Ticks, ReopenFirst.Ticks, ReopenCap.Ticks));
        lost.ReopenAt = Planted.Is(PlantedDefect.LostInterfaceForgotten) ? Instant.Never : now + lost.ReopenWait;
    }

    /// <summary>Tries to make lost interfaces again, and to configure those that the kernel would not.</summary>
    public void OnTimer(Instant now)
    {
        foreach (OverlayNetwork network in _networks.Values)
        {
            if (now >= network.ConfigureAt)
                Configure(network, now);
            if (now < network.ReopenAt)
                continue;
            try
            {
                Open(network);
            }
            catch (PluginException exception)
            {
                if (network.Error != exception.Message)
                    TellFault(network, exception.Message);
                network.Error = exception.Message;
                network.ReopenWait = TimeSpan.FromTicks(Math.Min(network.ReopenWait.Ticks * 2, ReopenCap.Ticks));
                network.ReopenAt = now + network.ReopenWait;
            }
        }
    }

    /// <summary>
    /// Looks at the machine's own routes again: a network that had to wait for one to go is opened, and one whose subnet
    /// the machine has got on a LAN meanwhile is closed.
    /// </summary>
    /// <returns>Whether they have changed.</returns>
    public bool OnMachineNetworkChanged(Instant now)
    {
        if (!Local.Refresh())
            return false;
        foreach (OverlayNetwork network in _networks.Values)
        {
            network.IsDirty = true;
            if (network.Device is null)
            {
                if (network.IsBlocked)
                    network.ReopenAt = now;
            }
            else if (Local.Against(network.Configuration) is not null)
            {
                Close(network);
                network.ReopenAt = now; // finds it blocked, and says so
            }
        }
        return true;
    }

    /// <summary>Gives a network another address of its own.</summary>
    public void Move(OverlayNetwork network, IpAddress address, Instant now)
    {
        network.Configuration = address.Family == IpFamily.V4
            ? network.Configuration with { Address = address }
            : network.Configuration with { Address6 = address };
        network.IsDirty = true;
        Configure(network, now);
    }

    private void OpenOrClose(OverlayNetwork[] networks)
    {
        try
        {
            Array.ForEach(networks, Open);
        }
        catch
        {
            Array.ForEach(networks, Close);
            throw;
        }
    }

    private void Open(OverlayNetwork network)
    {
        NetworkConfiguration configuration = network.Configuration;
        string? text = Local.Against(configuration);
        network.IsBlocked = text is not null;
        if (text is not null)
        {
            // The other networks go on, and this one follows as soon as the machine's route is gone.
            if (network.Error != text)
                TellFault(network, text);
            network.Error = text;
            network.ReopenAt = Instant.Never;
            return;
        }
        OffloadCapabilities offloads = _parts.Transports.Aggregate(
            _parts.Tun.Offloads, (common, transport) => common & transport.Traits.Offloads);
        ITunDevice device = _parts.Tun.Open(
            new TunOptions
            {
                Network = configuration.Name,
                Name = InterfaceName.For(configuration.Name),
                Configuration = network.DeviceConfiguration,
                Offloads = offloads,
            },
            _tunEvents);
        network.Attach(device, _driver, () => _driver.Now);
        network.OpenedAt = _driver.Now;
        Log.NetworkUp(
            _logger, configuration.Name, device.Name,
            string.Join(' ', OverlayNetwork.AddressesOf(configuration)), device.Mtu);
        Tell(EventKinds.NetworkUp, network, $"network {configuration.Name} is up on {device.Name}");
    }

    private void Close(OverlayNetwork network)
    {
        if (network.Device is not { } device)
            return;
        Log.NetworkDown(_logger, network.Configuration.Name, device.Name);
        Tell(EventKinds.NetworkDown, network, $"network {network.Configuration.Name} is gone from {device.Name}");
        network.Dispose();
    }

    private void TellFault(OverlayNetwork network, string text)
    {
        Log.NetworkFault(_logger, network.Configuration.Name, text);
        Tell(EventKinds.NetworkDown, network, $"network {network.Configuration.Name}: {text}", text);
    }

    private void Tell(string kind, OverlayNetwork network, string text, string reason = "") =>
        _parts.Events.Publish(kind, new EventFacts(text) { Network = network.Configuration.Name, Reason = reason });

    private void Change(OverlayNetwork network, NetworkConfiguration wanted, Instant now)
    {
        NetworkConfiguration before = network.Configuration;
        bool hasMoved = wanted.Prefix != before.Prefix || wanted.Prefix6 != before.Prefix6;
        network.Configuration = wanted;
        network.IsDirty = true;
        if (hasMoved && Local.Against(wanted) is not null)
            Close(network);
        if (network.Device is null)
            network.ReopenAt = default; // overdue: made again at the end of this turn, and again if that fails
        else if (wanted.Mtu != before.Mtu
            || !OverlayNetwork.AddressesOf(wanted).SequenceEqual(OverlayNetwork.AddressesOf(before)))
            Configure(network, now);
    }
}
