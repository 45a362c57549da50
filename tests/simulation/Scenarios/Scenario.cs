using System.Collections.Immutable;
using System.Globalization;
using VibePN.Contracts;
using VibePN.Simulation.Machines;
using VibePN.Simulation.Network;
using VibePN.Simulation.World;

namespace VibePN.Simulation.Scenarios;

/// <summary>What can go wrong in a run.</summary>
internal enum Fault
{
    Crash,
    GracefulRestart,
    Pause,
    Isolate,
    Halves,
    OneWay,
    Flap,
    LossBurst,
    Break,
    Breaker,
    WallJump,
    DiskFull,
    TunRemoved,
    Renumber,
    Originate,
    PeerRemoved,
    MembershipChanged,
    Deny,
    LinkEvent,
    LostAnnouncement,
}

/// <summary>Everything about a run that its seed decides beforehand.</summary>
internal sealed class Scenario
{
    private static readonly string[] s_names = ["alpha", "beta", "gamma"];

    private Scenario(WeatherReport weather) => Weather = weather;

    public required int Nodes { get; init; }

    public WeatherReport Weather { get; }

    /// <summary>How long things go wrong, in virtual nanoseconds.</summary>
    public required long FaultPhase { get; init; }

    /// <summary>Mean time between two faults, in nanoseconds.</summary>
    public required long FaultEvery { get; init; }

    public required Fault[] Faults { get; init; }

    /// <summary>Members that lie.</summary>
    public required int[] Liars { get; init; }

    /// <summary>Whether machines notice when the network is whole again.</summary>
    public required bool LinkEvents { get; init; }

    /// <summary>Mean time between two packets of one node, in nanoseconds.</summary>
    public required long PacketEvery { get; init; }

    /// <summary>Most parts per million that a clock is off.</summary>
    public required int Drift { get; init; }

    /// <summary>Time over which the daemons first start.</summary>
    public required long StartSpread { get; init; }

    /// <summary>Draws a run.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="nodes">How many nodes, or 0 to let the seed decide.</param>
    public static Scenario From(long seed, int nodes = 0)
    {
        Draw draw = Draw.For(seed, "scenario");
        int count = draw.Between(3, draw.Chance(0.3) ? 16 : 7);
        if (nodes > 0)
            count = nodes;
        Draw weather = Draw.For(seed, "weather");
        bool rough = weather.Chance(0.5);
        Draw faults = Draw.For(seed, "faults");
        Draw liars = Draw.For(seed, "liars");
        bool hasLiars = liars.Chance(0.35);
        // Routes live for 210 s without a word: only a long and calm run with a liar sees one end.
        bool isLong = draw.Chance(hasLiars ? 0.3 : 0.05);
        double faultShare = isLong && hasLiars ? 0.15 : 0.45;
        return new Scenario(Weathers(weather, rough))
        {
            Nodes = count,
            FaultPhase = isLong
                ? draw.Time(260_000, 400_000) : draw.Time(20_000, draw.Chance(0.3) ? 150_000 : 60_000),
            FaultEvery = draw.Time(500, 15_000),
            Faults = [.. Enum.GetValues<Fault>().Where(_ => faults.Chance(faultShare))],
            Liars = hasLiars ? [.. liars.Shuffle(Enumerable.Range(0, count)).Take(count > 6 ? 2 : 1)] : [],
            LinkEvents = draw.Chance(0.5),
            PacketEvery = draw.Time(100, 1_500),
            Drift = draw.Chance(0.5) ? draw.Between(0, 500) : 0,
            StartSpread = draw.Chance(0.5) ? draw.Time(0, 10) : draw.Time(100, 20_000),
        };
    }

    /// <summary>Draws who is a member of what, and who knows whom.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="identities">Every node's certificate.</param>
    public static NodePlan[] Plans(long seed, Identity[] identities)
    {
        Draw draw = Draw.For(seed, "plans");
        Draw rules = Draw.For(seed, "rules");
        Draw sessions = Draw.For(seed, "sessions");
        bool areRenewed = sessions.Chance(0.4);
        int networks = draw.Between(1, s_names.Length);
        NodePlan[] plans = [.. identities.Select((identity, i) => new NodePlan(i, identity))];
        for (int network = 0; network < networks; network++)
        {
            bool both = draw.Chance(0.3);
            double share = network == 0 ? 1 : draw.Share();
            for (int node = 0; node < plans.Length; node++)
            {
                if (draw.Chance(share))
                    plans[node].Networks.Add(s_names[network], Part(rules, network, node, both));
            }
        }
        foreach (NodePlan plan in plans)
        {
            if (areRenewed)
                plan.RenewAfter = TimeSpan.FromSeconds(sessions.Between(10, 60));
        }
        double edges = plans.Length <= 6 ? 0.6 + (0.5 * draw.Share()) : 0.25 + (0.75 * draw.Share());
        for (int left = 0; left < plans.Length; left++)
        {
            for (int right = left + 1; right < plans.Length; right++)
            {
                if (draw.Chance(edges) || right == left + 1)
                    Acquaint(draw, sessions, identities, plans, left, right);
            }
        }
        return plans;
    }

