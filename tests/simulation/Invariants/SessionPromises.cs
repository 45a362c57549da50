using VibePN.Contracts;
using VibePN.Engine.Node;
using VibePN.Engine.Sessions;
using VibePN.Simulation.Machines;
using VibePN.Simulation.Network;
using VibePN.Simulation.World;

namespace VibePN.Simulation.Invariants;

/// <summary>What is promised about connections: one in use, the right one, drained and not cut, dead ones noticed.</summary>
internal sealed class SessionPromises(SimulatedWorld world)
{
    private const long DrainAtLeast = 150 * SimulatedWorld.Millisecond;
    private const long IdleBound = 16_200 * SimulatedWorld.Millisecond;
    private const long TrafficBound = 3_700 * SimulatedWorld.Millisecond;
    private const long Comparing = 600 * SimulatedWorld.Millisecond;

    // A connection that is taken back while it drains is asked at once and has a second to answer.
    private const long TakenBack = 1_500 * SimulatedWorld.Millisecond;

    // The shortest term that a question has: that of a probe, after a change of the network or below a rival.
    private const long NeverEarlier = 450 * SimulatedWorld.Millisecond;

    /// <summary>Looks at a node after a turn.</summary>
    /// <returns>Whether connections are others than after its last turn.</returns>
    public bool Check(MachineProcess process, ControlPlane plane)
    {
        ulong signature = 17;
        foreach (PeerMachine peer in plane.Peers)
        {
            if (peer.Connections.Count > PeerMachine.MaxConnections)
                Fail(process, "a peer has at most 8 connections", $"{peer.Connections.Count} to {peer.Configuration.Name}", peer);
            int inUse = 0;
            foreach (PeerConnection connection in peer.Connections)
            {
                signature = (signature * 31) + (ulong)connection.Transport.Id;
                if (connection.Phase == ConnectionPhase.Switchable)
                    inUse++;
                CheckConnection(process, peer, connection);
            }
            signature = (signature * 31) + (ulong)(peer.Active?.Transport.Id ?? 0);
            if (inUse > 1)
                Fail(process, "one connection per peer is in use", $"{inUse} to {peer.Configuration.Name} may carry packets", peer);
            if (peer.Active is { } active)
                CheckActive(process, peer, active);
        }
        bool changed = process.LastSignature != signature;
        process.LastSignature = signature;
        return changed;
    }

    /// <summary>An engine ends a connection.</summary>
    public void Closing(ModelConnection connection, CloseReason reason)
    {
        bool bothAlive = connection.Other is { Transport.IsAlive: true };
        bool honest = !connection.Target.IsLiar && !connection.Machine.IsLiar;
        SessionWatch watch = WatchOf(connection);
        if (reason.Code is CloseCode.ProtocolError or CloseCode.Internal or CloseCode.LimitExceeded && honest)
        {
            world.Break("honest nodes understand each other",
                $"{connection.Machine.Name} closes its connection to {connection.Target.Name}: {reason}.",
                connection.Machine.Number, connection.Target.Number);
        }
        if (reason.Code == CloseCode.Superseded && bothAlive
            && (watch.DrainingSince is not { } since || world.Now - since < DrainAtLeast))
        {
            world.Break("a connection is drained before it is closed",
                $"{connection.Machine.Name} closes a live connection to {connection.Target.Name} as superseded without draining it.",
                connection.Machine.Number, connection.Target.Number);
        }
        if (reason.Code == CloseCode.Dead && !WasPausedLately(connection.Machine) && connection.AnsweredQuestion is { } asked
            && connection.Machine.Process is { } process && process.Now.Nanoseconds - asked < NeverEarlier)
        {
            world.Break("timers are never early",
                $"{connection.Machine.Name} gives {connection.Target.Name} up {(process.Now.Nanoseconds - asked) / 1e9:0.00} s after a question that it answered.",
                connection.Machine.Number, connection.Target.Number);
        }
    }

