using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Packets;
using VibePN.Engine.Policy;
using VibePN.Engine.Routes;
using VibePN.Engine.Runtime;
using VibePN.Engine.Time;
using VibePN.Prefixes;

namespace VibePN.Engine.Node;

/// <summary>One overlay network of this node: its interface, its routes, and the ways packets take.</summary>
/// <remarks>Owned by the control thread. Without an interface it still keeps what peers announced.</remarks>
internal sealed class OverlayNetwork(NetworkConfiguration configuration) : IDisposable
{
    private readonly Dictionary<Fingerprint, PeerPort> _ports = [];
    private readonly Dictionary<Fingerprint, long> _sourcesOf = []; // the version of the routes whose sources a port allows
    private RouteTable _routes = new();
    private OutboundPath? _outbound;
    private IDisposable? _pump;

    /// <summary>What the operator wrote.</summary>
    public NetworkConfiguration Configuration { get; set; } = configuration;

    /// <summary>The interface, or null while there is none.</summary>
    public ITunDevice? Device { get; private set; }

    /// <summary>What packets see of the network, or null while there is no interface.</summary>
    public NetworkPort? Port { get; private set; }

    /// <summary>Where packets to and from each member go; empty while there is no interface.</summary>
    public IReadOnlyDictionary<Fingerprint, PeerPort> Ports => _ports;

    /// <summary>Why the network does not work, or empty.</summary>
    public string Error { get; set; } = "";

    /// <summary>Whether it is closed because it would take packets from a network this machine is attached to.</summary>
    public bool IsBlocked { get; set; }

    /// <summary>When a lost interface is to be made again; never while there is one.</summary>
    public Instant ReopenAt { get; set; } = Instant.Never;

    /// <summary>When the present or last interface was made.</summary>
    public Instant OpenedAt { get; set; }

    /// <summary>How long the last try to make it again was waited for.</summary>
    public TimeSpan ReopenWait { get; set; }

    /// <summary>When an interface that could not be configured is to be configured again; otherwise never.</summary>
    public Instant ConfigureAt { get; set; } = Instant.Never;

    /// <summary>How long the last try to configure it again was waited for; zero when the last one worked.</summary>
    public TimeSpan ConfigureWait { get; set; }

    /// <summary>What peers announced.</summary>
    public RouteTable Routes
    {
        get => _routes;
        set
        {
            _routes = value;
            _sourcesOf.Clear(); // versions of different tables say nothing of each other
        }
    }

    /// <summary>Which of them come and go too often.</summary>
    public FlapDamping Damping { get; set; } = new();

    /// <summary>The version of the routes at which those were last judged again.</summary>
    public long DampedJudgedAt { get; set; }

    /// <summary>The version of the routes at which those that only a limit keeps out were last judged again.</summary>
    public long LimitsJudgedAt { get; set; } = -1;

    /// <summary>The last table the policy compiled.</summary>
    public IRouteLookup? Lookup { get; set; }

    /// <summary>When the policy wants to compile again though nothing has changed: it waits for a time to pass.</summary>
    public Instant LookupEnds { get; set; } = Instant.Never;

    /// <summary>What <see cref="Lookup"/> was compiled from, or null while there is none.</summary>
    public RouteSnapshot? Compiled { get; private set; }

    /// <summary>When that was.</summary>
    public Instant CompiledAt { get; private set; }

    /// <summary>The routes that operators were last told of as events; kept while there is no interface.</summary>
    public ImmutableArray<RouteCandidate> Told { get; set; } = [];

    /// <summary>Why the table is older than the routes, or empty.</summary>
    public string TableFault { get; set; } = "";

    /// <summary>A table that the policy has compiled already for the routes as they are, to be published next.</summary>
    public IRouteLookup? Ready { get; set; }

    /// <summary>Whether something changed that packets must see.</summary>
    public bool IsDirty { get; set; } = true;

    /// <summary>Prefixes outside our subnets that the kernel sends into the interface.</summary>
    public ImmutableArray<IpPrefix> KernelRoutes { get; set; } = [];

    /// <summary>Our own addresses.</summary>
    public ImmutableArray<IpAddress> OwnAddresses => [.. AddressesOf(Configuration).Select(address => address.Address)];

    /// <summary>The interface's configuration as it should be now.</summary>
    public TunConfiguration DeviceConfiguration => new()
    {
        Addresses = AddressesOf(Configuration),
        Mtu = Configuration.Mtu,
        Routes = KernelRoutes,
    };

