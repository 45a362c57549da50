using VibePN.Contracts;
using static VibePN.Testkit.SampleRoutes;

namespace VibePN.Plugins.RoutingLpm.Tests;

public sealed class ExportTests
{
    private static readonly RouteCandidate Own = Route("10.42.0.1/32", C) with { Source = RouteSource.Connected, Metric = 10 };

    [Fact]
    public async Task What_the_configuration_asks_for_is_announced_with_its_metric()
    {
        ExportVerdict verdict = await ExportAsync(Own, configured: true);
        Assert.True(verdict.Accepted);
        Assert.Equal(10u, verdict.Metric);
        Assert.Equal(RouteReason.Accepted, verdict.Reason);
    }

    [Fact]
    public async Task Nothing_else_is_announced()
    {
        ExportVerdict verdict = await ExportAsync(Own, configured: false);
        Assert.False(verdict.Accepted);
        Assert.Equal(RouteReason.NotExported, verdict.Reason);
    }

    [Fact]
    public async Task Nothing_goes_back_to_where_it_came_from()
    {
        RouteCandidate[] returning = [Own with { NextHop = A }, Own with { Origin = A }, Own with { Path = [B, A] }];
        foreach (RouteCandidate route in returning)
        {
            ExportVerdict verdict = await ExportAsync(route, configured: true);
            Assert.False(verdict.Accepted);
            Assert.Equal(RouteReason.SplitHorizon, verdict.Reason);
        }
    }

    private static async Task<ExportVerdict> ExportAsync(RouteCandidate route, bool configured) =>
        (await FakeContext.StartedAsync()).Export(new ExportRequest("corp", Peer(A, "a"), route, configured));
}
