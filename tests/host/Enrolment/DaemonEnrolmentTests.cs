using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Host.Control;
using VibePN.Host.Enrolment;
using VibePN.Host.Tests.Running;

namespace VibePN.Host.Tests.Enrolment;

/// <summary>A whole daemon with a file of peers that joined by invites.</summary>
public sealed class DaemonEnrolmentTests
{
    private static readonly Fingerprint Joined = Fingerprint.Parse(new string('7', 64));

    [Fact]
    public async Task Enrolled_peers_are_peers_and_a_reload_keeps_them()
    {
        await using var bench = new DaemonBench();
        Write(bench, new EnrolledPeer("node2", Joined, ["corp"], EnrolmentBench.Start));
        await bench.StartAsync();
        Assert.Equal(["node2", "node2-2", "node3"], await NamesAsync(bench));
        string hash = await bench.HashAsync();
        Assert.Empty((await bench.ReloadAsync()).Changes);
        Assert.Equal(hash, await bench.HashAsync());

        OnboardingOutcome removed = await bench.Daemon.Onboarding.RemovePeerAsync("node2-2", dryRun: false);
        Assert.Equal((ControlError.None, "removed peer node2-2"), (removed.Error, removed.Text));
        Assert.Equal(["node2", "node3"], await NamesAsync(bench));
        Assert.Empty((await bench.ReloadAsync()).Changes);
        Assert.Equal(ControlError.Conflict, (await bench.Daemon.Onboarding.RemovePeerAsync("node2", dryRun: false)).Error);
        Assert.Equal(ControlError.NotFound, (await bench.Daemon.Onboarding.RemovePeerAsync("node9", dryRun: false)).Error);
    }

    [Fact]
    public async Task A_damaged_file_stops_a_reload_and_lets_nobody_in_but_cuts_nobody_off()
    {
        await using var bench = new DaemonBench();
        await bench.StartAsync();
        Write(bench);
        bench.Scratch.Write("state/enrolment/enrolled.json", "{");
        ReloadOutcome outcome = await bench.ReloadAsync();
        Assert.Equal(ControlError.InvalidConfig, outcome.Error);
        Assert.Contains("enrolled.json is damaged", outcome.Text, StringComparison.Ordinal);
        Assert.Equal(["node2", "node3"], await NamesAsync(bench));
    }

    [Fact]
    public async Task An_invite_is_given_by_a_running_daemon_and_redeemed_by_its_claim()
    {
        await using var bench = new DaemonBench();
        bench.WriteConfig("originate = [\"192.168.7.0/24\"]", "export = true");
        await bench.StartAsync();
        IOnboarding desk = bench.Daemon.Onboarding;
        Assert.Equal(ControlError.NotFound, (await desk.InviteAsync(Order(network: null), dryRun: false)).Error);
        Assert.Equal(ControlError.NotFound, (await desk.InviteAsync(Order("corq"), dryRun: false)).Error);
        Assert.Equal(ControlError.BadRequest, (await desk.InviteAsync(Order("corp", TimeSpan.FromDays(8)), dryRun: false)).Error);
        Assert.Equal(ControlError.BadRequest, (await desk.InviteAsync(Order("corp") with { Addresses = [] }, dryRun: false)).Error); // it listens on loopback
        Assert.Equal(ControlError.BadRequest, (await desk.InviteAsync(Order("corp") with { Addresses = ["nowhere"] }, dryRun: false)).Error);
        Assert.Equal("", (await desk.InviteAsync(Order("corp"), dryRun: true)).Code);
        Assert.Empty(desk.Invites);

        InviteOutcome given = await desk.InviteAsync(Order("corp"), dryRun: false);
        Assert.Equal((ControlError.None, "node1"), (given.Error, given.Invite!.InviterName));
        VibePN.Invites.Invite read = VibePN.Invites.InviteText.Read(given.Code, out _)!;
        Assert.Equal(bench.Daemon.Node.ToString(), read.InviterFingerprint);
        InviteRecord record = Assert.Single(desk.Invites);
        Assert.Equal(given.Invite.Id, record.Id);
        Assert.Equal(ControlError.NotFound, (await desk.RevokeAsync(record.Id[..5], dryRun: false)).Error);
        Assert.Equal(ControlError.None, (await desk.RevokeAsync(record.Id[..8], dryRun: false)).Error);
        Assert.Equal(ControlError.Conflict, (await desk.RevokeAsync(record.Id, dryRun: false)).Error);
    }

    private static InviteOrder Order(string? network, TimeSpan? life = null) =>
        new(network, ["198.51.100.20:51820"], "node1", life ?? TimeSpan.FromMinutes(15));

    private static void Write(DaemonBench bench, params EnrolledPeer[] peers)
    {
        Directory.CreateDirectory(bench.Scratch.At("state"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        EnrolmentStore.In(bench.Scratch.At("state")).Write(new EnrolmentBook([], [.. peers]));
    }

    private static async Task<string[]> NamesAsync(DaemonBench bench)
    {
        EngineStatus status = await bench.Daemon.GetStatusAsync(CancellationToken.None);
        return [.. status.Peers.Select(peer => peer.Name)];
    }
}