    private void CheckConnection(MachineProcess process, PeerMachine peer, PeerConnection connection)
    {
        var transport = (ModelConnection)connection.Transport;
        SessionWatch watch = WatchOf(transport);
        if (peer.Active != connection)
            (watch.ActiveSince, watch.UnansweredSince) = (null, null);
        if (connection.Phase == ConnectionPhase.Draining && watch.DrainingSince is null)
        {
            watch.DrainingSince = world.Now;
            // Drained by choice: the one that took over ranks higher, by what both ends know alike.
            if (peer.Active is not { } active || RankOf(process, active).CompareTo(RankOf(process, connection)) <= 0)
            {
                Fail(process, "the higher rank wins",
                    $"drains {RankOf(process, connection)} to {peer.Configuration.Name} for {(peer.Active is { } kept ? RankOf(process, kept) : "nothing")}", peer);
            }
        }
        if (connection.IsConfirmed && process.Machine.Plan.Peers.TryGetValue(transport.Target.Number, out PeerPlan? plan) && plan.Denied)
            Fail(process, "a denied certificate has no session", $"{peer.Configuration.Name} is denied and connected", peer);
    }

    private void CheckActive(MachineProcess process, PeerMachine peer, PeerConnection active)
    {
        var transport = (ModelConnection)active.Transport;
        SessionWatch watch = WatchOf(transport);
        if (!watch.SeenActive)
        {
            watch.SeenActive = true;
            CheckPin(process, peer, transport);
        }
        watch.ActiveSince ??= world.Now;
        if (WasPausedLately(process.Machine) || (active.WasTakenBack && world.Now - watch.ActiveSince < TakenBack))
            return;
        // Whoever slept begins to count anew.
        long silence = world.Now - Math.Max(transport.LastDelivered, process.Machine.Resumed);
        if (silence > IdleBound)
            Fail(process, "a silent peer is given up in time", $"{peer.Configuration.Name} is silent for {silence / 1e9:0.0} s", peer);
        // The engine compares twice a second, so what goes out just after a sign of life counts as answered by it.
        bool sleptSince = watch.UnansweredSince < process.Machine.Resumed;
        if (watch.HeardAt != transport.LastDelivered || silence < Comparing || sleptSince)
        {
            (watch.HeardAt, watch.SentAtHeard, watch.UnansweredSince) = (transport.LastDelivered, transport.PacketsSent, null);
        }
        else if (transport.PacketsSent > watch.SentAtHeard)
        {
            watch.UnansweredSince ??= world.Now;
            if (world.Now - watch.UnansweredSince > TrafficBound)
                Fail(process, "a peer that is silent under traffic is given up in time", $"{peer.Configuration.Name} does not answer", peer);
        }
    }

    /// <summary>Whoever carries traffic is pinned, in the configuration or on disk.</summary>
    private void CheckPin(MachineProcess process, PeerMachine peer, ModelConnection transport)
    {
        if (peer.Configuration.Fingerprint is { } pin)
        {
            if (pin != transport.Peer)
                Fail(process, "trust is never widened", $"{peer.Configuration.Name} is connected with another certificate", peer);
            return;
        }
        bool pinned = process.Trust.List().Records.Any(record => record.State == TrustState.Pinned
            && record.Peer == peer.Configuration.Name && record.Fingerprint == transport.Peer);
        if (!pinned)
            Fail(process, "a pin is durable before traffic flows", $"{peer.Configuration.Name} carries traffic and is not pinned", peer);
    }

    private bool WasPausedLately(Machine machine) => machine.IsPaused || world.Now - machine.Resumed < 5 * SimulatedWorld.Second;

    // The order of docs/wire-format.md §4, worked out anew.
    private static (bool ByPreferred, ulong Sequence) RankOf(MachineProcess process, PeerConnection connection)
    {
        Fingerprint initiator = connection.Transport.Role == ConnectionRole.Initiator ? process.Machine.Id : connection.Transport.Peer;
        Fingerprint other = initiator == process.Machine.Id ? connection.Transport.Peer : process.Machine.Id;
        return (initiator.CompareTo(other) < 0, connection.Sequence);
    }

    private void Fail(MachineProcess process, string promise, string text, PeerMachine peer)
    {
        int other = process.Machine.Network.Find(peer.Identity ?? default)?.Number ?? -1;
        world.Break(promise, $"{process.Machine.Name}: {text}.", process.Machine.Number, other);
    }

    private static SessionWatch WatchOf(ModelConnection connection)
    {
        connection.Watch ??= new SessionWatch();
        return (SessionWatch)connection.Watch;
    }

    private sealed class SessionWatch
    {
        public long? DrainingSince { get; set; }

        public bool SeenActive { get; set; }

        public long? ActiveSince { get; set; }

        public long HeardAt { get; set; }

        public long SentAtHeard { get; set; }

        public long? UnansweredSince { get; set; }
    }
}
