using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Sessions;
using VibePN.Engine.Time;
using VibePN.Engine.Trust;

namespace VibePN.Engine.Node;

/// <summary>Takes the picture that operators see. Runs on the control thread.</summary>
internal static class StatusReport
{
    /// <summary>Everything, sorted.</summary>
    /// <param name="plane">The node.</param>
    /// <param name="trust">The trust plugins, for their health.</param>
    /// <param name="clock">Says whether the wall clock can be believed.</param>
    /// <param name="now">The time.</param>
    /// <param name="utcNow">The same moment on the wall clock, for the operator's eyes.</param>
    public static EngineStatus Take(
        ControlPlane plane, ImmutableArray<ITrustPlugin> trust, ClockGuard clock, Instant now, DateTimeOffset utcNow)
    {
        return new EngineStatus(
            now - plane.Started,
            [.. plane.Peers.Select(peer => Peer(peer, plane.Started, now, utcNow))],
            [.. plane.Networks.All.Select(network => Network(network, plane))],
            [.. plane.Networks.All.SelectMany(network => Routes(network, plane, now, utcNow))],
            [.. Warnings(plane, trust, clock.Warning(utcNow), now)])
        {
            Offloads = [.. Offloads(plane)],
        };
    }

    private static IEnumerable<string> Offloads(ControlPlane plane)
    {
        foreach (ITransportPlugin transport in plane.Transports.Where(transport => transport.OffloadText.Length > 0))
            yield return $"{transport.Traits.Scheme}: {transport.OffloadText}";
        foreach (OverlayNetwork network in plane.Networks.All.Where(network => network.Device is { OffloadText.Length: > 0 }))
            yield return $"network {network.Configuration.Name}: {network.Device!.OffloadText}";
    }

    /// <summary>What a peer's connection is doing, in one word.</summary>
    public static string StateOf(PeerMachine peer) => peer.Active is not null ? "up"
        : peer.IsDialling || peer.Connections.Count > 0 ? "connecting"
        : !peer.Configuration.Addresses.IsEmpty ? "waiting" : "idle";

    /// <summary>A peer as the list has it.</summary>
    public static PeerStatus Peer(PeerMachine peer, Instant started, Instant now, DateTimeOffset utcNow)
    {
        PeerConnection? active = peer.Active;
        return new PeerStatus
        {
            Name = peer.Configuration.Name,
            Id = peer.Identity,
            Addresses = peer.Configuration.Addresses,
            State = StateOf(peer),
            Networks = peer.Configuration.Networks,
            LastSeen = peer.LastHeard is { } heard ? utcNow - (now - heard) : null,
            Since = active is not null ? utcNow - (now - active.Since) : null,
            Role = active?.Transport.Role,
            Connections = peer.Connections.Count,
            Path = active?.Transport.Path,
            Counters = active?.Transport.GetStatistics() ?? default,
            LastError = peer.LastError,
            SampledAt = now - started,
            NextDial = peer.NextDial is { } next ? Max(next - now, TimeSpan.Zero) : null,
        };
    }

    private static NetworkStatus Network(OverlayNetwork network, ControlPlane plane)
    {
        string name = network.Configuration.Name;
        return new NetworkStatus
        {
            Name = name,
            Device = network.Device?.Name ?? "",
            Mtu = network.Device?.Mtu ?? network.Configuration.Mtu,
            Addresses = OverlayNetwork.AddressesOf(network.Configuration),
            Originate = network.Configuration.Originate,
            PeersUp = plane.Peers.Count(peer => peer.Active?.TryFind(name, out _) == true),
            PacketsOut = network.Port?.Sent.Packets ?? 0,
            BytesOut = network.Port?.Sent.Bytes ?? 0,
            PacketsIn = network.Port?.Received.Packets ?? 0,
            BytesIn = network.Port?.Received.Bytes ?? 0,
            Drops = network.Port is { } port ? DropCounters.Sum(port.SentDrops, port.ReceivedDrops) : [],
            Error = network.Error,
        };
    }

