using System.Buffers.Binary;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Control;
using VibePN.Engine.Node;
using VibePN.Engine.Sessions;
using VibePN.Simulation.Machines;
using VibePN.Simulation.Network;
using VibePN.Simulation.World;

namespace VibePN.Simulation.Invariants;

/// <summary>What is promised about routes: authorised, alive, not too old, and looked up as a slow search would.</summary>
internal sealed class RoutePromises(SimulatedWorld world)
{
    private const long Lifetime = 212 * SimulatedWorld.Second;
    private static readonly TimeSpan HeldAtMost = TimeSpan.FromSeconds(121);
    private const long Settling = 2 * SimulatedWorld.Second;

    private static readonly IpPrefix[] s_martians =
        [IpPrefix.Parse("0.0.0.0/8"), IpPrefix.Parse("127.0.0.0/8"), IpPrefix.Parse("224.0.0.0/3"), IpPrefix.Parse("ff00::/8")];

    private readonly Dictionary<(int Node, int Peer, string Network), Seen> _seen = [];
    private readonly Draw _samples = world.Stream("samples");

    /// <summary>Lookups compared with the slow search.</summary>
    public long Compared { get; private set; }

    /// <summary>A control message is handed to an engine.</summary>
    public void Heard(ModelConnection connection, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length >= 3 && bytes[2] is (byte)'A' or (byte)'E' or (byte)'I')
            connection.RoutesHeard = world.Now;
        if (bytes.Length >= 11 && bytes[2] == (byte)'k')
            connection.AnsweredQuestion = BinaryPrimitives.ReadInt64BigEndian(bytes[3..]);
    }

    /// <summary>Looks at a node after a turn.</summary>
    public void Check(MachineProcess process, ControlPlane plane, bool changed)
    {
        long versions = 0;
        foreach (OverlayNetwork network in plane.Networks.All)
            versions += network.Routes.Version + (network.Lookup is null ? 0 : 1_000_003);
        changed |= versions != process.LastVersions;
        process.LastVersions = versions;
        if (changed || world.Now - process.LastFullCheck > SimulatedWorld.Second)
        {
            process.LastFullCheck = world.Now;
            foreach (OverlayNetwork network in plane.Networks.All)
                CheckNetwork(process, plane, network);
        }
        if (changed || _samples.Below(64) == 0)
            Compare(process, plane);
    }

    private void CheckNetwork(MachineProcess process, ControlPlane plane, OverlayNetwork network)
    {
        int sum = 0;
        foreach (PeerMachine peer in plane.Peers)
        {
            if (peer.Identity is not { } identity)
                continue;
            int entries = network.Routes.EntriesFrom(identity);
            int accepted = network.Routes.CountFrom(identity);
            sum += accepted;
            if (entries > 0 && peer.Connections.Count == 0 && peer.LostAt is { } lost && process.Now - lost > HeldAtMost)
                Fail(process, "held routes are gone after 120 s", $"{entries} routes of {peer.Configuration.Name} are kept", identity);
            if (entries > 0 && peer.Connections.Count == 0 && !peer.AreRoutesHeld(process.Now))
                Fail(process, "routes of a lost session are gone", $"{entries} routes of {peer.Configuration.Name} outlive its session", identity);
            if (entries > Engine.Routes.RouteGuard.MaxEntries(network.Configuration.Limits))
                Fail(process, "a peer's routes are capped", $"{entries} of {peer.Configuration.Name}", identity);
            if (accepted > network.Configuration.Limits.PerPeer)
                Fail(process, "a peer's routes are capped", $"{accepted} of {peer.Configuration.Name} are taken", identity);
            if (accepted > 0)
                CheckAccepted(process, peer, network, identity);
            CheckPresence(process, peer, network, identity, accepted);
        }
        if (sum != network.Routes.Count)
            Fail(process, "every route has a peer that may announce it", $"{network.Routes.Count - sum} routes in {network.Configuration.Name} belong to nobody", default);
    }

    private void CheckAccepted(MachineProcess process, PeerMachine peer, OverlayNetwork network, Fingerprint identity)
    {
        string name = network.Configuration.Name;
        Machine? from = process.Machine.Network.Find(identity);
        if (from is null || !peer.Configuration.Networks.Contains(name))
        {
            Fail(process, "every route has a peer that may announce it", $"{peer.Configuration.Name} is no member of {name}", identity);
            return;
        }
        foreach (IpPrefix prefix in network.Routes.AcceptedFrom(identity))
        {
            bool rightly = from.IsLiar ? MayBeBelieved(prefix, network.Configuration) : from.Plan.EverOwned(name, prefix);
            // What lies outside the shared subnet needs a rule, whoever announces it.
            rightly &= network.Configuration.Rules.Import.Length > 0 || !NodePlan.OutsideBlock.Contains(prefix);
            if (!rightly)
                Fail(process, "every route was its sender's to announce", $"{prefix} of {peer.Configuration.Name} in {name}", identity);
        }
        if (peer.Active is { Transport: ModelConnection transport } && transport.RoutesHeard > 0 && world.Now - transport.RoutesHeard > Lifetime
            && !process.Machine.IsPaused && world.Now - process.Machine.Resumed > 5 * SimulatedWorld.Second)
        {
            Fail(process, "routes that nobody confirms expire",
                $"{peer.Configuration.Name} said nothing about its routes for {(world.Now - transport.RoutesHeard) / 1e9:0} s", identity);
        }
    }

    // What no policy may let in, worked out anew: our own, martians, and blocks of the shared subnet.
    private static bool MayBeBelieved(IpPrefix prefix, NetworkConfiguration network)
    {
        if (prefix.Length == 0 || s_martians.Any(martian => martian.Overlaps(prefix)))
            return false;
        if ((network.Address is { } own && prefix.Contains(own)) || (network.Address6 is { } own6 && prefix.Contains(own6)))
            return false;
        if (network.Originate.Any(ours => ours.Contains(prefix)))
            return false;
        return prefix.IsHost || !(network.Prefix is { } subnet && subnet.Overlaps(prefix));
    }

    /// <summary>The routes of a live and honest session never vanish for a moment.</summary>
    private void CheckPresence(MachineProcess process, PeerMachine peer, OverlayNetwork network, Fingerprint identity, int accepted)
    {
        Machine? from = process.Machine.Network.Find(identity);
        if (from is null || from.IsLiar)
            return;
        string name = network.Configuration.Name;
        (int, int, string) key = (process.Machine.Number, from.Number, name);
        int lives = process.Life * 1_000 + from.Lives;
        bool shared = peer.Active?.TryFind(name, out _) == true && peer.Configuration.Networks.Contains(name);
        _seen.TryGetValue(key, out Seen before);
        _seen[key] = new Seen(accepted, shared, lives);
        bool quiet = world.Now - process.Machine.Changed > Settling
            && !from.WasReshaped(world.Now - (30 * SimulatedWorld.Second));
        // A network that keeps an announcement back is made up for by the next digest.
        quiet &= peer.Active is not { Transport: ModelConnection { Other.HasKeptBack: true } };
        if (before.Accepted > 0 && accepted == 0 && before.Shared && shared && before.Lives == lives && quiet
            && from.Plan.Networks.TryGetValue(name, out NetworkPlan? plan) && !IsContested(network, from, plan))
            Fail(process, "a live session's routes never vanish", $"all routes of {peer.Configuration.Name} in {name} are gone", identity);
    }

    // A member that claims somebody's address contests it: the loser's announcement is refused, and remembered.
    private static bool IsContested(OverlayNetwork network, Machine owner, NetworkPlan plan) =>
        network.Routes.Has(owner.Id, IpPrefix.Host(plan.Address))
        && owner.Network.Machines.Any(liar => liar.Lies(network.Configuration.Name, plan.Address));

    private void Compare(MachineProcess process, ControlPlane plane)
    {
        Span<ushort> groups = stackalloc ushort[1];
        foreach (OverlayNetwork network in plane.Networks.All)
        {
            if (network.Port is not { } port || network.Lookup is null)
                continue;
            var candidates = network.Routes.Candidates(process.Now);
            for (int i = 0; i < 2; i++)
            {
                IpAddress destination = candidates.Length > 0 && i == 0
                    ? candidates[_samples.Below(candidates.Length)].Prefix.Last
                    : process.Machine.Network.Machines[_samples.Below(process.Machine.Network.Machines.Count)]
                        .Plan.Networks.GetValueOrDefault(network.Configuration.Name)?.Address ?? default;
                if (destination.Family == IpFamily.None)
                    continue;
                Compared++;
                Fingerprint? expected = Search(candidates, plane, network.Configuration.Name, destination);
                port.Table.Lookup.Find([new PacketKey(default, destination, 17, 1, 1, 0)], groups);
                NextHopGroup group = port.Table.Lookup.Groups[groups[0]];
                Fingerprint? found = group.Hops.IsEmpty ? null : group.Hops[0].Peer;
                if (expected != found)
                {
                    Fail(process, "a lookup is what a slow search finds",
                        $"{destination} in {network.Configuration.Name} goes to {NameOf(found)}, not to {NameOf(expected)}", found ?? expected ?? default);
                }

                string NameOf(Fingerprint? hop) => hop is { } id
                    ? process.Machine.Network.Find(id)?.Name ?? "a stranger" : "nobody";
            }
        }
    }

    private static Fingerprint? Search(IEnumerable<RouteCandidate> candidates, ControlPlane plane, string network, IpAddress destination)
    {
        RouteCandidate? best = null;
        foreach (RouteCandidate candidate in candidates)
        {
            if (!candidate.Prefix.Contains(destination))
                continue;
            PeerMachine? peer = plane.Peers.FirstOrDefault(one => one.Identity == candidate.NextHop);
            if (peer is null || !peer.Configuration.Networks.Contains(network) || (peer.Active is null && !candidate.Stale))
                continue;
            if (best is null || IsBetter(candidate, best))
                best = candidate;
        }
        return best?.NextHop;
    }

    private static bool IsBetter(RouteCandidate left, RouteCandidate right)
    {
        if (left.Prefix.Length != right.Prefix.Length)
            return left.Prefix.Length > right.Prefix.Length;
        if (left.Stale != right.Stale)
            return right.Stale;
        if (left.Preference != right.Preference)
            return left.Preference > right.Preference;
        return left.Metric != right.Metric ? left.Metric < right.Metric : left.NextHop < right.NextHop;
    }

    private void Fail(MachineProcess process, string promise, string text, Fingerprint other)
    {
        int peer = process.Machine.Network.Find(other)?.Number ?? -1;
        world.Break(promise, $"{process.Machine.Name}: {text}.", process.Machine.Number, peer);
    }

    private readonly record struct Seen(int Accepted, bool Shared, int Lives);
}
