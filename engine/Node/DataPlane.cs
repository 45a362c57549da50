using System.Collections.Immutable;
using System.Net;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine.Events;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Policy;
using VibePN.Engine.Sessions;
using VibePN.Engine.Time;

namespace VibePN.Engine.Node;

/// <summary>Publishes what packets read: compiled tables for the way out, ports with source checks for the way back.</summary>
/// <remarks>
/// Runs on the control thread; packets see each change as one volatile read of an immutable object. Changes of one
/// turn of the control loop are published together.
/// </remarks>
internal sealed class DataPlane(
    NetworkSet networks, PolicySlot policy, InboundPorts inboundPorts, ILogger logger, Instant now, RouteEvents? events = null)
{
    // A policy whose tables last no time must not keep the control thread busy; facts change once a second anyway.
    private static readonly TimeSpan ShortestLifetime = TimeSpan.FromSeconds(1);

    private readonly Dictionary<long, PeerConnection> _ready = [];
    private TokenBucket _faultLines = new(perSecond: 1, burst: 10, now);

    /// <summary>When <see cref="Publish"/> wants to be called next.</summary>
    public Instant NextTimer => networks.All.Aggregate(Instant.Never, (next, network) => Instant.Min(next, network.LookupEnds));

    /// <summary>A connection has agreed on its networks: packets from it are welcome.</summary>
    public void OnConnectionReady(PeerConnection connection)
    {
        _ready[connection.Transport.Id] = connection;
        PublishInbound(connection);
    }

    /// <summary>A connection is no longer used.</summary>
    public void OnConnectionGone(PeerConnection connection)
    {
        _ready.Remove(connection.Transport.Id);
        inboundPorts.Remove(connection.Transport);
    }

    /// <summary>Packets to a peer take another connection from now on, or none. Effective at once.</summary>
    public void OnActiveChanged(PeerMachine peer)
    {
        foreach (OverlayNetwork network in networks.All)
        {
            Connect(network, peer);
            network.IsDirty = true;
        }
    }

    /// <summary>Compiles and publishes what has changed since the last call.</summary>
    public void Publish(IReadOnlyCollection<PeerMachine> peers, Instant now)
    {
        bool published = false;
        foreach (OverlayNetwork network in networks.All)
        {
            if (!network.IsDirty && now < network.LookupEnds)
                continue;
            network.IsDirty = false;
            published = true;
            foreach (PeerMachine peer in peers)
                Connect(network, peer);
            ImmutableArray<RouteCandidate> candidates = network.Routes.Candidates(now);
            network.KeepPorts([.. peers.Select(peer => peer.Identity ?? default)]);
            Compile(network, candidates, peers, now);
            UpdateKernelRoutes(network, candidates, OutsideAddresses(peers), now);
        }
        if (!published)
            return;
        foreach (PeerConnection connection in _ready.Values)
            PublishInbound(connection);
    }

    /// <summary>Brings a member's port up to date: its connection, and the sources it may use.</summary>
    private static void Connect(OverlayNetwork network, PeerMachine peer)
    {
        if (peer.Identity is not { } identity || network.PortOf(identity) is not { } port)
            return;
        ActiveConnection? active = peer.Active is { } connection
            && connection.TryFind(network.Configuration.Name, out AgreedNetwork agreed)
                ? new ActiveConnection(connection.Transport, agreed.OurNumber)
                : null;
        if (port.Active != active)
            port.Active = active;
        network.AllowSources(port);
    }

    private void Compile(
        OverlayNetwork network, ImmutableArray<RouteCandidate> candidates, IReadOnlyCollection<PeerMachine> peers, Instant now)
    {
        string name = network.Configuration.Name;
        ImmutableArray<PeerFacts> members = [.. peers
            .Where(peer => peer.Identity is not null && peer.Configuration.Networks.Contains(name))
            .Select(peer => RouteExchange.FactsOf(peer, now))
            .OrderBy(facts => facts.Id)];
        try
        {
            RouteSnapshot snapshot = network.Snapshot(candidates, members);
            // A policy that has just taken over compiled for this very moment when it was tried.
            IRouteLookup? ready = network.Ready;
            network.Ready = null;
            IRouteLookup lookup = ready ?? CheckedPolicy.Compile(policy.Current, snapshot);
            network.LookupEnds = lookup.Lifetime is { } lifetime
                ? now + (lifetime > ShortestLifetime ? lifetime : ShortestLifetime)
                : Instant.Never;
            network.Use(lookup, snapshot, now);
            events?.Tell(name, network.Told, candidates, now);
            network.Told = candidates;
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // A policy's fault of any kind leaves the last good table; the exception itself is not kept.
            if (_faultLines.TryTake(now))
                Log.PolicyFault(logger, name, exception.Message);
            if (network.LookupEnds <= now)
                network.LookupEnds = now + ShortestLifetime;
            network.TableFault = exception.Message;
            // Peers and addresses may have changed even so.
            if (network.Lookup is { } last)
                network.Resolve(last);
        }
    }

    /// <summary>Prefixes behind peers, outside our own subnets, have to be known to the kernel too.</summary>
    private void UpdateKernelRoutes(
        OverlayNetwork network, ImmutableArray<RouteCandidate> candidates, HashSet<IpAddress> outsideAddresses, Instant now)
    {
        if (network.Device is null)
            return;
        ImmutableArray<IpPrefix> outside = [.. candidates
            .Select(candidate => candidate.Prefix)
            .Where(prefix => network.Configuration.Prefix?.Contains(prefix) != true
                && network.Configuration.Prefix6?.Contains(prefix) != true)
            .Distinct()
            .Where(prefix => !CoversPeer(network, prefix, outsideAddresses, now))
            .Order()];
        if (outside.SequenceEqual(network.KernelRoutes))
            return;
        network.KernelRoutes = outside;
        networks.Configure(network, now);
    }

    /// <summary>Where peers are reached outside the overlay, as far as addresses and not names tell.</summary>
    private static HashSet<IpAddress> OutsideAddresses(IReadOnlyCollection<PeerMachine> peers)
    {
        var addresses = new HashSet<IpAddress>();
        foreach (PeerMachine peer in peers)
        {
            foreach (PeerConnection connection in peer.Connections)
                addresses.Add(AddressOf(connection.Transport.Path.Remote));
            foreach (string address in peer.Configuration.Addresses)
            {
                if (IPEndPoint.TryParse(address, out IPEndPoint? configured))
                    addresses.Add(AddressOf(configured));
            }
        }
        return addresses;

        static IpAddress AddressOf(IPEndPoint endpoint) => IpAddress.FromBytes(
            (endpoint.Address.IsIPv4MappedToIPv6 ? endpoint.Address.MapToIPv4() : endpoint.Address).GetAddressBytes());
    }

    /// <summary>Whether the kernel, given this prefix, would send the overlay's own packets to a peer into the overlay.</summary>
    private bool CoversPeer(OverlayNetwork network, IpPrefix prefix, HashSet<IpAddress> outsideAddresses, Instant now)
    {
        foreach (IpAddress address in outsideAddresses)
        {
            if (!prefix.Contains(address))
                continue;
            if (_faultLines.TryTake(now))
                Log.CoversPeer(logger, prefix, network.Configuration.Name, address);
            return true;
        }
        return false;
    }

    private void PublishInbound(PeerConnection connection)
    {
        Fingerprint peer = connection.Transport.Peer;
        ImmutableArray<(byte, PeerPort?)> numbers =
            [.. connection.Networks.Select(agreed => (
                Planted.Is(PlantedDefect.NetworkNumbersMixedUp) ? agreed.OurNumber : agreed.TheirNumber,
                networks.Find(agreed.Network.Name)?.PortOf(peer)))];
        inboundPorts.Set(connection.Transport, new InboundPort(numbers));
    }
}
