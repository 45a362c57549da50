using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Sessions;
using VibePN.Engine.Time;

namespace VibePN.Engine.Tests.Sessions;

/// <summary>Two nodes that list each other, over a thousand seeded histories each.</summary>
public sealed class PeerMachineTests
{
    private const int Seeds = 1_000;

    [Fact]
    public void Two_nodes_that_dial_each_other_at_once_end_with_one_connection_and_never_with_none()
    {
        int collisions = 0;
        for (int seed = 0; seed < Seeds; seed++)
        {
            var lab = new SessionLab(seed);
            lab.A.Machine.DialSoon(default);
            lab.B.Machine.DialSoon(default);
            lab.RunUntil(TimeSpan.FromSeconds(10));
            AssertOneConnection(lab, seed);
            Assert.False(lab.A.LeftWithout || lab.B.LeftWithout, $"seed {seed}: a node was left without a connection");
            Assert.True(lab.A.Switches <= 2 && lab.B.Switches <= 2, $"seed {seed}: more than one switch");
            collisions += lab.A.Switches + lab.B.Switches > 2 ? 1 : 0;
        }
        Assert.True(collisions > 20, $"only {collisions} of {Seeds} histories had a switch: the test tests nothing");
    }

    [Fact]
    public void Lost_dials_are_repeated_until_there_is_one_connection()
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            var lab = new SessionLab(seed) { DialLoss = 0.4 };
            lab.RunUntil(TimeSpan.FromSeconds(300));
            AssertOneConnection(lab, seed);
        }
    }

    [Fact]
    public void A_broken_connection_is_replaced_by_exactly_one()
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            var lab = new SessionLab(seed);
            lab.RunUntil(TimeSpan.FromSeconds(5));
            ((LabConnection)lab.A.Machine.Active!.Transport).Break(TimeSpan.FromMilliseconds(100));
            lab.RunUntil(TimeSpan.FromSeconds(20));
            AssertOneConnection(lab, seed);
        }
    }

    [Fact]
    public void A_drained_connection_carries_on_when_the_one_that_took_over_fails_at_once()
    {
        int caught = 0;
        for (int seed = 0; seed < Seeds; seed++)
        {
            var lab = new SessionLab(seed);
            lab.A.Machine.DialSoon(default);
            lab.B.Machine.DialSoon(default);
            for (int ms = 1; ms < 1_000 && !HasMovedAlone(lab.A, lab.B); ms++)
                lab.RunUntil(TimeSpan.FromMilliseconds(ms));
            if (!HasMovedAlone(lab.A, lab.B))
                continue;
            caught++;
            ((LabConnection)lab.A.Machine.Active!.Transport).Break(TimeSpan.Zero);
            lab.RunUntil((lab.Now - default(Instant)) + TimeSpan.FromSeconds(10));
            Assert.False(lab.A.LeftWithout || lab.B.LeftWithout, $"seed {seed}: a node was left without a connection");
            AssertOneConnection(lab, seed);
        }
        Assert.True(caught > 20, $"only {caught} of {Seeds} histories had one node move before the other");
    }

    [Fact]
    public void A_restarted_node_replaces_its_ghost_within_five_seconds()
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            var lab = new SessionLab(seed);
            lab.RunUntil(TimeSpan.FromSeconds(5));
            lab.B.Kill();
            lab.RunUntil(TimeSpan.FromSeconds(6));
            lab.B.Restart();
            lab.RunUntil(TimeSpan.FromSeconds(11));
            AssertOneConnection(lab, seed);
        }
    }

    [Fact]
    public void A_peer_that_sends_nonsense_is_closed_and_dialled_again()
    {
        var lab = new SessionLab(1);
        lab.RunUntil(TimeSpan.FromSeconds(5));
        PeerConnection before = lab.A.Machine.Active!;
        lab.A.Machine.OnControl(before.Transport, [0, 1, 0x7F], lab.Now);
        Assert.DoesNotContain(before, lab.A.Machine.Connections);
        Assert.Contains("ProtocolError", lab.A.Machine.LastError, StringComparison.Ordinal);
        lab.RunUntil(TimeSpan.FromSeconds(15));
        AssertOneConnection(lab, seed: 1);
    }

    [Fact]
    public void A_second_hello_closes_the_connection()
    {
        var lab = new SessionLab(2);
        lab.RunUntil(TimeSpan.FromSeconds(5));
        PeerConnection active = lab.A.Machine.Active!;
        // Hello, minor 1, instance 1, dial 1, no networks.
        lab.A.Machine.OnControl(
            active.Transport, [0, 19, (byte)'H', 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0], lab.Now);
        Assert.DoesNotContain(active, lab.A.Machine.Connections);
        Assert.Contains("Hello out of order", lab.A.Machine.LastError, StringComparison.Ordinal);
    }

    [Fact]
    public void A_responder_that_hears_no_hello_closes_after_two_seconds()
    {
        var lab = new SessionLab(3);
        lab.A.Kill();
        var silent = new LabConnection(lab, lab.B, lab.A, ConnectionRole.Responder, lab.B.Life);
        silent.Other = new LabConnection(lab, lab.A, lab.B, ConnectionRole.Initiator, lab.A.Life);
        lab.B.Machine.OnConnected(silent, 0, lab.Now);
        Assert.Single(lab.B.Machine.Connections);
        lab.B.Machine.OnTimer(default(Instant) + TimeSpan.FromSeconds(2), lab.NextId);
        Assert.Empty(lab.B.Machine.Connections);
        Assert.Contains("HelloTimeout", lab.B.Machine.LastError, StringComparison.Ordinal);
    }

    [Fact]
    public void Goodbye_closes_every_connection_and_dialling_goes_on()
    {
        var lab = new SessionLab(4);
        lab.RunUntil(TimeSpan.FromSeconds(5));
        Assert.Equal(1, lab.A.Machine.CloseAll(CloseCode.Goodbye, "goodbye", lab.Now));
        Assert.Null(lab.A.Machine.Active);
        lab.RunUntil(TimeSpan.FromSeconds(15));
        AssertOneConnection(lab, seed: 4);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void After_a_change_of_the_network_a_broken_connection_is_replaced_within_three_seconds(bool atA)
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            var lab = new SessionLab(seed);
            lab.RunUntil(TimeSpan.FromSeconds(5));
            var broken = (LabConnection)lab.A.Machine.Active!.Transport;
            broken.Silence();
            broken.Other.Silence();
            // Only one end sees its network change; the other one must not hold on to what is gone.
            (atA ? lab.A : lab.B).Machine.OnNetworkChanged(lab.Now);
            lab.RunUntil(TimeSpan.FromSeconds(8));
            Assert.NotSame(broken, lab.A.Machine.Active?.Transport);
            Assert.NotSame(broken.Other, lab.B.Machine.Active?.Transport);
            lab.RunUntil(TimeSpan.FromSeconds(12));
            AssertOneConnection(lab, seed);
        }
    }

    [Fact]
    public void A_change_of_the_network_that_breaks_nothing_costs_nothing()
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            var lab = new SessionLab(seed);
            lab.RunUntil(TimeSpan.FromSeconds(5));
            PeerConnection before = lab.A.Machine.Active!;
            lab.A.Machine.OnNetworkChanged(lab.Now);
            lab.B.Machine.OnNetworkChanged(lab.Now);
            lab.RunUntil(TimeSpan.FromSeconds(10));
            Assert.Same(before, lab.A.Machine.Active);
            AssertOneConnection(lab, seed);
        }
    }

    [Fact]
    public void A_path_that_works_one_way_only_is_dead_for_both_ends()
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            var lab = new SessionLab(seed);
            lab.RunUntil(TimeSpan.FromSeconds(5));
            var broken = (LabConnection)lab.A.Machine.Active!.Transport;
            (seed % 2 == 0 ? broken : broken.Other).Silence();
            // 15.5 s, and what the goodbye takes that only one end hears.
            lab.RunUntil(TimeSpan.FromSeconds(20.6));
            Assert.NotSame(broken, lab.A.Machine.Active?.Transport);
            Assert.NotSame(broken.Other, lab.B.Machine.Active?.Transport);
            lab.RunUntil(TimeSpan.FromSeconds(24));
            Assert.DoesNotContain(lab.A.Machine.Connections, connection => connection.Transport == broken);
            Assert.DoesNotContain(lab.B.Machine.Connections, connection => connection.Transport == broken.Other);
        }
    }

    [Fact]
    public void Connections_are_renewed_before_their_time_is_over_without_a_moment_without_one()
    {
        var first = new List<double>();
        for (int seed = 0; seed < 100; seed++)
        {
            var lab = new SessionLab(seed);
            lab.A.Settings = lab.B.Settings = new SessionConfiguration { RenewAfter = TimeSpan.FromMinutes(10) };
            lab.RunUntil(TimeSpan.FromMinutes(1));
            PeerConnection before = lab.A.Machine.Active!;
            while (lab.A.Machine.Active == before)
                lab.RunUntil(lab.Now - default(Instant) + TimeSpan.FromSeconds(1));
            first.Add((lab.A.Machine.Active!.Since - before.Since).TotalMinutes);
            lab.RunUntil(TimeSpan.FromMinutes(61));
            AssertOneConnection(lab, seed);
            Assert.InRange(lab.A.Activations, 6, 9);
            Assert.False(lab.A.LeftWithout || lab.B.LeftWithout, $"seed {seed}: a renewal left a gap");
            Assert.Equal(before.IsOurs, lab.A.Machine.Active!.IsOurs); // renewed by whoever began
            Assert.True(lab.A.Machine.ConnectedSince < At(10));
        }
        Assert.InRange(first.Min(), 9, 9.2);
        Assert.InRange(first.Max(), 9.8, 10.02);
    }

    [Fact]
    public void Networks_that_change_again_and_again_at_either_end_are_agreed_on_soon_and_without_a_moment_without_a_connection()
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            var lab = new SessionLab(seed);
            lab.RunUntil(TimeSpan.FromMinutes(1));
            AssertOneConnection(lab, seed);
            TimeSpan now = TimeSpan.FromMinutes(1);
            for (int change = 0; change < 6; change++)
            {
                LabNode node = lab.Chance(0.5) ? lab.A : lab.B;
                node.Share(node.Networks.Count == 1 ? [LabNode.Corp, LabNode.Lab] : [LabNode.Corp]);
                lab.RunUntil(now += TimeSpan.FromSeconds(lab.Random.NextDouble() * 1.5));
            }
            lab.RunUntil(now + TimeSpan.FromSeconds(4));
            AssertOneConnection(lab, seed);
            Assert.False(lab.A.LeftWithout || lab.B.LeftWithout, $"seed {seed}: a change of networks left a gap");
            string[] shared = [.. lab.A.Networks.Intersect(lab.B.Networks).Select(network => network.Name)];
            foreach (LabNode node in new[] { lab.A, lab.B })
                Assert.Equal(shared, node.Machine.Active!.Networks.Select(network => network.Network.Name));
        }
    }

    [Fact]
    public void A_renewal_that_fails_leaves_the_old_connection_and_is_tried_again()
    {
        for (int seed = 0; seed < 100; seed++)
        {
            var lab = new SessionLab(seed);
            lab.A.Settings = lab.B.Settings = new SessionConfiguration { RenewAfter = TimeSpan.FromMinutes(10) };
            lab.RunUntil(TimeSpan.FromMinutes(1));
            PeerConnection before = lab.A.Machine.Active!;
            lab.DialLoss = 1;
            lab.RunUntil(TimeSpan.FromMinutes(15));
            Assert.Same(before, lab.A.Machine.Active);
            lab.DialLoss = 0;
            lab.RunUntil(TimeSpan.FromMinutes(16));
            Assert.NotSame(before, lab.A.Machine.Active);
            AssertOneConnection(lab, seed);
            Assert.False(lab.A.LeftWithout || lab.B.LeftWithout, $"seed {seed}: a renewal left a gap");
        }
    }

    [Fact]
    public void A_daemon_that_stops_has_its_routes_held_as_long_as_it_says_and_a_crash_or_a_goodbye_has_not()
    {
        foreach ((double asked, CloseCode code, double? held) in new[]
            { (120, CloseCode.Shutdown, 120), (30, CloseCode.Shutdown, 30.0), (0, CloseCode.Shutdown, (double?)null), (120, CloseCode.Goodbye, null) })
        {
            var lab = new SessionLab(9);
            lab.B.Settings = new SessionConfiguration { RestartHold = TimeSpan.FromSeconds(asked) };
            lab.RunUntil(TimeSpan.FromSeconds(5));
            lab.B.Machine.CloseAll(code, "the daemon is stopping", lab.Now);
            lab.B.Kill();
            lab.RunUntil(TimeSpan.FromSeconds(5.2));
            Assert.Null(lab.A.Machine.Active);
            Assert.Equal(held, lab.A.Held?.TotalSeconds);
            Assert.Equal(held is not null, lab.A.Machine.AreRoutesHeld(lab.Now));
        }
        var crash = new SessionLab(9);
        crash.RunUntil(TimeSpan.FromSeconds(5));
        ((LabConnection)crash.A.Machine.Active!.Transport).Break(TimeSpan.Zero);
        crash.RunUntil(TimeSpan.FromSeconds(5.01));
        Assert.Null(crash.A.Held);
    }

    [Fact]
    public void Held_routes_outlive_failed_dials_and_nobody_holds_them_longer_than_two_minutes()
    {
        var lab = new SessionLab(10);
        lab.RunUntil(TimeSpan.FromSeconds(5));
        PeerConnection active = lab.A.Machine.Active!;
        // Goodbye, code 9, hold 65,535 s.
        lab.A.Machine.OnControl(active.Transport, [0, 4, (byte)'G', 9, 255, 255], lab.Now);
        lab.B.Kill();
        Assert.Equal(120, lab.A.Held?.TotalSeconds);
        lab.RunUntil(TimeSpan.FromSeconds(124.9));
        Assert.NotNull(lab.A.Held);
        Assert.True(lab.A.Machine.AreRoutesHeld(lab.Now));
        lab.RunUntil(TimeSpan.FromSeconds(125));
        Assert.False(lab.A.Machine.AreRoutesHeld(lab.Now));
        lab.B.Restart();
        lab.RunUntil(TimeSpan.FromSeconds(160));
        AssertOneConnection(lab, 10);
    }

    [Fact]
    public void Revoked_trust_ends_what_is_held()
    {
        var lab = new SessionLab(11);
        lab.RunUntil(TimeSpan.FromSeconds(5));
        lab.A.Machine.OnControl(lab.A.Machine.Active!.Transport, [0, 4, (byte)'G', 9, 0, 100], lab.Now);
        Assert.NotNull(lab.A.Held);
        lab.A.Machine.CloseAll(CloseCode.TrustRevoked, "denied", lab.Now);
        Assert.Null(lab.A.Held);
        Assert.False(lab.A.Machine.AreRoutesHeld(lab.Now));
    }

    private static Instant At(double seconds) => default(Instant) + TimeSpan.FromSeconds(seconds);

    /// <summary>Whether a node has moved to another connection and drained the one that the other node still uses.</summary>
    private static bool HasMovedAlone(LabNode node, LabNode other) =>
        other.Machine.Active is { } still
        && node.Machine.Connections.Any(connection => connection.Phase == ConnectionPhase.Draining
            && ((LabConnection)connection.Transport).Other == still.Transport);

    private static void AssertOneConnection(SessionLab lab, int seed)
    {
        PeerConnection? a = lab.A.Machine.Active;
        PeerConnection? b = lab.B.Machine.Active;
        Assert.True(a is not null && b is not null, $"seed {seed}: A {a?.Phase}, B {b?.Phase}");
        Assert.True(((LabConnection)a!.Transport).Other == b!.Transport, $"seed {seed}: the two ends use different connections");
        Assert.True(lab.A.Machine.Connections.Count == 1 && lab.B.Machine.Connections.Count == 1,
            $"seed {seed}: {lab.A.Machine.Connections.Count} and {lab.B.Machine.Connections.Count} connections are open");
    }
}