    /// <summary>A host address of a network that depends on the node, and on how often it was numbered anew.</summary>
    public static IpAddress AddressOf(int network, int node, int generation) => IpAddress.FromV4(
        (uint)((10 << 24) | ((41 + network) << 16) | (generation << 8) | (node + 1)));

    /// <summary>The network's place in the list of all.</summary>
    public static int IndexOf(string network) => Array.IndexOf(s_names, network);

    private static NetworkPlan Part(Draw rules, int network, int node, bool both) => new()
    {
        Prefix = IpPrefix.Parse(string.Create(CultureInfo.InvariantCulture, $"10.{41 + network}.0.0/16")),
        Prefix6 = both ? IpPrefix.Parse(string.Create(CultureInfo.InvariantCulture, $"fd{41 + network}::/64")) : null,
        Address = AddressOf(network, node, 0),
        AllowsOutside = rules.Chance(0.7),
        PerPeer = rules.Chance(0.3) ? 6 : 256,
        Damping = rules.Chance(0.5),
        Address6 = both ? IpAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"fd{41 + network}::{node + 1:x}")) : null,
    };

    private static void Acquaint(Draw draw, Draw sessions, Identity[] identities, NodePlan[] plans, int left, int right)
    {
        SortedSet<string> common = new(plans[left].Networks.Keys.Intersect(plans[right].Networks.Keys), StringComparer.Ordinal);
        if (common.Count == 0)
            return;
        int who = draw.Below(10);
        bool leftDials = who < 8;
        bool rightDials = who is < 6 or >= 8;
        // A first use is only where one dials, and the answering side has to know whom it answers.
        bool leftPins = !leftDials || draw.Chance(0.75);
        bool rightPins = !rightDials || !leftPins || draw.Chance(0.85);
        plans[left].Peers.Add(right, new PeerPlan
        {
            Identity = identities[right], Dial = leftDials, Pinned = leftPins, Networks = Named(draw, plans[left], common), Ports = Ports(sessions),
        });
        plans[right].Peers.Add(left, new PeerPlan
        {
            Identity = identities[left], Dial = rightDials, Pinned = rightPins, Networks = Named(draw, plans[right], common), Ports = Ports(sessions),
        });
    }

    // One address is usual; others may come before it, and lead nowhere.
    private static ImmutableArray<string> Ports(Draw draw) => draw.Below(8) switch
    {
        0 => [NodePlan.ClosedPort, NodePlan.Port],
        1 => [NodePlan.SilentPort, NodePlan.Port],
        2 => [NodePlan.Port, NodePlan.SilentPort, NodePlan.ClosedPort],
        _ => [NodePlan.Port],
    };

    // The two ends need not agree on the peer's networks: each numbers what it names, and only common ones count.
    private static SortedSet<string> Named(Draw draw, NodePlan plan, SortedSet<string> common)
    {
        SortedSet<string> named = new(common, StringComparer.Ordinal);
        foreach (string network in plan.Networks.Keys)
        {
            if (draw.Chance(0.3))
                named.Add(network);
        }
        if (named.Count > 1 && draw.Chance(0.2))
            named.Remove(draw.Pick([.. named]));
        return named;
    }

    private static WeatherReport Weathers(Draw draw, bool rough) => new()
    {
        FastestMs = draw.Chance(0.5) ? 0.1 : 5,
        SlowestMs = rough ? 5 + (draw.Share() * 300) : 5 + (draw.Share() * 30),
        JitterMs = draw.Share() * (rough ? 40 : 2),
        Loss = rough ? draw.Share() * 0.12 : draw.Chance(0.5) ? draw.Share() * 0.01 : 0,
        Duplication = rough && draw.Chance(0.5) ? draw.Share() * 0.1 : 0,
        Reordering = rough && draw.Chance(0.5) ? draw.Share() * 0.2 : 0,
        ReorderMs = draw.Share() * 500,
        StatelessReset = draw.Chance(0.5),
        QueueFull = draw.Chance(0.2) ? 0.01 : 0,
    };
}
