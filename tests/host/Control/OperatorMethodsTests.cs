using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Host.Control;

namespace VibePN.Host.Tests.Control;

/// <summary>One peer, a ping, refused routes, log levels and the health of the node, as operators get them.</summary>
public sealed class OperatorMethodsTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    private readonly ControlMethodsTests.FakeDaemon _daemon = new();

    [Fact]
    public async Task A_peer_is_told_with_everything_that_is_documented()
    {
        _daemon.Peer = Detail(_daemon.Status.Peers[0]);
        JsonElement peer = (await RepliesAsync("peers.get", """{"name":"a"}""")).Single().Result;
        ControlMethod method = Methods().Describe().Single(each => each.Name == "peers.get");
        Assert.Equal(method.Result.Select(field => field.Name).Order(StringComparer.Ordinal),
            peer.EnumerateObject().Select(member => member.Name).Order(StringComparer.Ordinal));
        Assert.Equal("direct", peer.GetProperty("path").GetString());
        Assert.Equal("""{"NoRoute":3}""", peer.GetProperty("drops").GetRawText());
        Assert.Equal("""[{"text":"Dead: gone","time":"2026-11-22T12:00:00Z"}]""", peer.GetProperty("errors").GetRawText());
        Assert.Equal("""[{"address":"h:1","result":null,"time":null}]""", peer.GetProperty("addresses_tried").GetRawText());
        Assert.Equal(65, peer.GetProperty("key_age_s").GetInt64());
    }

    [Fact]
    public async Task A_peer_that_does_not_exist_is_told_with_those_that_do()
    {
        ControlReply reply = (await RepliesAsync("peers.get", """{"name":"aa"}""")).Single();
        Assert.Equal((ControlError.NotFound, "peers: a, b"), (reply.Error, reply.Hint));
        Assert.Equal(ControlError.NotFound, (await RepliesAsync("peers.reconnect", """{"name":"x"}""")).Single().Error);
    }

    [Fact]
    public void Every_way_to_be_down_has_an_advice()
    {
        PeerStatus down = _daemon.Status.Peers[1];
        foreach (CloseCode code in Enum.GetValues<CloseCode>())
            Assert.NotEmpty(PeerAdvice.Of(new PeerDetail(down) { LastCode = code }));
        Assert.Contains("'vpnctl peers reconnect b' ends the wait", PeerAdvice.Of(new PeerDetail(down) { BarredFor = TimeSpan.FromSeconds(9) }), StringComparison.Ordinal);
        Assert.Contains("must dial this node", PeerAdvice.Of(new PeerDetail(down)), StringComparison.Ordinal);
        Assert.Equal("", PeerAdvice.Of(new PeerDetail(_daemon.Status.Peers[0])));
    }

    [Fact]
    public async Task A_ping_tells_its_steps()
    {
        _daemon.Steps.Add(new PingStep(PingStepKind.Answer)
        {
            Sequence = 1, Network = "lab", Address = IpAddress.Parse("10.42.0.5"), Peer = "a", Remote = IPEndPoint.Parse("1.2.3.4:5"),
            RoundTrip = TimeSpan.FromMilliseconds(0.4125), HopLimit = 64, Bytes = 64,
        });
        JsonElement step = (await RepliesAsync("ping.run", """{"target":"a","count":7,"interval_ms":200,"size":100,"wait_ms":500}""")).Single().Result;
        Assert.Equal(
            """{"address":"10.42.0.5","bytes":64,"drop":null,"hop_limit":64,"kind":"answer","network":"lab","peer":"a","remote":"1.2.3.4:5","rtt_ms":0.412,"seq":1,"source":null,"text":null}""",
            step.GetRawText());
        Assert.Equal(Methods().Describe().Single(each => each.Name == "ping.run").Result.Select(field => field.Name), step.EnumerateObject().Select(member => member.Name));
        Assert.Equal(
            new PingRequest("a") { Count = 7, Interval = TimeSpan.FromMilliseconds(200), Size = 100, Wait = TimeSpan.FromMilliseconds(500) }, _daemon.Pinged);
    }

    [Theory]
    [InlineData("""{"target":"a","count":-1}""", "'count' takes 0 to 1000000.")]
    [InlineData("""{"target":"a","interval_ms":9}""", "'interval_ms' takes 10 to 3600000 ms.")]
    [InlineData("""{"target":"a","interval_ms":100}""", "'interval_ms' below 200 ms is for administrators.")]
    [InlineData("""{"target":"a","size":7}""", "'size' takes 8 to 65000 bytes.")]
    [InlineData("""{"target":"a","wait_ms":9223372036854775807}""", "'wait_ms' takes 10 to 60000 ms.")]
    public async Task A_ping_beyond_measure_is_refused(string parameters, string expected)
    {
        ControlReply reply = (await RepliesAsync("ping.run", parameters, ControlRole.Viewer)).Single();
        Assert.Equal((ControlError.BadRequest, expected), (reply.Error, reply.Message));
        Assert.Null(_daemon.Pinged);
    }

    [Fact]
    public async Task A_ping_that_cannot_begin_is_an_error()
    {
        _daemon.Steps.Add(new PingStep(PingStepKind.Refused) { Text = "nobody" });
        ControlReply reply = (await RepliesAsync("ping.run", """{"target":"x"}""")).Single();
        Assert.Equal((ControlError.NotFound, "nobody"), (reply.Error, reply.Message));
    }

    [Fact]
    public async Task Refused_routes_are_listed_when_they_are_asked_for()
    {
        _daemon.Refused = [_daemon.Status.Routes[0] with { Best = false, Refusal = new RouteRefusal("guard", RouteReason.OwnAddress, "ours", "") }];
        Assert.Single((await RepliesAsync("routes", "{}")).Single().Result.EnumerateArray());
        Assert.Equal(2, (await RepliesAsync("routes", """{"all":true}""")).Single().Result.GetArrayLength());
        JsonElement refused = (await RepliesAsync("routes", """{"filtered":true}""")).Single().Result.EnumerateArray().Single();
        Assert.Equal(("guard", "OwnAddress", "ours"),
            (refused.GetProperty("refused_by").GetString(), refused.GetProperty("reason").GetString(), refused.GetProperty("text").GetString()));
        Assert.Equal(ControlError.BadRequest, (await RepliesAsync("routes", """{"all":true,"filtered":true}""")).Single().Error);
    }

    [Fact]
    public async Task Log_levels_are_set_and_listed()
    {
        _daemon.Log.Loggers.CreateLogger("engine/peers");
        Assert.Equal("""{"message":"engine would log from debug on, for 600 s"}""",
            (await RepliesAsync("log.set_level", """{"component":"engine","level":"debug","for_s":600,"dry_run":true}""")).Single().Result.GetRawText());
        Assert.Equal("""{"message":"engine logs from debug on, until the next start"}""",
            (await RepliesAsync("log.set_level", """{"component":"engine","level":"debug"}""")).Single().Result.GetRawText());
        Assert.Contains("""{"component":"engine/peers","level":"debug","set_for":"engine","until":null}""",
            (await RepliesAsync("log.levels", "{}")).Single().Result.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(ControlError.BadRequest, (await RepliesAsync("log.set_level", """{"level":"debug","for_s":0}""")).Single().Error);
    }

    [Theory]
    [InlineData(31, "", "")]
    [InlineData(29, "", "expires in 29 days, on 2026-12-21")]
    [InlineData(6, "expires in 6 days, on 2026-11-28", "")]
    [InlineData(0.5, "expires in 12 hours, on 2026-11-23", "")]
    [InlineData(-1, "has expired, on 2026-11-21", "")]
    public void A_certificate_that_ends_is_told_in_time(double days, string problem, string notice)
    {
        Health health = Health.Of(new EngineStatus(TimeSpan.Zero, [], [], [], []), [], Noon.AddDays(days), Noon);
        Assert.Contains(problem, string.Join('\n', health.Problems), StringComparison.Ordinal);
        Assert.Contains(notice, string.Join('\n', health.Notices), StringComparison.Ordinal);
        Assert.Equal((problem.Length > 0 ? 1 : 0, notice.Length > 0 ? 1 : 0), (health.Problems.Length, health.Notices.Length));
    }

    [Fact]
    public void An_mtu_that_is_too_large_for_a_path_is_noticed_once_the_path_has_settled()
    {
        PeerStatus peer = _daemon.Status.Peers[0] with { Since = Noon.AddMinutes(-5) };
        var status = new EngineStatus(TimeSpan.Zero, [peer], [_daemon.Status.Networks[0] with { Mtu = 1500, Error = "" }], [], []);
        Assert.Contains("mtu of 1500 bytes is more than the 1421 bytes that pass to peer a",
            Assert.Single(Health.Of(status, [], null, Noon).Notices), StringComparison.Ordinal);
        Assert.Empty(Health.Of(status with { Peers = [peer with { Since = Noon.AddSeconds(-5) }] }, [], null, Noon).Notices);
    }

    private static PeerDetail Detail(PeerStatus status) => new(status)
    {
        KeyAge = TimeSpan.FromSeconds(65.9),
        Errors = [new PeerError(Noon, "Dead: gone")],
        Addresses = [new AddressReport("h:1", null, "")],
        Networks = [new PeerNetwork("lab", true) { Drops = [KeyValuePair.Create(DropReason.NoRoute, 3L)] }],
    };

    private ControlMethods Methods() => new(_daemon, _ => { }, NullLogger.Instance);

    private async Task<List<ControlReply>> RepliesAsync(string method, string parameters, ControlRole role = ControlRole.Admin)
    {
        List<ControlReply> replies = [];
        var call = new ControlCall(method, JsonElement.Parse(parameters), new ControlPrincipal(role, "uid 0"));
        await foreach (ControlReply reply in Methods().InvokeAsync(call, TestContext.Current.CancellationToken))
            replies.Add(reply);
        return replies;
    }
}
