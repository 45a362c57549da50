using System.Security.Cryptography;
using VibePN.Contracts;
using VibePN.Engine.Joining;
using VibePN.Engine.Tests.Node;
using VibePN.Invites;
using VibePN.Testkit;

namespace VibePN.Engine.Tests.Joining;

public sealed class JoiningTests
{
    [Fact]
    public async Task An_invited_node_becomes_a_peer_and_packets_flow()
    {
        (NodeLab lab, LabAuthority authority) = JoinLab.Make();
        await using NodeLab _ = lab;
        await lab.StartAsync();

        JoinOutcome outcome = await lab[1].JoinAsync(authority.Invite!);

        Assert.Equal(new JoinOutcome(JoinResult.Granted, "", "node2"), outcome);
        JoinClaim claim = Assert.Single(authority.Claims);
        Assert.Equal(lab[1].Identity.Fingerprint, claim.Joiner);
        await lab[1].ReloadAsync(configuration => configuration with { Peers = [lab[0].AsPeer("corp")] });
        await lab.MeetAsync();
        await lab[1].SendAsync(lab[0], "corp");
        await lab[0].SendAsync(lab[1], "corp");
    }

    [Fact]
    public async Task A_redemption_carries_no_packet_and_makes_no_session()
    {
        (NodeLab lab, LabAuthority authority) = JoinLab.Make();
        await using NodeLab _ = lab;
        var held = new TaskCompletionSource();
        authority.Gate = held.Task;
        await lab.StartAsync();
        Task<JoinOutcome> joining = lab[1].JoinAsync(authority.Invite!);
        await NodeLab.UntilAsync(() => !authority.Claims.IsEmpty, "the claim");

        MemoryConnection connection = Assert.Single(lab[1].Transport.Connections);
        Assert.Equal(JoinMessages.Protocol, connection.Protocol);
        using var batch = new PacketBatch(1, 2_048);
        batch.TryAdd(Packets.TestPackets.Udp("10.42.0.2", "10.42.0.1"), 0);
        Assert.Equal(1, connection.Send(batch, 0, 1).Taken);
        Assert.Empty((await lab[0].StatusAsync()).Peers);
        held.SetResult();

        Assert.Equal(JoinResult.Granted, (await joining).Result);
        Assert.Empty(lab[0].Device("corp").Written);
        await NodeLab.UntilAsync(() => lab[0].Transport.Connections.Count == 0, "the connection to end");
    }

    [Fact]
    public async Task Nobody_is_let_in_while_no_invite_is_open()
    {
        (NodeLab lab, LabAuthority authority) = JoinLab.Make();
        await using NodeLab _ = lab;
        authority.IsOpen = false;
        await lab.StartAsync();
        Assert.Equal(JoinResult.NotLetIn, (await lab[1].JoinAsync(authority.Invite!)).Result);
        Assert.Empty(authority.Claims);
        Assert.Equal(1, lab[0].Transport.GetStatistics().HandshakesRefused);
    }

    [Fact]
    public async Task A_wrong_secret_learns_no_more_than_an_unknown_invite()
    {
        (NodeLab lab, LabAuthority authority) = JoinLab.Make();
        await using NodeLab _ = lab;
        await lab.StartAsync();
        JoinOutcome wrong = await lab[1].JoinAsync(authority.Invite! with { Secret = new byte[16] });
        JoinOutcome unknown = await lab[1].JoinAsync(JoinLab.InviteOf(lab[0], new string('f', 32)));
        Assert.Equal(JoinResult.Refused, wrong.Result);
        Assert.Equal(wrong, unknown);
        Assert.Empty((await lab[0].StatusAsync()).Peers);
    }

    [Fact]
    public async Task An_invite_of_another_node_is_refused_in_the_handshake()
    {
        (NodeLab lab, LabAuthority authority) = JoinLab.Make();
        await using NodeLab _ = lab;
        await lab.StartAsync();

        Invite elsewhere = authority.Invite! with { InviterFingerprint = new string('5', 64) };
        JoinOutcome outcome = await lab[1].JoinAsync(elsewhere);
        Assert.Equal(JoinResult.NotLetIn, outcome.Result);
        Assert.Contains("answers at its address", outcome.Text, StringComparison.Ordinal);

        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        outcome = await lab[1].JoinAsync(authority.Invite! with { Key = InviteKey.Of(other)! });
        Assert.Equal(JoinResult.NotLetIn, outcome.Result);
        Assert.Contains("another key", outcome.Text, StringComparison.Ordinal);
        Assert.Empty(authority.Claims);
    }

