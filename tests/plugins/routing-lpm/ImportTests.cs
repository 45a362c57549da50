using VibePN.Contracts;
using static VibePN.Testkit.SampleRoutes;

namespace VibePN.Plugins.RoutingLpm.Tests;

public sealed class ImportTests
{
    [Theory]
    [InlineData("10.42.0.5/32")]
    [InlineData("fd5a::5/128")]
    [InlineData("192.168.7.0/24")]
    [InlineData("fd99::/48")]
    public async Task A_members_addresses_and_networks_are_taken_unchanged(string prefix)
    {
        RouteCandidate route = Route(prefix, A);
        ImportVerdict verdict = await ImportAsync(route);
        Assert.Same(route, verdict.Candidate);
        Assert.Equal(RouteReason.Accepted, verdict.Reason);
    }

    [Theory]
    [InlineData("0.0.0.0/0")]
    [InlineData("::/0")]
    public async Task Default_routes_are_refused(string prefix) =>
        AssertRefused(RouteReason.Martian, await ImportAsync(Route(prefix, A)));

    [Fact]
    public async Task Routes_through_other_nodes_are_refused()
    {
        AssertRefused(RouteReason.NotPermitted, await ImportAsync(Route("10.42.0.7/32", A) with { Origin = B }));
        AssertRefused(RouteReason.NotPermitted, await ImportAsync(Route("10.42.0.7/32", A) with { Path = [B] }));
        AssertRefused(RouteReason.NotPermitted, await ImportAsync(Route("10.42.0.7/32", B) with { Origin = A }));
    }

    [Fact]
    public async Task Unreachable_routes_are_refused() =>
        AssertRefused(RouteReason.PolicyRefused, await ImportAsync(Route("10.42.0.7/32", A) with { Metric = uint.MaxValue }));

    [Fact]
    public async Task Networks_behind_a_member_are_refused_when_the_setting_says_so()
    {
        LpmRoutePolicy policy = await FakeContext.StartedAsync(acceptOriginated: false);
        ImportVerdict network = Import(policy, Route("192.168.7.0/24", A), 0);
        AssertRefused(RouteReason.NotPermitted, network);
        Assert.Equal("192.168.7.0/24 is a network behind a, and accept_originated is false.", network.Text);
        Assert.NotNull(Import(policy, Route("10.42.0.5/32", A), 0).Candidate);
    }

    [Fact]
    public async Task The_last_route_within_the_limit_is_taken_and_the_next_refused()
    {
        LpmRoutePolicy policy = await FakeContext.StartedAsync(maxRoutesPerPeer: 3);
        Assert.NotNull(Import(policy, Route("10.42.0.5/32", A), 2).Candidate);
        AssertRefused(RouteReason.LimitReached, Import(policy, Route("10.42.0.5/32", A), 3));
    }

    private static async Task<ImportVerdict> ImportAsync(RouteCandidate route) => Import(await FakeContext.StartedAsync(), route, 0);

    private static ImportVerdict Import(LpmRoutePolicy policy, RouteCandidate route, int accepted) =>
        policy.Import(new ImportRequest("corp", Peer(A, "a"), route, accepted));

    private static void AssertRefused(RouteReason reason, ImportVerdict verdict)
    {
        Assert.Null(verdict.Candidate);
        Assert.Equal(reason, verdict.Reason);
        Assert.NotEmpty(verdict.Text);
    }
}