    /// <summary>Our addresses, in the form the interface takes.</summary>
    public static ImmutableArray<InterfaceAddress> AddressesOf(NetworkConfiguration configuration)
    {
        ImmutableArray<InterfaceAddress>.Builder addresses = ImmutableArray.CreateBuilder<InterfaceAddress>();
        if (configuration is { Address: { } v4, Prefix: { } subnet })
            addresses.Add(new InterfaceAddress(v4, subnet.Length));
        if (configuration is { Address6: { } v6, Prefix6: { } subnet6 })
            addresses.Add(new InterfaceAddress(v6, subnet6.Length));
        return addresses.ToImmutable();
    }

    /// <summary>Gives the network an interface and begins to read it.</summary>
    public void Attach(ITunDevice device, IEngineDriver driver, Func<Instant> clock)
    {
        Device = device;
        Port = new NetworkPort(Configuration.Name, device);
        _outbound = new OutboundPath(Port, TunPump.BatchPackets, clock);
        _pump = driver.StartPump(device, _outbound);
        Error = "";
        ReopenAt = Instant.Never;
        IsDirty = true;
    }

    /// <summary>Stops reading and closes the interface. The network may be given another one later.</summary>
    public void Dispose()
    {
        Port?.Close();
        _pump?.Dispose();
        _pump = null;
        _outbound = null;
        Device = null;
        Port = null;
        Lookup = null;
        LookupEnds = Instant.Never;
        Compiled = null;
        Ready = null;
        ConfigureAt = Instant.Never;
        ConfigureWait = default;
        _ports.Clear();
        _sourcesOf.Clear();
        IsDirty = true;
    }

    /// <summary>The port of a member; made when first asked for; null while there is no interface.</summary>
    public PeerPort? PortOf(Fingerprint peer)
    {
        if (Port is not { } network)
            return null;
        if (!_ports.TryGetValue(peer, out PeerPort? port))
            _ports.Add(peer, port = new PeerPort(peer, network));
        return port;
    }

    /// <summary>Lets a member send from every prefix that is accepted from it now.</summary>
    public void AllowSources(PeerPort port)
    {
        long version = Routes.VersionOf(port.Peer);
        if (_sourcesOf.TryGetValue(port.Peer, out long allowed) && allowed == version)
            return;
        port.AllowedSources = PrefixSet.Of([.. Routes.AcceptedFrom(port.Peer)]);
        _sourcesOf[port.Peer] = version;
    }

    /// <summary>Forgets the ports of peers that are gone from the configuration.</summary>
    public void KeepPorts(HashSet<Fingerprint> peers)
    {
        foreach (Fingerprint gone in _ports.Keys.Where(peer => !peers.Contains(peer)).ToArray())
        {
            _ports.Remove(gone);
            _sourcesOf.Remove(gone);
        }
    }

    /// <summary>Lets routes be changed, and notes whether packets must see it.</summary>
    public void ChangeRoutes(Action<RouteTable> change)
    {
        long version = Routes.Version;
        change(Routes);
        IsDirty |= version != Routes.Version && !Planted.Is(PlantedDefect.StaleTablePublished);
    }

    /// <summary>All that is known at present, for the policy.</summary>
    public RouteSnapshot Snapshot(ImmutableArray<RouteCandidate> candidates, ImmutableArray<PeerFacts> members) =>
        new(Routes.Version, Configuration.Name, candidates, members, Configuration.MaxPaths);

    /// <summary>Lets packets use a table from now on.</summary>
    public void Use(IRouteLookup lookup, RouteSnapshot snapshot, Instant now)
    {
        Compiled = snapshot;
        CompiledAt = now;
        TableFault = "";
        Resolve(lookup);
    }

    /// <summary>Resolves a table's next hops anew, after peers, addresses or the MTU changed.</summary>
    public void Resolve(IRouteLookup lookup)
    {
        int tcpMtu = Configuration.MssClamp ? Configuration.Mtu : MssClamp.NoLimit;
        if (Port is { } port)
            port.Table = ForwardingTable.Create(lookup, _ports, OwnAddresses, Configuration.Originate, tcpMtu);
        Lookup = lookup;
    }

    /// <summary>What could be announced: our host addresses and what lies behind us, as candidates for the export policy.</summary>
    public IEnumerable<RouteCandidate> OwnRoutes(Fingerprint self)
    {
        foreach (IpAddress address in OwnAddresses)
            yield return Own(IpPrefix.Host(address), RouteSource.Connected, default);
        foreach (IpPrefix prefix in Configuration.Originate)
        {
            OriginateDetail detail = Configuration.OriginateDetails.FirstOrDefault(detail => detail.Prefix == prefix);
            yield return Own(prefix, RouteSource.Static, detail);
        }

        RouteCandidate Own(IpPrefix prefix, RouteSource source, OriginateDetail detail) => new()
        {
            Prefix = prefix,
            NextHop = self,
            Origin = self,
            Metric = detail.Metric,
            Source = source,
            Tags = detail.Tag is { } tag ? [tag] : [],
        };
    }
}
