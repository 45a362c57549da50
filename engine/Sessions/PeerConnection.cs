using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Routes;
using VibePN.Engine.Time;

namespace VibePN.Engine.Sessions;

/// <summary>How far a connection's own handshake (after TLS's) has come.</summary>
internal enum ConnectionPhase
{
    /// <summary>Responder: nothing heard yet.</summary>
    AwaitingHello,

    /// <summary>Initiator: Hello sent.</summary>
    AwaitingHelloAck,

    /// <summary>Responder: HelloAck sent.</summary>
    AwaitingConfirm,

    /// <summary>Initiator: Confirm sent.</summary>
    AwaitingReady,

    /// <summary>The other end is known to receive on this connection: it may become, or is, the active one.</summary>
    Switchable,

    /// <summary>Another connection took over; this one only receives.</summary>
    Draining,
}

/// <summary>A network agreed on for one connection: both ends' numbers for it.</summary>
/// <param name="Network">Our configuration of it.</param>
/// <param name="OurNumber">What stands in packets and messages that we send.</param>
/// <param name="TheirNumber">What stands in packets and messages that the peer sends.</param>
internal readonly record struct AgreedNetwork(NetworkConfiguration Network, byte OurNumber, byte TheirNumber);

/// <summary>One authenticated connection to a peer, as far as the session protocol knows it. Owned by its <see cref="PeerMachine"/>.</summary>
internal sealed class PeerConnection(ITransportConnection transport, ulong sequence, Random random, Instant now)
{
    /// <summary>The transport's end of it.</summary>
    public ITransportConnection Transport { get; } = transport;

    /// <summary>The initiator's number of this dial; a responder learns it from Hello.</summary>
    public ulong Sequence { get; set; } = sequence;

    /// <summary>Which start of the peer's daemon this connection belongs to; 0 until it said so.</summary>
    public ulong PeerInstance { get; set; }

    /// <summary>How far it has come.</summary>
    public ConnectionPhase Phase { get; set; } = transport.Role == ConnectionRole.Initiator
        ? ConnectionPhase.AwaitingHelloAck
        : ConnectionPhase.AwaitingHello;

    /// <summary>When we last told the peer which networks we are in: what was agreed on is as old as that.</summary>
    public Instant AgreedAt { get; set; } = now;

    /// <summary>When it came up.</summary>
    public Instant Since { get; } = now;

    /// <summary>When it is closed unless something happens before.</summary>
    public Instant Deadline { get; set; } = now + SessionTimes.HelloTimeout;

    /// <summary>Whether the peer said that it sends no more packets here.</summary>
    public bool PeerDrained { get; set; }

    /// <summary>Whether it was in use again after a Drain. The peer's Drain may then be older than that, and proves nothing.</summary>
    public bool WasTakenBack { get; private set; }

    /// <summary>What came on the control stream.</summary>
    public ControlIntake Intake { get; } = new();

    /// <summary>Whether the peer hears us.</summary>
    public Liveness Liveness { get; } = new(random, now);

    /// <summary>The part of the renewal interval after which this connection is renewed, so that not all are at once.</summary>
    public double RenewalShare { get; } = 0.9 + (0.1 * random.NextDouble());

    /// <summary>Items of route messages that the peer may still send without their counting as changes.</summary>
    public int FreeRouteItems { get; private set; }

    /// <summary>Networks both ends are in; empty until Hello or HelloAck.</summary>
    public IReadOnlyList<AgreedNetwork> Networks { get; set; } = [];

    /// <summary>Whether we began it.</summary>
    public bool IsOurs => Transport.Role == ConnectionRole.Initiator;

    /// <summary>Whether the session protocol is through, so that route messages are welcome.</summary>
    public bool IsConfirmed => Phase is ConnectionPhase.Switchable or ConnectionPhase.Draining;

    /// <summary>A full set is due for each network: as many items as the limits let the peer have are free.</summary>
    public void ExpectFullSets() => FreeRouteItems = Networks.Sum(agreed => RouteGuard.MaxEntries(agreed.Network.Limits));

    /// <summary>Counts items of a route message.</summary>
    /// <returns>How many of them are not free.</returns>
    public int CountRouteItems(int items)
    {
        int free = Math.Min(items, FreeRouteItems);
        FreeRouteItems -= free;
        return items - free;
    }

    /// <summary>What took over has failed: this one carries packets again.</summary>
    public void TakeBack()
    {
        Phase = ConnectionPhase.Switchable;
        Deadline = Instant.Never;
        WasTakenBack = true;
    }

    /// <summary>The agreed network that the peer calls by this number.</summary>
    public bool TryFindTheirs(byte number, out AgreedNetwork network)
    {
        foreach (AgreedNetwork candidate in Networks)
        {
            if (candidate.TheirNumber == number)
            {
                network = candidate;
                return true;
            }
        }
        network = default;
        return false;
    }

    /// <summary>The agreed network of this name.</summary>
    public bool TryFind(string name, out AgreedNetwork network)
    {
        foreach (AgreedNetwork candidate in Networks)
        {
            if (candidate.Network.Name == name)
            {
                network = candidate;
                return true;
            }
        }
        network = default;
        return false;
    }

    /// <summary>Its place in the order that both ends choose by.</summary>
    public ConnectionRank RankFor(Fingerprint self)
    {
        bool selfPreferred = self < Transport.Peer;
        return new ConnectionRank(selfPreferred == IsOurs, Sequence);
    }
}
