using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using VibePN.Contracts;
using VibePN.Engine.Configuration;

namespace VibePN.Simulation.Machines;

/// <summary>What an operator writes into a node's configuration, and what the node was ever allowed to own.</summary>
internal sealed class NodePlan(int number, Identity identity)
{
    /// <summary>Where all prefixes behind nodes lie.</summary>
    public static IpPrefix OutsideBlock { get; } = IpPrefix.Parse("172.16.0.0/12");

    /// <summary>The port at which daemons listen.</summary>
    public const string Port = ":51820";

    /// <summary>A port at which nobody listens: a dial of it fails at once.</summary>
    public const string ClosedPort = ":1";

    /// <summary>A port whose packets are lost: a dial of it fails when its time is up.</summary>
    public const string SilentPort = ":2";

    private static readonly NetworkRules s_outside = new()
    {
        Import = [new ImportRule { Prefixes = [new PrefixRange(OutsideBlock, 24, 24)], Outside = true }],
    };

    private readonly HashSet<(string Network, IpPrefix Prefix)> _everOwned = [];

    public SortedDictionary<string, NetworkPlan> Networks { get; } = new(StringComparer.Ordinal);

    public SortedDictionary<int, PeerPlan> Peers { get; } = [];

    /// <summary>After how long its connections are replaced.</summary>
    public TimeSpan RenewAfter { get; set; } = SessionConfiguration.Standard.RenewAfter;

    /// <summary>Where a machine is reached outside the overlay.</summary>
    public static IPEndPoint EndPointOf(int number) =>
        new(new IPAddress([198, 18, (byte)(number >> 8), (byte)number]), 51820);

    /// <summary>The configuration as the engine takes it. What it lets the node announce is remembered.</summary>
    public EngineConfiguration Build()
    {
        foreach ((string name, NetworkPlan network) in Networks)
        {
            foreach (IpPrefix prefix in network.Owned)
                _everOwned.Add((name, prefix));
        }
        return new EngineConfiguration
        {
            Identity = identity.Node,
            Listen = [EndPointOf(number)],
            Peers = [.. Peers.Where(pair => pair.Value.Present).Select(pair => Peer(pair.Key, pair.Value))],
            Networks = [.. Networks.Select(pair => Network(pair.Key, pair.Value))],
            Sessions = SessionConfiguration.Standard with { RenewAfter = RenewAfter },
        };
    }

    /// <summary>Whether the prefix was ever this node's to announce in the network.</summary>
    public bool EverOwned(string network, IpPrefix prefix) => _everOwned.Contains((network, prefix));

    /// <summary>Whether a packet with this source could rightly come from this node.</summary>
    public bool EverOwned(string network, IpAddress source)
    {
        foreach ((string candidate, IpPrefix prefix) in _everOwned)
        {
            if (candidate == network && prefix.Contains(source))
                return true;
        }
        return false;
    }

    private static PeerConfiguration Peer(int peer, PeerPlan plan) => new()
    {
        Name = NameOf(peer),
        Addresses = plan.Dial ? [.. plan.Ports.Select(port => NameOf(peer) + port)] : [],
        Fingerprint = plan.Pinned ? plan.Identity.Id : null,
        Networks = [.. plan.Networks.Order(StringComparer.Ordinal)],
    };

    public static string NameOf(int node) => string.Create(CultureInfo.InvariantCulture, $"node{node}");

    private static NetworkConfiguration Network(string name, NetworkPlan plan) => new()
    {
        Name = name,
        Prefix = plan.Prefix,
        Prefix6 = plan.Prefix6,
        Address = plan.Address,
        Address6 = plan.Address6,
        Export = true,
        Originate = [.. plan.Originate],
        Rules = plan.AllowsOutside ? s_outside : NetworkRules.None,
        Limits = RouteLimits.Standard with { PerPeer = plan.PerPeer },
        Damping = plan.Damping,
    };
}

/// <summary>A node's part in one network.</summary>
internal sealed class NetworkPlan
{
    public required IpPrefix Prefix { get; init; }

    public IpPrefix? Prefix6 { get; init; }

    public required IpAddress Address { get; set; }

    public IpAddress? Address6 { get; init; }

    /// <summary>Whether a rule lets in prefixes behind other nodes.</summary>
    public bool AllowsOutside { get; init; }

    /// <summary>Routes taken from one peer.</summary>
    public int PerPeer { get; init; } = 256;

    public bool Damping { get; init; }

    public List<IpPrefix> Originate { get; } = [];

    public IEnumerable<IpPrefix> Owned =>
        [IpPrefix.Host(Address), .. Address6 is { } v6 ? [IpPrefix.Host(v6)] : ImmutableArray<IpPrefix>.Empty, .. Originate];
}

/// <summary>What a node's configuration says about one peer.</summary>
internal sealed class PeerPlan
{
    public required Identity Identity { get; init; }

    /// <summary>Whether the node dials it.</summary>
    public bool Dial { get; init; }

    /// <summary>Where it is dialled, best first: its own port, and perhaps others that lead nowhere.</summary>
    public ImmutableArray<string> Ports { get; init; } = [NodePlan.Port];

    /// <summary>Whether its fingerprint stands in the configuration; else the first use decides.</summary>
    public bool Pinned { get; init; }

    /// <summary>Whether it stands in the configuration now.</summary>
    public bool Present { get; set; } = true;

    /// <summary>Whether the operator denied its certificate.</summary>
    public bool Denied { get; set; }

    public required SortedSet<string> Networks { get; init; }
}
