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

    private static async Task<ImportVerdict> ImportAsync(RouteCandidate route)
    {
        LpmRoutePolicy policy = await FakeContext.StartedAsync();
        return policy.Import(new ImportRequest("corp", Peer(A, "a"), route, AcceptedFromPeer: 0));
    }

    private static void AssertRefused(RouteReason reason, ImportVerdict verdict)
    {
        Assert.Null(verdict.Candidate);
        Assert.Equal(reason, verdict.Reason);
        Assert.NotEmpty(verdict.Text);
    }
}
