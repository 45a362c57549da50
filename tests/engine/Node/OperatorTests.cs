using VibePN.Contracts;
using VibePN.Engine.Tests.Packets;
using VibePN.Testkit;

namespace VibePN.Engine.Tests.Node;

/// <summary>What operators look at and order: a ping, one peer, what is refused.</summary>
public sealed class OperatorTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("node2")]
    [InlineData("fd42::2")]
    public async Task A_ping_goes_through_the_overlay_and_comes_back(string target)
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        using var kernel = new EchoingKernel(lab[1].Device("corp"));
        List<PingStep> steps = await PingAsync(lab[0], new PingRequest(target) { Count = 3, Interval = TimeSpan.FromMilliseconds(10) });
        Assert.Equal([PingStepKind.Begin, PingStepKind.Answer, PingStepKind.Answer, PingStepKind.Answer], steps.Select(step => step.Kind));
        Assert.Equal([1, 2, 3], steps.Skip(1).Select(step => step.Sequence));
        Assert.All(steps.Skip(1), step => Assert.Equal(("node2", 64, 64), (step.Peer, step.Bytes, step.HopLimit)));
        Assert.All(steps.Skip(1), step => Assert.InRange(step.RoundTrip!.Value, TimeSpan.FromTicks(1), TimeSpan.FromSeconds(2)));
        Assert.Equal("192.0.2.2:51820", steps[1].Remote!.ToString());
        Assert.Empty(lab[0].Device("corp").Written);
    }

    [Fact]
    public async Task A_kernel_that_does_not_answer_is_told_and_not_waited_for_for_ever()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        List<PingStep> steps = await PingAsync(lab[0],
            new PingRequest("node2") { Count = 2, Interval = TimeSpan.FromMilliseconds(10), Wait = TimeSpan.FromMilliseconds(50) });
        Assert.Equal([PingStepKind.Begin, PingStepKind.Lost, PingStepKind.Lost], steps.Select(step => step.Kind));
        Assert.Equal("no answer within 0.05 s", steps[1].Text);
    }

    [Fact]
    public async Task An_address_that_nobody_has_is_told_with_the_reason()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        List<PingStep> steps = await PingAsync(lab[0], new PingRequest("10.42.0.77") { Count = 1 });
        Assert.Equal((PingStepKind.Dropped, DropReason.NoRoute), (steps[1].Kind, steps[1].Drop));
        Assert.Equal("'vpnctl route explain 10.42.0.77 --network corp' says why", steps[1].Text);
    }

    [Theory]
    [InlineData("nobody", null, "'nobody' is neither an address nor a peer. Peers: node2.")]
    [InlineData("10.42.0.1", null, "10.42.0.1 is this node's own")]
    [InlineData("10.99.0.1", null, "10.99.0.1 lies in no network's subnet")]
    [InlineData("10.42.0.2", "nil", "there is no network 'nil'")]
    public async Task What_cannot_be_pinged_is_refused_with_the_reason(string target, string? network, string expected)
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        PingStep step = Assert.Single(await PingAsync(lab[0], new PingRequest(target, network)));
        Assert.Equal(PingStepKind.Refused, step.Kind);
        Assert.StartsWith(expected, step.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_ping_that_is_too_large_is_told_what_passes()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        List<PingStep> steps = await PingAsync(lab[0], new PingRequest("node2") { Count = 1, Size = PingRequest.MaxSize, Wait = TimeSpan.FromMilliseconds(50) });
        Assert.Contains(steps[1].Kind, new[] { PingStepKind.Dropped, PingStepKind.Lost });
    }

    [Fact]
    public async Task A_peer_is_shown_with_its_tries_networks_and_routes()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        await lab[0].SendAsync(lab[1], "corp");
        PeerDetail peer = (await lab[0].Engine.GetPeerAsync("node2", Token))!;
        Assert.Equal(("up", null), (peer.Status.State, peer.LastCode));
        Assert.InRange(peer.KeyAge!.Value, TimeSpan.Zero, NodeLab.Patience);
        Assert.Equal("192.0.2.2:51820", Assert.Single(peer.Addresses).Address);
        Assert.Equal(["corp", "lab"], peer.Networks.Where(network => network.Agreed).Select(network => network.Name));
        Assert.Equal(1, peer.Networks[0].PacketsOut);
        Assert.Contains(peer.Routes, route => route.Candidate.Prefix == IpPrefix.Parse("10.42.0.2/32"));
        Assert.Null(await lab[0].Engine.GetPeerAsync("nobody", Token));
    }

    [Fact]
    public async Task A_peer_that_is_down_is_shown_with_its_last_errors()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        await lab[1].StopAsync();
        await NodeLab.UntilAsync(
            () => lab[0].Engine.GetPeerAsync("node2", Token).Result!.Addresses[0].Result is { Length: > 0 } result && result != "under way",
            "the address to be tried without success");
        PeerDetail peer = (await lab[0].Engine.GetPeerAsync("node2", Token))!;
        Assert.Null(peer.KeyAge);
        Assert.InRange(peer.Errors.Length, 1, 8);
        Assert.Contains(peer.Errors, error => error.Text.StartsWith("Goodbye: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Disconnecting_ends_the_session_and_reconnecting_begins_one_at_once()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        Assert.StartsWith("would disconnect peer node2", (await lab[0].Engine.DisconnectAsync("node2", dryRun: true, Token)).Text, StringComparison.Ordinal);
        MemoryConnection before = Assert.Single(lab[0].Transport.Connections);
        Assert.True((await lab[0].Engine.DisconnectAsync("node2", dryRun: false, Token)).Done);
        Assert.Equal("peer node2: it is dialled at once, without the rest of its wait",
            (await lab[0].Engine.ReconnectAsync("node2", dryRun: false, Token)).Text);
        await lab.MeetAsync();
        Assert.NotSame(before, Assert.Single(lab[0].Transport.Connections));
        PeerOrder unknown = await lab[0].Engine.ReconnectAsync("nobody", dryRun: false, Token);
        Assert.Equal((false, "there is no peer 'nobody'. Peers: node2."), (unknown.Done, unknown.Text));
    }

    private static async Task<List<PingStep>> PingAsync(LabEngine node, PingRequest request)
    {
        List<PingStep> steps = [];
        await foreach (PingStep step in node.Engine.PingAsync(request, Token))
            steps.Add(step);
        return steps;
    }

    /// <summary>Answers echo questions that a device is given, as a kernel does.</summary>
    private sealed class EchoingKernel : IDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _loop;

        public EchoingKernel(FakeTunDevice device) => _loop = Task.Run(async () =>
        {
            for (int seen = 0; !_stop.IsCancellationRequested; await Task.Delay(1))
            {
                foreach (byte[] packet in device.Written.Skip(seen))
                {
                    seen++;
                    device.Arrive(IcmpEchoTests.Answer(packet));
                }
            }
        });

        public void Dispose()
        {
            _stop.Cancel();
            _loop.Wait();
            _stop.Dispose();
        }
    }
}
