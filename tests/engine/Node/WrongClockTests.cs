
namespace VibePN.Engine.Tests.Node;

/// <summary>A time of day that is wrong by years stops first uses and nothing else.</summary>
public sealed class WrongClockTests
{
    [Theory]
    [InlineData(-3_650)]
    [InlineData(3_650)]
    public async Task A_clock_that_is_set_wrong_while_running_changes_no_duration_and_no_session(int days)
    {
        await using var lab = NodeLab.Mesh(3);
        await lab.StartAndMeetAsync();
        // Up is not yet known routes.
        EngineStatus before = await lab[0].UntilAsync(status => status.Routes.Length == 8, "both peers' routes");
        Assert.Empty(before.Warnings);

        lab[0].Clock.WrongBy = TimeSpan.FromDays(days);
        lab[0].Trust.RaiseChanged(); // judged again, by the wrong clock
        EngineStatus after = await lab[0].StatusAsync();
        Assert.All(after.Peers, peer => Assert.Equal(("up", 1), (peer.State, peer.Connections)));
        Assert.Equal(before.Routes.Length, after.Routes.Length);
        Assert.InRange(after.Uptime - before.Uptime, TimeSpan.Zero, NodeLab.Patience);
        Assert.Single(after.Warnings, warning => warning.Contains("clock", StringComparison.Ordinal));
        await lab[0].SendAsync(lab[1], "corp");

        // Whoever comes now is known by fingerprint and comes in; the back-off takes no years.
        await lab[1].StopAsync();
        await lab[0].UntilAsync(status => status.Peers[0].State != "up", "node2 is down");
        await lab[1].StartAsync();
        await lab.MeetAsync();

        lab[0].Clock.WrongBy = TimeSpan.Zero;
        Assert.Empty((await lab[0].StatusAsync()).Warnings);
    }

    [Fact]
    public async Task A_node_that_starts_with_a_clock_years_behind_meets_its_fingerprints_but_nobody_new()
    {
        await using var lab = NodeLab.Mesh(3);
        lab[0].Clock.WrongBy = TimeSpan.FromDays(-3_650);
        lab[0].Configuration = lab[0].Configuration with
        {
            Peers = [lab[1].AsPeer() with { Fingerprint = null }, lab[2].AsPeer()],
        };
        lab[1].Configuration = lab[1].Configuration with { Peers = [lab[0].AsPeer() with { Addresses = [] }] };
        await lab.StartAsync();
        EngineStatus status = await lab[0].UntilAsync(
            status => status.Peers[1].State == "up" && status.Peers[0].LastError.Length > 0, "the known peer is up, the new one refused");
        Assert.NotEqual("up", status.Peers[0].State);
        Assert.Empty(lab[0].Trust.List().Records);
        Assert.Single(status.Warnings, warning => warning.Contains("clock", StringComparison.Ordinal));
        // Up at one end is not yet known routes at both.
        await lab[0].UntilAsync(status => status.Routes.Length == 4, "the known peer's routes");
        await lab[2].UntilAsync(status => status.Routes.Any(route => route.PeerName == "node1"), "our routes at the known peer");
        await lab[0].SendAsync(lab[2], "corp");

        await lab[0].StopAsync(); // rather than to wait for the back-off of a refused certificate
        lab[0].Clock.WrongBy = TimeSpan.Zero;
        await lab[0].StartAsync();
        await lab[0].UntilAsync(status => status.Peers[0].State == "up", "the new peer is let in once the clock is right");
        Assert.Equal(lab[1].Identity.Fingerprint, Assert.Single(lab[0].Trust.List().Records).Fingerprint);
    }

    [Fact]
    public async Task A_clock_behind_the_last_run_is_noticed_at_the_next_start()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        await lab[0].StopAsync();
        lab[0].Clock.WrongBy = TimeSpan.FromHours(-2);
        await lab[0].StartAsync();
        EngineStatus status = await lab[0].StatusAsync();
        Assert.Single(status.Warnings, warning => warning.Contains("already", StringComparison.Ordinal));
        await lab.MeetAsync();
    }
}