    [Fact]
    public async Task The_first_address_that_answers_is_enough_and_none_is_said()
    {
        (NodeLab lab, LabAuthority authority) = JoinLab.Make();
        await using NodeLab _ = lab;
        await lab.StartAsync();
        string nowhere = NodeLab.AddressOf(77).ToString();
        Invite invite = authority.Invite!;
        JoinOutcome lost = await lab[1].JoinAsync(invite with { Addresses = [nowhere] });
        Assert.Equal((JoinResult.Unreachable, "nobody listens there"), (lost.Result, lost.Text));
        JoinOutcome found = await lab[1].JoinAsync(invite with { Addresses = [nowhere, invite.Addresses[0]] });
        Assert.Equal(JoinResult.Granted, found.Result);
    }

    [Fact]
    public async Task One_invite_after_the_other()
    {
        (NodeLab lab, LabAuthority authority) = JoinLab.Make();
        await using NodeLab _ = lab;
        var held = new TaskCompletionSource();
        authority.Gate = held.Task;
        await lab.StartAsync();
        Task<JoinOutcome> first = lab[1].JoinAsync(authority.Invite!);
        Assert.Equal(JoinResult.Busy, (await lab[1].JoinAsync(authority.Invite!)).Result);
        held.SetResult();
        Assert.Equal(JoinResult.Granted, (await first).Result);
        Assert.Equal(JoinResult.Used, (await lab[1].JoinAsync(authority.Invite!)).Result);
    }

    [Fact]
    public async Task A_fault_of_the_authority_refuses_and_is_reported()
    {
        (NodeLab lab, LabAuthority authority) = JoinLab.Make();
        await using NodeLab _ = lab;
        authority.Fault = new InvalidOperationException("broken on purpose");
        await lab.StartAsync();
        Assert.Equal(JoinResult.Failed, (await lab[1].JoinAsync(authority.Invite!)).Result);
        await NodeLab.UntilAsync(
            () => lab[0].Lines.From(Microsoft.Extensions.Logging.LogLevel.Error).Any(line => line.Contains("broken on purpose", StringComparison.Ordinal)),
            "the fault in the log");
    }

    [Fact]
    public async Task More_than_ten_visits_a_minute_from_one_address_are_turned_away()
    {
        (NodeLab lab, LabAuthority authority) = JoinLab.Make();
        await using NodeLab _ = lab;
        await lab.StartAsync();
        var results = new List<JoinResult>();
        for (int i = 0; i < JoinDoor.PerMinute + 2; i++)
            results.Add((await lab[1].JoinAsync(JoinLab.InviteOf(lab[0], new string('f', 32)))).Result);
        Assert.All(results.Take(JoinDoor.PerMinute), result => Assert.Equal(JoinResult.Refused, result));
        Assert.All(results.Skip(JoinDoor.PerMinute), result => Assert.Equal(JoinResult.NotLetIn, result));
        Assert.Equal(JoinDoor.PerMinute, authority.Claims.Count);
    }

    [Fact]
    public async Task A_wrong_clock_stops_invites_at_both_ends()
    {
        (NodeLab lab, LabAuthority authority) = JoinLab.Make();
        await using NodeLab _ = lab;
        await lab.StartAsync();
        lab[0].Clock.WrongBy = TimeSpan.FromDays(-3_650);
        JoinOutcome outcome = await lab[1].JoinAsync(authority.Invite!);
        Assert.Equal(JoinResult.NotLetIn, outcome.Result);
        lab[0].Clock.WrongBy = TimeSpan.Zero;
        lab[1].Clock.WrongBy = TimeSpan.FromDays(-3_650);
        outcome = await lab[1].JoinAsync(authority.Invite!);
        Assert.Equal(JoinResult.NotLetIn, outcome.Result);
        Assert.Contains("clock", outcome.Text, StringComparison.Ordinal);
        Assert.Empty(authority.Claims);
    }

    [Fact]
    public async Task A_node_that_trust_plugins_refuse_cannot_join()
    {
        (NodeLab lab, LabAuthority authority) = JoinLab.Make();
        await using NodeLab _ = lab;
        await lab.StartAsync();
        await lab[0].Trust.ApplyAsync(
            new TrustOrder(TrustAction.Deny, null, lab[1].Identity.Fingerprint), CancellationToken.None);
        Assert.Equal(JoinResult.NotLetIn, (await lab[1].JoinAsync(authority.Invite!)).Result);
        Assert.Empty(authority.Claims);
    }
}
