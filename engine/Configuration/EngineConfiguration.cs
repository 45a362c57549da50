using System.Collections.Immutable;
using System.Net;
using VibePN.Contracts;

namespace VibePN.Engine.Configuration;

/// <summary>Everything the engine is told: already checked by the host, free of files and text.</summary>
public sealed record EngineConfiguration
{
    /// <summary>Who we are.</summary>
    public required NodeIdentity Identity { get; init; }

    /// <summary>Where to accept connections.</summary>
    public required ImmutableArray<IPEndPoint> Listen { get; init; }

    /// <summary>The peers, in the file's order. Names are unique.</summary>
    public required ImmutableArray<PeerConfiguration> Peers { get; init; }

    /// <summary>The networks, sorted by name. Names are unique.</summary>
    public required ImmutableArray<NetworkConfiguration> Networks { get; init; }

    /// <summary>How connections are kept.</summary>
    public SessionConfiguration Sessions { get; init; } = SessionConfiguration.Standard;
}

/// <summary>The <c>[sessions]</c> table.</summary>
public sealed record SessionConfiguration
{
    /// <summary>What holds when nothing is written.</summary>
    public static SessionConfiguration Standard { get; } = new();

    /// <summary>A connection is replaced by a new one, with new keys, after this long at the latest; 2 min to 24 h.</summary>
    public TimeSpan RenewAfter { get; init; } = TimeSpan.FromMinutes(60);

    /// <summary>How long peers are asked to keep our routes when the daemon stops, in whole seconds; 0 to 120 s.</summary>
    public TimeSpan RestartHold { get; init; } = TimeSpan.FromSeconds(120);
}

/// <summary>One <c>[[peers]]</c> entry.</summary>
public sealed record PeerConfiguration
{
    /// <summary>The operator's label.</summary>
    public required string Name { get; init; }

    /// <summary>Where to dial, each <c>host:port</c>, best first; empty: this peer dials us.</summary>
    public ImmutableArray<string> Addresses { get; init; } = [];

    /// <summary>The enforced certificate pin, or null: the trust plugin's pins decide.</summary>
    public Fingerprint? Fingerprint { get; init; }

    /// <summary>Names of the networks the peer is a member of. Enforced.</summary>
    public ImmutableArray<string> Networks { get; init; } = [];
}

/// <summary>One <c>[networks.NAME]</c> table.</summary>
public sealed record NetworkConfiguration
{
    /// <summary>The name, <c>[a-z0-9._-]{1,32}</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The IPv4 subnet that all members share, or null.</summary>
    public IpPrefix? Prefix { get; init; }

    /// <summary>The IPv6 subnet that all members share, or null. One of the two is there.</summary>
    public IpPrefix? Prefix6 { get; init; }

    /// <summary>Our IPv4 address inside <see cref="Prefix"/>; null when there is no IPv4 subnet. For "auto" the first candidate.</summary>
    public IpAddress? Address { get; init; }

    /// <summary>Our IPv6 address inside <see cref="Prefix6"/>; null when there is no IPv6 subnet. For "auto" the first candidate.</summary>
    public IpAddress? Address6 { get; init; }

    /// <summary>Whether <see cref="Address"/> is "auto": the engine may move to a later candidate when another node has it.</summary>
    public bool AddressIsAuto { get; init; }

    /// <summary>Whether <see cref="Address6"/> is "auto".</summary>
    public bool Address6IsAuto { get; init; }

    /// <summary>Whether the network may take packets from networks that this machine reaches without it.</summary>
    public OverlapRule Overlap { get; init; }

    /// <summary>The same with the automatic addresses that are in use, where nothing else was decided about them.</summary>
    /// <param name="present">What the network is at present.</param>
    internal NetworkConfiguration KeepAddressesOf(NetworkConfiguration present) => this with
    {
        Address = AddressIsAuto && present.AddressIsAuto && Prefix == present.Prefix ? present.Address : Address,
        Address6 = Address6IsAuto && present.Address6IsAuto && Prefix6 == present.Prefix6 ? present.Address6 : Address6,
    };

    /// <summary>Whether peers are told our own host addresses.</summary>
    public bool Export { get; init; }

    /// <summary>Prefixes behind this node that peers are told.</summary>
    public ImmutableArray<IpPrefix> Originate { get; init; } = [];

    /// <summary>Metric and tag of originated prefixes, for those that have one; sorted by prefix.</summary>
    public ImmutableArray<OriginateDetail> OriginateDetails { get; init; } = [];

    /// <summary>Which announcements are taken, and which prefixes are announced.</summary>
    public NetworkRules Rules { get; init; } = NetworkRules.None;

    /// <summary>How many routes are taken.</summary>
    public RouteLimits Limits { get; init; } = RouteLimits.Standard;

    /// <summary>Whether routes that come and go too often are left unused for a while.</summary>
    public bool Damping { get; init; } = true;

    /// <summary>Most next hops of equal standing that one prefix uses at once, 1 to 8.</summary>
    public int MaxPaths { get; init; } = 1;

    /// <summary>Interface MTU in bytes.</summary>
    public int Mtu { get; init; } = 1380;

    /// <summary>Whether TCP connections that begin are held to segments that fit <see cref="Mtu"/>.</summary>
    public bool MssClamp { get; init; } = true;
}

/// <summary>Whether a network may take packets from networks that this machine reaches by itself (<c>overlap</c>).</summary>
public enum OverlapRule
{
    /// <summary>It is not opened.</summary>
    Refuse = 0,

    /// <summary>It is, and <c>vpnctl status</c> names what it takes.</summary>
    Allow = 1,
}