    /// <summary>The accepted routes of a network.</summary>
    public static IEnumerable<RouteStatus> Routes(OverlayNetwork network, ControlPlane plane, Instant now, DateTimeOffset utcNow)
    {
        var names = new Dictionary<Fingerprint, string>();
        foreach (PeerMachine peer in plane.Peers)
        {
            if (peer.Identity is { } identity)
                names[identity] = peer.Configuration.Name;
        }
        foreach (RouteCandidate candidate in network.Routes.Candidates(now))
        {
            Instant expires = network.Routes.ExpiryOf(candidate.NextHop);
            yield return new RouteStatus(
                network.Configuration.Name,
                candidate,
                names.GetValueOrDefault(candidate.NextHop, ""),
                IsBest(network.Lookup, candidate),
                expires == Instant.Never ? null : utcNow + (expires - now));
        }
    }

    /// <summary>Asks the table that packets use, with the last address of the prefix.</summary>
    private static bool IsBest(IRouteLookup? lookup, RouteCandidate candidate)
    {
        if (lookup is null)
            return false;
        PacketKey[] key = [new PacketKey(default, candidate.Prefix.Last, 0, 0, 0, 0)];
        var group = new ushort[1];
        lookup.Find(key, group);
        return lookup.Groups[group[0]].Hops.Any(hop => hop.Peer == candidate.NextHop);
    }

    private static IEnumerable<string> Warnings(
        ControlPlane plane, ImmutableArray<ITrustPlugin> trust, string? clockWarning, Instant now)
    {
        if (clockWarning is not null)
            yield return clockWarning;
        foreach (OverlayNetwork network in plane.Networks.All)
        {
            if (network.Error.Length > 0)
                yield return $"network {network.Configuration.Name}: {network.Error}";
            if (network.TableFault.Length > 0)
                yield return $"network {network.Configuration.Name}: the routing policy failed, and the last good table stays: {network.TableFault}";
            foreach (string taken in network.Device is null ? [] : plane.Networks.Local.TakenBy(network.Configuration))
                yield return $"network {network.Configuration.Name}: {taken}";
            foreach (string warning in plane.Claims.Warnings(network))
                yield return warning;
            foreach (string warning in NearLimits(network, plane))
                yield return warning;
        }
        if (plane.Networks.Local.Fault.Length > 0)
            yield return $"the machine's own routes are not known: {plane.Networks.Local.Fault}";
        foreach (PeerMachine peer in plane.Peers.Where(peer => peer.IsCloned(now)))
        {
            yield return $"peer {peer.Configuration.Name}: two daemons use its certificate; the one that is connected is kept. "
                + "End the other, or give it a certificate of its own";
        }
        foreach (ConfigurationWarning warning in plane.ConfigurationWarnings)
            yield return warning.ToString();
        foreach (ITrustPlugin plugin in trust)
        {
            TrustListing listing = plugin.List();
            if (!listing.Healthy)
                yield return $"trust store: {listing.HealthText}";
            int pending = listing.Records.Count(record => record.State == TrustState.Pending);
            if (pending > 0)
                yield return $"{pending} unknown certificate{(pending == 1 ? "" : "s")} pending: nobody configured or pinned them";
            foreach (TrustRecord record in listing.Records.Where(record => record.State == TrustState.Conflict))
            {
                yield return $"conflict: peer {record.Peer} showed certificate {record.Fingerprint} and is pinned to another one, "
                    + $"which stays: vpnctl trust show {record.Peer}";
            }
        }
    }

    private static IEnumerable<string> NearLimits(OverlayNetwork network, ControlPlane plane)
    {
        RouteLimits limits = network.Configuration.Limits;
        foreach (PeerMachine peer in plane.Peers)
        {
            int count = peer.Identity is { } identity ? network.Routes.CountFrom(identity) : 0;
            if (limits.IsNear(count))
                yield return $"peer {peer.Configuration.Name} has {count} of the {limits.PerPeer} routes it may announce in {network.Configuration.Name} (limits.per_peer)";
        }
    }

    private static TimeSpan Max(TimeSpan left, TimeSpan right) => left > right ? left : right;
}
