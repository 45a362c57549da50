using VibePN.Contracts;
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
