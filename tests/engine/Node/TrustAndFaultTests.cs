using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Testkit;

namespace VibePN.Engine.Tests.Node;

/// <summary>Trust that changes, plugins that fail, and the end of an engine.</summary>
public sealed class TrustAndFaultTests
{
    [Fact]
    public async Task Trust_that_ends_closes_the_session()
    {
        await using var lab = NodeLab.Mesh(3);
        await lab.StartAndMeetAsync();
        lab[0].Trust.Bends = (request, verdict) => request.Fingerprint == lab[1].Identity.Fingerprint
            ? new TrustVerdict(TrustOutcome.Refuse, null, TrustReason.Denied, "denied")
            : verdict;
        lab[0].Trust.RaiseChanged();
        EngineStatus status = await lab[0].UntilAsync(status => status.Peers[0].State != "up", "closed");
        Assert.Equal("up", status.Peers[1].State);
        Assert.DoesNotContain(status.Routes, route => route.PeerName == "node2");
        await lab[0].SendAsync(lab[2], "corp");
    }

    [Fact]
    public async Task A_first_use_is_durable_before_traffic_flows()
    {
        await using var lab = NodeLab.Mesh(2);
        lab[0].Configuration = lab[0].Configuration with { Peers = [lab[1].AsPeer() with { Fingerprint = null }] };
        lab[1].Configuration = lab[1].Configuration with { Peers = [lab[0].AsPeer() with { Addresses = [] }] };
        await lab.StartAndMeetAsync();
        await lab[0].SendAsync(lab[1], "corp");
        TrustRecord pin = Assert.Single(lab[0].Trust.List().Records);
        Assert.Equal((TrustState.Pinned, lab[1].Identity.Fingerprint), (pin.State, pin.Fingerprint));
    }

    [Fact]
    public async Task An_admission_that_cannot_be_made_durable_carries_no_traffic()
    {
        await using var lab = FirstUse();
        await lab[1].StartAsync();
        await StartWithCommit(lab[0], () => Task.FromResult<string?>("disk full"));
        EngineStatus status = await lab[0].UntilAsync(status => status.Peers[0].LastError.Contains("disk full", StringComparison.Ordinal), "the fault");
        Assert.Empty(status.Routes);
        Assert.Empty((await lab[1].StatusAsync()).Routes);
    }

    [Fact]
    public async Task A_peer_removed_while_its_admission_is_written_stays_out()
    {
        await using var lab = FirstUse();
        await lab[1].StartAsync();
        var written = new TaskCompletionSource<string?>();
        var begun = new TaskCompletionSource();
        await StartWithCommit(lab[0], () =>
        {
            begun.TrySetResult();
            return written.Task;
        });
        await begun.Task.WaitAsync(NodeLab.Patience, TestContext.Current.CancellationToken);
        await lab[0].ReloadAsync(old => old with { Peers = [] });
        written.SetResult(null);
        await NodeLab.UntilAsync(() => lab[0].Transport.Connections.Count == 0, "closed");
        Assert.Empty((await lab[1].StatusAsync()).Routes);
    }

    [Fact]
    public async Task A_policy_that_throws_leaves_the_last_good_table()
    {
        await using var lab = NodeLab.Mesh(3);
        await lab.StartAndMeetAsync();
        lab[0].Policy.CompileFault = "broken";
        await lab[2].StopAsync();
        await lab[0].UntilAsync(status => status.Peers[1].State != "up", "node3 is down");
        await lab[0].SendAsync(lab[1], "corp");
        Assert.Contains(lab[0].Lines.From(LogLevel.Error), line => line.Contains("broken", StringComparison.Ordinal));
        lab[0].Policy.CompileFault = null;
        await lab[2].StartAsync();
        await lab.MeetAsync();
    }

    [Fact]
    public async Task A_policy_that_fails_on_every_route_writes_a_bounded_number_of_lines()
    {
        await using var lab = NodeLab.Mesh(2);
        lab[1].Configuration = lab[1].Configuration with
        {
            Networks = [lab[1].Configuration.Networks[0] with { Originate = [.. Enumerable.Range(0, 200).Select(i => IpPrefix.Parse($"192.168.{i}.0/24"))] }, lab[1].Configuration.Networks[1]],
        };
        await lab[0].StartAsync();
        lab[0].Policy.ImportFault = "broken";
        await lab[1].StartAsync();
        await lab[1].UntilAsync(status => status.Routes.Length == 4, "the other direction works");
        await NodeLab.UntilAsync(() => lab[0].Lines.From(LogLevel.Warning).Any(), "a line about the policy");
        Assert.InRange(lab[0].Lines.From(LogLevel.Warning).Count(), 1, 60);
    }

