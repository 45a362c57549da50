using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Policy;
using static VibePN.Testkit.SampleRoutes;

namespace VibePN.Engine.Tests.Policy;

/// <summary>A routing plugin whose answers break the contract.</summary>
public sealed class CheckedPolicyTests
{
    private static readonly RouteCandidate Offered = Route("192.168.7.0/24", A);

    private readonly StubbornPolicy _policy = new();

    [Fact]
    public void Attributes_that_a_plugin_may_change_pass()
    {
        _policy.Imports = route => route with { Preference = 65_535, Metric = 1, Tags = ["a", "b"] };
        Assert.Equal(65_535, Import().Candidate!.Preference);
    }

    [Theory]
    [InlineData("prefix")]
    [InlineData("next hop")]
    [InlineData("origin")]
    [InlineData("source")]
    [InlineData("path")]
    [InlineData("preference")]
    [InlineData("negative preference")]
    [InlineData("metric")]
    [InlineData("nine tags")]
    [InlineData("long tag")]
    public void Attributes_that_a_plugin_may_not_change_refuse_the_route(string change)
    {
        _policy.Imports = route => change switch
        {
            "prefix" => route with { Prefix = IpPrefix.Parse("192.168.0.0/16") },
            "next hop" => route with { NextHop = B },
            "origin" => route with { Origin = B },
            "source" => route with { Source = RouteSource.Static },
            "path" => route with { Path = [B] },
            "preference" => route with { Preference = 65_536 },
            "negative preference" => route with { Preference = -1 },
            "metric" => route with { Metric = uint.MaxValue },
            "nine tags" => route with { Tags = [.. Enumerable.Repeat("t", 9)] },
            _ => route with { Tags = [new string('t', 33)] },
        };
        ImportVerdict verdict = Import();
        Assert.Null(verdict.Candidate);
        Assert.Equal(RouteReason.PolicyRefused, verdict.Reason);
        Assert.StartsWith("the routing policy ", verdict.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_table_leads_only_where_a_candidate_leads()
    {
        _policy.Groups = [new([]), new([new NextHop(A)])];
        Assert.NotNull(CheckedPolicy.Compile(_policy, Snapshot(Offered)));
        NextHopGroup[][] wrong =
        [
            [], [new([new NextHop(A)])], [new([]), new([new NextHop(B)])], [new([]), new([new NextHop(A), new NextHop(A)])],
            [new([]), new([new NextHop(A, 0)])], [new([]), new([new NextHop(A, 257)])],
        ];
        foreach (NextHopGroup[] groups in wrong)
        {
            _policy.Groups = [.. groups];
            Assert.Throws<InvalidOperationException>(() => CheckedPolicy.Compile(_policy, Snapshot(Offered)));
        }
    }

    [Fact]
    public void A_selection_judges_each_candidate_once()
    {
        RouteSnapshot snapshot = Snapshot(Offered, Route("192.168.7.0/24", B));
        var first = new CandidateVerdict(Offered, RouteReason.Best, "");
        var second = new CandidateVerdict(snapshot.Candidates[1], RouteReason.Metric, "");
        _policy.Selection = new RouteSelection(new NextHopGroup([new NextHop(A)]), [second, first]);
        Assert.NotNull(CheckedPolicy.SelectNextHops(_policy, snapshot, Offered.Prefix));
        foreach (ImmutableArray<CandidateVerdict> verdicts in new ImmutableArray<CandidateVerdict>[] { [first], [first, first], [first, second, second] })
        {
            _policy.Selection = new RouteSelection(new NextHopGroup([new NextHop(A)]), verdicts);
            Assert.Throws<InvalidOperationException>(() => CheckedPolicy.SelectNextHops(_policy, snapshot, Offered.Prefix));
        }
        _policy.Selection = new RouteSelection(new NextHopGroup([new NextHop(C)]), [first, second]);
        Assert.Throws<InvalidOperationException>(() => CheckedPolicy.SelectNextHops(_policy, snapshot, Offered.Prefix));
    }

    private ImportVerdict Import() => CheckedPolicy.Import(_policy, new ImportRequest("corp", Peer(A, "a"), Offered, 0));

    private sealed class StubbornPolicy : IRoutePolicyPlugin, IRouteLookup
    {
        public Func<RouteCandidate, RouteCandidate> Imports { get; set; } = route => route;

        public ImmutableArray<NextHopGroup> Groups { get; set; } = [new([])];

        public RouteSelection Selection { get; set; } = new(new NextHopGroup([]), []);

        public ImportVerdict Import(ImportRequest request) => new(Imports(request.Candidate), RouteReason.Accepted, "");

        public ExportVerdict Export(ExportRequest request) => new(true, 0, RouteReason.Accepted, "");

        public IRouteLookup Compile(RouteSnapshot snapshot) => this;

        public RouteSelection SelectNextHops(RouteSnapshot snapshot, IpPrefix prefix) => Selection;

        public RouteExplanation Explain(RouteSnapshot snapshot, in PacketKey packet) => new([], [], "");

        public void Find(ReadOnlySpan<PacketKey> keys, Span<ushort> groups) => groups[..keys.Length].Clear();

        public ValueTask StartAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask StopAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;
    }
}
