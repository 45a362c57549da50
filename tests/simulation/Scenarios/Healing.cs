using VibePN.Contracts;
using VibePN.Engine.Sessions;
using VibePN.Simulation.Invariants;
using VibePN.Simulation.Machines;
using VibePN.Simulation.Network;
using VibePN.Simulation.World;

namespace VibePN.Simulation.Scenarios;

/// <summary>The second half of a run: nothing goes wrong any more, and all that is permitted must work in time.</summary>
internal sealed class Healing(
    SimulatedWorld world, ModelNetwork network, Scenario scenario, WorldMonitor monitor, FaultDriver faults, Liar[] liars, Traffic traffic)
{
    private const long Quiet = 5 * SimulatedWorld.Second;

    /// <summary>15 s to notice a loss, 30 s of back-off, and what round trips and a restart take.</summary>
    private const long Bound = 50 * SimulatedWorld.Second;

    private const long BoundWithEvents = 20 * SimulatedWorld.Second;

    private const int Tries = 5;

    /// <summary>Heals, waits for as long as is allowed, and looks.</summary>
    public void Run()
    {
        foreach (Liar liar in liars)
            liar.End();
        faults.Heal(HasTrustTrouble);
        long healed = world.Now;
        world.RunUntil(healed + (scenario.LinkEvents ? BoundWithEvents : Bound));
        if (world.Broken is null)
            Reach(healed);
        if (world.Broken is null)
            CountConnections();
    }

    /// <summary>Whether two nodes may, and can, exchange packets in a network.</summary>
    public static bool IsPermitted(Machine left, Machine right, string name) =>
        Knows(left, right, name) && Knows(right, left, name) && (Dials(left, right) || Dials(right, left));

    private static bool Knows(Machine node, Machine peer, string name) =>
        node.Plan.Networks.ContainsKey(name)
        && node.Plan.Peers.TryGetValue(peer.Number, out PeerPlan? plan) && plan is { Present: true, Denied: false }
        && plan.Networks.Contains(name) && (plan.Pinned || Believes(node, peer));

    // A first use needs a clock that is right: one that once stood years ahead makes today look wrong.
    private static bool Believes(Machine node, Machine peer) => node.Process is { } process
        && (process.Node.Gate.Clock.Warning(node.Clock.GetUtcNow()) is null
            || process.Trust.List().Records.Any(record => record.State == TrustState.Pinned && record.Fingerprint == peer.Id));

    private static bool Dials(Machine node, Machine peer) => node.Plan.Peers[peer.Number].Dial;

    private bool HasTrustTrouble(Machine machine) => machine.Process?.Node.Plane?.Peers
        .Any(peer => peer.LastError.Contains("Trust", StringComparison.Ordinal) || peer.NextDial is { } next && next - machine.Process.Now > TimeSpan.FromSeconds(30)) == true;

    private IEnumerable<(Machine From, Machine To, string Network)> Permitted()
    {
        foreach (Machine from in network.Machines)
        {
            foreach (int peer in from.Plan.Peers.Keys)
            {
                foreach (string name in from.Plan.Networks.Keys)
                {
                    if (IsPermitted(from, network.Machines[peer], name))
                        yield return (from, network.Machines[peer], name);
                }
            }
        }
    }

    private void Reach(long healed)
    {
        (Machine From, Machine To, string Network)[] open = [.. Permitted()];
        for (int i = 0; i < Tries && open.Length > 0 && world.Broken is null; i++)
        {
            var sent = open.Select(pair => (Pair: pair, Number: traffic.Send(
                pair.From, pair.To, pair.Network, destination: pair.To.Plan.Networks[pair.Network].Address))).ToArray();
            world.RunUntil(world.Now + SimulatedWorld.Second);
            open = [.. sent.Where(one => !monitor.Ledger.WasDelivered(one.Number)).Select(one => one.Pair)];
        }
        if (open.Length > 0)
        {
            (Machine from, Machine to, string name) = open[0];
            world.Break("everybody reaches everybody after healing",
                $"{from.Name} does not reach {to.Name} in {name} {(world.Now - healed) / 1e9:0} s after healing, and {open.Length - 1} more. {Describe(from, to)} {Held(from, to, name)} {Describe(to, from)} {Held(to, from, name)}",
                from.Number, to.Number);
        }
    }

    private void CountConnections()
    {
        long began = world.Now;
        world.RunUntil(began + Quiet);
        foreach (Machine machine in network.Machines)
        {
            foreach (PeerMachine peer in machine.Process?.Node.Plane?.Peers ?? [])
            {
                Machine? other = network.Machines.FirstOrDefault(one => one.Name == peer.Configuration.Name);
                if (other is null || world.Broken is not null || !machine.Plan.Networks.Keys.Any(name => IsPermitted(machine, other, name)))
                    continue;
                WaitForRenewal(peer);
                LookAtPair(machine, other, peer);
                int dials = monitor.Dials.Since(machine.Number, other.Number, world.Now - Quiet);
                if (dials > 1 + (Quiet / SimulatedWorld.Second))
                    Fail(machine, other, "no storm of dials", $"{dials} dials in {Quiet / 1e9} s");
            }
        }
    }

    // While a connection is replaced there are two, for as long as a handshake and draining take.
    private void WaitForRenewal(PeerMachine peer)
    {
        for (int i = 0; i < 40 && peer is { Active: not null, Connections.Count: > 1 } && world.Broken is null; i++)
            world.RunUntil(world.Now + (SimulatedWorld.Second / 4));
    }

    private void LookAtPair(Machine machine, Machine other, PeerMachine peer)
    {
        ModelConnection? active = peer.Active?.Transport as ModelConnection;
        if (peer.Connections.Count != 1 || active is null)
            Fail(machine, other, "one connection per pair remains", $"{peer.Connections.Count} connections");
        else if (active.Other is { } end && end.State != ConnectionState.Open)
            Fail(machine, other, "one connection per pair remains", "the other end is not the same");
        else if (active.WaitingSince is { } since && world.Now - since > Quiet)
            Fail(machine, other, "queues drain", $"a message waits for {(world.Now - since) / 1e9:0.0} s");
        else
            CompareTables(machine, other, peer);
    }

    /// <summary>What a node holds of a peer's routes is what the peer has to announce: nothing less, nothing of the past.</summary>
    private void CompareTables(Machine machine, Machine other, PeerMachine peer)
    {
        foreach ((string name, NetworkPlan plan) in other.Plan.Networks)
        {
            if (!IsPermitted(machine, other, name))
                continue;
            IpPrefix[] held = [.. machine.Process!.Node.Plane!.Networks.Find(name)!.Routes.AcceptedFrom(other.Id).Order()];
            NetworkPlan own = machine.Plan.Networks[name];
            IpPrefix[] owned = [.. plan.Owned.Where(prefix => own.AllowsOutside || !NodePlan.OutsideBlock.Contains(prefix)).Order()];
            // What lies behind a node may be damped; its own addresses are the only way to it and are not.
            bool complete = own.Damping
                ? owned.Where(prefix => !NodePlan.OutsideBlock.Contains(prefix)).All(held.Contains)
                : owned.Length == held.Length;
            if (!complete || held.Except(owned).Any())
            {
                Fail(machine, other, "tables hold what peers announce",
                    $"{machine.Name} holds {string.Join(' ', held)} of {peer.Configuration.Name} in {name}, which announces {string.Join(' ', owned)}");
            }
        }
    }

    private static string Describe(Machine from, Machine to)
    {
        PeerMachine? peer = from.Process?.Node.Plane?.Peers.FirstOrDefault(one => one.Configuration.Name == to.Name);
        if (peer is null)
            return $"{from.Name} does not run or know it.";
        string wait = peer.NextDial is { } next ? $"dials in {(next - from.Process!.Now).TotalSeconds:0.0} s" : peer.IsDialling ? "is dialling" : "does not dial";
        return $"{from.Name}: {peer.Connections.Count} connections [{string.Join(',', peer.Connections.Select(one => one.Phase))}], active {peer.Active is not null}, {wait}, last '{peer.LastError}'.";
    }

    // Who announces the other's address to this node, and what became of it.
    private static string Held(Machine machine, Machine other, string name)
    {
        if (machine.Process?.Node.Plane?.Networks.Find(name) is not { } network)
            return "";
        IpAddress address = other.Plan.Networks[name].Address;
        IEnumerable<string> known = network.Routes.Known().Where(route => route.Prefix.Contains(address)).Select(route =>
            $"{machine.Network.Find(route.Peer)?.Name ?? "a stranger"}: {route.Judgement.Verdict.Reason} {route.Judgement.Verdict.Text}");
        return $"It knows {address} from [{string.Join("; ", known)}], interface {(network.Port is null ? "missing" : "there")}.";
    }

    private void Fail(Machine machine, Machine other, string promise, string text) =>
        world.Break(promise, $"{machine.Name} and {other.Name}: {text}. {Describe(machine, other)} {Describe(other, machine)}", machine.Number, other.Number);
}