    [Fact]
    public async Task Status_shows_each_part()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        await lab[0].SendAsync(lab[1], "corp");
        EngineStatus status = await lab[0].StatusAsync();
        PeerStatus peer = Assert.Single(status.Peers);
        Assert.Equal(("node2", "up", 1, ""), (peer.Name, peer.State, peer.Connections, peer.LastError));
        Assert.Equal(lab[1].Identity.Fingerprint, peer.Id);
        Assert.Equal(["192.0.2.2:51820"], peer.Addresses);
        Assert.NotNull(peer.Since);
        Assert.NotNull(peer.LastSeen);
        Assert.NotNull(peer.Role);
        Assert.Null(peer.NextDial);
        NetworkStatus corp = status.Networks[0];
        Assert.Equal(("corp", "vpn-corp", 1380, 1, 1L, 60L, ""),
            (corp.Name, corp.Device, corp.Mtu, corp.PeersUp, corp.PacketsOut, corp.BytesOut, corp.Error));
        Assert.Equal(["10.42.0.1/24", "fd42::1/64"], corp.Addresses.Select(address => address.ToString()));
        Assert.Equal(4, status.Routes.Length);
        Assert.All(status.Routes, route => Assert.True(route.Best && route.Expires is not null && route.PeerName == "node2"));
        Assert.Empty(status.Warnings);
    }

    [Fact]
    public async Task An_unreachable_peer_is_dialled_with_back_off_and_shown_so()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab[0].StartAsync();
        EngineStatus status = await lab[0].UntilAsync(
            status => status.Peers[0] is { State: "waiting", NextDial: not null, LastError.Length: > 0 }, "waiting");
        Assert.Contains("Unreachable", status.Peers[0].LastError, StringComparison.Ordinal);
        // Whoever changes the machine's network over and over does not turn that into a storm of dials.
        int Dials() => lab[0].Lines.From(default).Count(line => line.StartsWith("Dialling", StringComparison.Ordinal));
        int before = Dials();
        for (int i = 0; i < 1_000; i++)
        {
            lab[0].Tun.ChangeMachineNetwork();
            await lab[0].StatusAsync();
        }
        Assert.InRange(Dials() - before, 0, 20);
    }

    [Fact]
    public async Task The_end_leaves_no_device_and_no_thread()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        OverlayEngine engine = lab[0].Engine;
        long start = TimeProvider.System.GetTimestamp();
        await engine.DisposeAsync();
        Assert.True(TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(3));
        Assert.Equal(2, lab[0].Tun.Opened.Count);
        Assert.All(lab[0].Tun.Opened, device => Assert.True(device.IsDisposed));
        PluginException fault = await Assert.ThrowsAsync<PluginException>(() => engine.GetStatusAsync(TestContext.Current.CancellationToken));
        Assert.Equal("The engine is not running.", fault.Message);
        await engine.DisposeAsync();
        await lab[1].UntilAsync(status => status.Peers[0].State != "up" && status.Routes.IsEmpty, "goodbye");
    }

    [Fact]
    public async Task An_engine_that_was_never_started_answers_instead_of_waiting()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab[0].StartAsync();
        lab[1].Configuration = lab[0].Configuration; // the same address: taken
        await Assert.ThrowsAsync<PluginException>(lab[1].StartAsync);
        Assert.All(lab[1].Tun.Opened, device => Assert.True(device.IsDisposed));
        await Assert.ThrowsAsync<PluginException>(() => lab[1].Engine.GetStatusAsync(TestContext.Current.CancellationToken));
    }

    private static NodeLab FirstUse()
    {
        var lab = NodeLab.Mesh(2);
        lab[0].Configuration = lab[0].Configuration with { Peers = [lab[1].AsPeer() with { Fingerprint = null }] };
        lab[1].Configuration = lab[1].Configuration with { Peers = [lab[0].AsPeer() with { Addresses = [] }] };
        return lab;
    }

    private static async Task StartWithCommit(LabEngine node, Func<Task<string?>> commit)
    {
        node.OnTrustMade = trust => trust.Commits = commit;
        await node.StartAsync();
    }
}
