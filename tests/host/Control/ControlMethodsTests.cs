using System.Collections.Immutable;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Engine.Configuration;
using VibePN.Engine.Events;
using VibePN.Host.Configuration;
using VibePN.Host.Control;
using VibePN.Host.Logging;
using VibePN.Host.Trust;
using VibePN.Host.Running;

namespace VibePN.Host.Tests.Control;

public sealed class ControlMethodsTests
{
    private static readonly Fingerprint Node = Fingerprint.Parse(new string('1', 64));
    private static readonly Fingerprint Other = Fingerprint.Parse(new string('2', 64));
    private static readonly DateTimeOffset Noon = new(2026, 11, 22, 13, 0, 0, 900, TimeSpan.FromHours(1));

    private readonly FakeDaemon _daemon = new();
    private readonly List<AuditLine> _audited = [];

    [Fact]
    public async Task Status_sums_up()
    {
        Assert.Equal(
            $$"""{"config_hash":"c0ffee","health":"degraded","health_reason":"network lab: no device (and 3 more)","network_states":["lab: down; no device"],"networks":1,"node":"{{Node}}","offloads":["quic: gso"],"peers":1,"peers_configured":2,"peers_down":["b: waiting; refused"],"pending":["state: \"a\" -> \"b\" at the next start"],"pid":{{Environment.ProcessId}},"routes":1,"uptime":"1h2m3s","version":"0.1.0","warnings":["network lab: no device","plugin x is failed","clock","audit"]}""",
            await OkAsync("status"));
    }

    [Fact]
    public async Task Peers_have_sorted_keys_and_null_for_what_is_unknown()
    {
        Assert.Equal(
            $$"""[{"address":"h:1","addresses":["h:1"],"connections":1,"dropped_packets":5,"id":"{{Other}}","last_error":"","last_seen":"2026-11-22T12:00:00Z","loss_permille":2,"max_packet":1421,"name":"a","networks":["lab"],"next_dial_ms":null,"path_mtu":1452,"remote":"1.2.3.4:51820","role":"initiator","rtt_ms":0.4,"rx_bytes":4,"rx_packets":3,"sampled_ms":0,"since":"2026-11-22T12:00:00Z","state":"up","tx_bytes":2,"tx_packets":1},{"address":null,"addresses":[],"connections":0,"dropped_packets":0,"id":"","last_error":"refused","last_seen":null,"loss_permille":0,"max_packet":null,"name":"b","networks":[],"next_dial_ms":1500,"path_mtu":null,"remote":null,"role":null,"rtt_ms":null,"rx_bytes":0,"rx_packets":0,"sampled_ms":0,"since":null,"state":"waiting","tx_bytes":0,"tx_packets":0}]""",
            await OkAsync("peers"));
    }

    [Fact]
    public async Task Routes_and_networks_are_listed()
    {
        Assert.Equal(
            $$"""[{"age_s":12,"best":true,"expires":null,"metric":256,"network":"lab","peer":"{{Other}}","peer_name":"a","prefix":"10.42.0.5/32","reason":null,"refused_by":null,"rule":null,"source":"learned","stale":false,"text":null}]""",
            await OkAsync("routes"));
        Assert.Equal(
            """[{"addresses":["10.42.0.36/24"],"bytes_in":4,"bytes_out":2,"device":"","drops":{"Malformed":1,"NoRoute":3},"error":"no device","mtu":1380,"name":"lab","originate":["192.168.7.0/24"],"packets_in":3,"packets_out":1,"peers_up":1}]""",
            await OkAsync("networks"));
    }

    [Fact]
    public async Task Empty_lists_are_empty_lists()
    {
        _daemon.Status = new EngineStatus(TimeSpan.Zero, [], [], [], []);
        foreach (string method in new[] { "peers", "routes", "networks" })
            Assert.Equal("[]", await OkAsync(method));
    }

    [Fact]
    public async Task Plugins_and_version_are_told()
    {
        Assert.Equal(
            """[{"contract":"1.0","file":"p/x.dll","hash":"ab","name":"x","role":"tun","settings":{"queue":"1000"},"state":"failed","version":"0.1.0"}]""",
            await OkAsync("plugins.list"));
        Assert.StartsWith("""{"contracts":"1.0","daemon":"0.1.0","runtime":".NET 10.""", await OkAsync("version"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Orders_reach_the_daemon()
    {
        Assert.Equal("""{"changes":["peer a: added"],"ended_sessions":[],"message":"config validated, reloaded, and routes re-announced","warnings":[]}""",
            await OkAsync("reload"));
        Assert.Equal("""{"message":"sent goodbye to all peers"}""", await OkAsync("goodbye"));
        Assert.Equal("""{"message":"shutting down"}""", await OkAsync("shutdown"));
        Assert.Equal(["reload by uid 0", "goodbye", "stop: shutdown by uid 0"], _daemon.Calls);
    }

    [Fact]
    public async Task A_refused_reload_tells_every_error()
    {
        _daemon.Reload = new ReloadOutcome(ControlError.InvalidConfig, "one\ntwo", []);
        ControlReply reply = await CallAsync("reload");
        Assert.Equal(ControlError.InvalidConfig, reply.Error);
        Assert.Equal("one\ntwo", reply.Message);
    }

    [Fact]
    public async Task An_unknown_command_is_told_so_and_cannot_forge_a_line()
    {
        ControlReply reply = await CallAsync("stat\nus");
        Assert.Equal(ControlError.UnknownMethod, reply.Error);
        Assert.Equal(@"unknown command: stat\nus", reply.Message);
    }

    [Fact]
    public async Task A_viewer_may_look_and_not_change()
    {
        Assert.Equal(ControlError.None, (await CallAsync("status", ControlRole.Viewer)).Error);
        Assert.Equal(ControlError.Denied, (await CallAsync("shutdown", ControlRole.Viewer)).Error);
        Assert.Equal(ControlError.Denied, (await CallAsync("status", ControlRole.None)).Error);
        Assert.Empty(_daemon.Calls);
    }

    [Fact]
    public async Task A_fault_becomes_an_answer()
    {
        _daemon.Fault = new PluginException("the engine is not running");
        Assert.Equal(new ControlReply(default, ControlError.PluginFailed, "the engine is not running"), await CallAsync("status"));
        _daemon.Fault = new InvalidCastException("bug");
        Assert.Equal(ControlError.Internal, (await CallAsync("status")).Error);
        _daemon.Fault = new TimeoutException("too long");
        Assert.Equal(new ControlReply(default, ControlError.Timeout, "too long"), await CallAsync("status"));
    }

    [Fact]
    public async Task A_route_is_explained_with_stable_names()
    {
        Assert.Equal(
            $$"""{"candidates":[{"age_s":0,"announced_metric":3,"chosen":true,"damped_s":null,"metric":259,"peer":"{{Other}}","peer_name":"a","penalty":0,"preference":120,"prefix":"192.168.7.0/24","reason":"Best","refused_by":null,"rule":"import rule 1","stale":false,"tags":["lan"],"text":"Chosen."},{"age_s":null,"announced_metric":1,"chosen":false,"damped_s":61,"metric":null,"peer":"{{Node}}","peer_name":"b","penalty":6000,"preference":null,"prefix":"192.168.0.0/16","reason":"Damped","refused_by":"damping","rule":"","stale":false,"tags":[],"text":"restless"}],"covering":["192.168.0.0/16"],"destination":"192.168.7.9","direction":"out","drop":"NoSession","egress":[{"max_packet":null,"path_mtu":null,"peer":"{{Other}}","peer_name":"a","remote":null,"rtt_ms":null,"state":"waiting","taken":false,"weight":1}],"fault":"","local":"","matched":"192.168.7.0/24","network":"lab","peer":null,"policy":{"name":"unknown","text":"words","version":"unknown"},"source":"10.42.0.36","source_check":{"own":true,"peers":[],"text":"ours"},"table":{"age_s":2.5,"version":7},"verdict":"dropped"}""",
            await OkAsync("route.explain", """{"destination":"192.168.7.9","from":"10.42.0.36"}"""));
        Assert.Equal(new RouteQuestion(IpAddress.Parse("192.168.7.9"), null, IpAddress.Parse("10.42.0.36")), _daemon.Question);
    }

    [Theory]
    [InlineData("{}", ControlError.BadRequest, "'route.explain' needs 'destination': The packet's destination, an IPv4 or IPv6 address.")]
    [InlineData("""{"destination":"corp"}""", ControlError.BadRequest, "'corp' is no IP address: 'destination' is one such as 192.168.7.20 or fd5a::7.")]
    [InlineData("""{"destination":"10.0.0.1","from":"x\ny"}""", ControlError.BadRequest, @"'x\ny' is no IP address: 'from' is one such as 192.168.7.20 or fd5a::7.")]
    [InlineData("""{"destination":5}""", ControlError.BadRequest, "'destination' of 'route.explain' must be a string: The packet's destination, an IPv4 or IPv6 address.")]
    [InlineData("""{"destination":"10.0.0.1","network":"x"}""", ControlError.NotFound, "there is no network 'x'.")]
    public async Task A_question_that_cannot_be_answered_is_told_why(string parameters, ControlError error, string text)
    {
        ControlReply reply = await CallAsync("route.explain", ControlRole.Viewer, parameters);
        Assert.Equal((error, text), (reply.Error, reply.Message));
    }

    [Fact]
    public async Task A_parameter_that_nobody_reads_is_a_warning_and_an_error_when_strict()
    {
        var call = new ControlCall("reload", JsonElement.Parse("""{"dryrun":true}"""), new ControlPrincipal(ControlRole.Admin, "uid 0"));
        ControlReply lax = (await RepliesAsync(call)).Single();
        Assert.Equal(
            (ControlError.None, "'reload' has no parameter 'dryrun'; did you mean 'dry_run'?"), (lax.Error, lax.Warnings.Single()));
        ControlReply strict = (await RepliesAsync(call with { Strict = true })).Single();
        Assert.Equal((ControlError.BadRequest, lax.Warnings[0]), (strict.Error, strict.Message));
    }

    [Fact]
    public async Task A_thousand_unknown_parameters_are_not_answered_a_thousandfold()
    {
        string many = "{" + string.Join(',', Enumerable.Range(0, 1_000).Select(i => $"\"p{i}\":0")) + "}";
        Assert.Equal(8, (await CallAsync("reload", parameters: many)).Warnings.Count);
    }

    [Theory]
    [InlineData("status")]
    [InlineData("version")]
    [InlineData("goodbye")]
    [InlineData("shutdown")]
    [InlineData("reload")]
    [InlineData("peers")]
    [InlineData("networks")]
    [InlineData("routes")]
    [InlineData("log.levels")]
    [InlineData("log.set_level", """{"level":"debug"}""")]
    [InlineData("peers.disconnect", """{"name":"a"}""")]
    [InlineData("peers.reconnect", """{"name":"a"}""")]
    [InlineData("plugins.list")]
    [InlineData("api.describe")]
    [InlineData("doctor.online")]
    [InlineData("netcheck.run")]
    [InlineData("bundle.create")]
    [InlineData("plugins.swap", """{"role":"routing","name":"b"}""")]
    [InlineData("route.explain", """{"destination":"192.168.7.9"}""")]
    [InlineData("trust.list")]
    [InlineData("trust.pending")]
    [InlineData("trust.show", """{"subject":"a"}""")]
    [InlineData("trust.deny", """{"subject":"a"}""")]
    public async Task Answers_have_the_members_that_are_documented(string method, string? parameters = null)
    {
        MethodSchemas schemas = await MethodSchemas.OfAsync(Methods());
        ControlMethod described = Methods().Describe().Single(each => each.Name == method);
        JsonElement answer = (await CallAsync(method, parameters: parameters)).Result;
        schemas.AcceptParameters(method, parameters ?? "{}");
        schemas.AcceptResult(method, answer.GetRawText());
        JsonElement[] objects = described.ReturnsList ? [.. answer.EnumerateArray()] : [answer];
        Assert.NotEmpty(objects);
        foreach (JsonElement each in objects)
        {
            Assert.Equal(described.Result.Select(field => field.Name).Order(StringComparer.Ordinal),
                each.EnumerateObject().Select(member => member.Name));
            foreach (ControlField field in described.Result)
                Assert.True(Fits(each.GetProperty(field.Name), field), $"{field} is {each.GetProperty(field.Name)}");
        }
    }

    [Fact]
    public void Every_method_that_changes_something_can_be_tried_without()
    {
        // Who is trusted is for admins to see, and seeing changes nothing.
        string[] looks = ["trust.list", "trust.pending", "trust.show"];
        foreach (ControlMethod method in Methods().Describe().Where(method => method.RequiredRole == ControlRole.Admin && !looks.Contains(method.Name)))
            Assert.Contains(method.Parameters, field => field is { Name: "dry_run", Kind: ControlValueKind.Boolean });
    }

    [Fact]
    public void Methods_are_described_sorted_by_name()
    {
        string[] names = [.. Methods().Describe().Select(method => method.Name)];
        Assert.Equal(names.Order(StringComparer.Ordinal), names);
        Assert.Superset(new HashSet<string>(["goodbye", "peers", "reload", "routes", "status"]), names.ToHashSet());
    }

    [Fact]
    public async Task Parameters_of_changes_reach_the_daemon()
    {
        ControlReply swapped = await CallAsync("plugins.swap", parameters: """{"role":"routing","name":"b","dry_run":true}""");
        Assert.Equal(
            """{"changes":["corp 10.0.0.0/8: a -> b"],"message":"b has taken the place of a.","took_ms":1.25}""",
            swapped.Result.GetRawText());
        Assert.Contains("nothing was changed", (await CallAsync("reload", parameters: """{"dry_run":true}""")).Result.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(ControlError.BadRequest, (await CallAsync("plugins.swap", parameters: """{"role":"routing"}""")).Error);
        Assert.Equal(
            ["SwapRequest { Role = routing, Name = b, Replace = , DryRun = True } by uid 0", "plan by uid 0"], _daemon.Calls);
    }

    [Fact]
    public async Task Orders_about_trust_reach_the_desk_and_what_one_plugin_still_needs_is_a_warning()
    {
        string digits = new('7', 64);
        ControlReply accepted = await CallAsync("trust.accept", parameters: $$"""{"fingerprint":"{{digits}}","peer":"b"}""");
        Assert.Equal(
            """{"dry_run":false,"ended_sessions":["a: denied"],"fingerprints":["2222222222222222222222222222222222222222222222222222222222222222"],"message":"Done.","peer":"a","plugins":[{"done":true,"plugin":"tofu","text":"Done."},{"done":false,"plugin":"pinned","text":"Set it."}]}""",
            accepted.Result.GetRawText());
        Assert.Equal(["pinned: Set it."], accepted.Warnings);
        await OkAsync("trust.replace", $$"""{"peer":"a","to":"t","from":"f","dry_run":true}""");
        Assert.Empty((await CallAsync("trust.deny", parameters: """{"subject":"a"}""")).Warnings);
        await OkAsync("trust.forget", """{"subject":"a"}""");
        Assert.Equal(
            [
                new TrustWish(TrustAction.Accept, digits, false) { Peer = "b" },
                new TrustWish(TrustAction.Replace, "a", true) { To = "t", From = "f" },
                new TrustWish(TrustAction.Deny, "a", false),
                new TrustWish(TrustAction.Forget, "a", false),
            ],
            _daemon.Desk.Wishes);
    }

    [Fact]
    public async Task A_comparison_streams_its_steps_and_its_digits_are_in_no_audit_line()
    {
        List<ControlReply> replies = await RepliesAsync(Verify("""{"peer":"a"}"""));
        Assert.Equal(
            [
                """{"digits":null,"message":"wait","peer":"a","state":"waiting"}""",
                """{"digits":"012345","message":"read","peer":"a","state":"digits"}""",
            ],
            replies.Select(reply => reply.Result.GetRawText()));
        replies = await RepliesAsync(Verify("""{"peer":"a","confirm":"012345"}"""));
        Assert.Equal("confirmed", Assert.Single(replies).Result.GetProperty("state").GetString());
        Assert.Equal(["a 012345"], _daemon.Desk.Confirmed);
        _daemon.Desk.Steps = [new(VerifyState.Waiting, "wait"), new(VerifyState.Expired, "too late")];
        replies = await RepliesAsync(Verify("""{"peer":"a"}"""));
        Assert.Equal((ControlError.Timeout, "too late."), (replies[1].Error, replies[1].Message));
        Assert.Equal(["ok", "ok", "timeout"], _audited.Select(line => line.Outcome));
        Assert.Equal("(secret)", _audited[1].Parameters.Single(pair => pair.Key == "confirm").Value);
        Assert.Equal(ControlError.NotFound, Assert.Single(await RepliesAsync(Verify("""{"peer":"nobody"}"""))).Error);

        static ControlCall Verify(string parameters) =>
            new("trust.verify", JsonElement.Parse(parameters), new ControlPrincipal(ControlRole.Admin, "uid 0"));
    }

    [Fact]
    public async Task Every_order_of_an_admin_is_audited_with_its_outcome_and_looking_is_not()
    {
        await CallAsync("status");
        await CallAsync("reload", parameters: """{"dry_run":true}""");
        _daemon.Reload = new ReloadOutcome(ControlError.InvalidConfig, "line 1", []);
        await CallAsync("reload");
        await CallAsync("plugins.swap");
        await CallAsync("trust.show", parameters: """{"subject":"nobody"}""");
        await CallAsync("shutdown", ControlRole.Viewer);
        Assert.Equal(
            [("reload", "ok"), ("reload", "invalid_config"), ("plugins.swap", "bad_request"), ("trust.show", "not_found")],
            _audited.Select(line => (line.Method, line.Outcome)));
        Assert.Equal([KeyValuePair.Create("dry_run", "true")], _audited[0].Parameters);
        Assert.All(_audited, line => Assert.Equal("uid 0", line.Principal));
    }

    private ControlMethods Methods() => new(_daemon, _audited.Add, NullLogger.Instance);

    private async Task<string> OkAsync(string method, string? parameters = null)
    {
        ControlReply reply = await CallAsync(method, parameters: parameters);
        Assert.Equal("", reply.Message);
        return reply.Result.GetRawText();
    }

    private async Task<ControlReply> CallAsync(
        string method, ControlRole role = ControlRole.Admin, string? parameters = null)
    {
        JsonElement given = parameters is null ? default : JsonElement.Parse(parameters);
        return (await RepliesAsync(new ControlCall(method, given, new ControlPrincipal(role, "uid 0")))).Single();
    }

    private async Task<List<ControlReply>> RepliesAsync(ControlCall call)
    {
        List<ControlReply> replies = [];
        await foreach (ControlReply reply in Methods().InvokeAsync(call, TestContext.Current.CancellationToken))
            replies.Add(reply);
        return replies;
    }

    private static bool Fits(JsonElement value, ControlField field) => value.ValueKind switch
    {
        JsonValueKind.Null => !field.Required,
        JsonValueKind.String => field.Kind == ControlValueKind.String,
        JsonValueKind.Number => field.Kind == ControlValueKind.Number
            || (field.Kind == ControlValueKind.Integer && value.TryGetInt64(out _)),
        JsonValueKind.True or JsonValueKind.False => field.Kind == ControlValueKind.Boolean,
        JsonValueKind.Object => field.Kind == ControlValueKind.Object,
        _ => field.Kind == (value.EnumerateArray().Any(item => item.ValueKind == JsonValueKind.Object)
            ? ControlValueKind.Objects
            : value.GetArrayLength() == 0 && field.Kind == ControlValueKind.Objects ? ControlValueKind.Objects : ControlValueKind.Strings),
    };

    internal sealed class FakeDaemon : IDaemon
    {
        public EventRing Events { get; } = new(TimeProvider.System);

        public DaemonLog Log { get; } = new(Stream.Null, forJournal: false, Microsoft.Extensions.Logging.LogLevel.Information);

        public LogLevels LogLevels => Log.Levels;

        public DateTimeOffset? CertificateEnds { get; set; }

        public ImmutableArray<RouteStatus> Refused { get; set; } = [];

        public PeerDetail? Peer { get; set; }

        public List<PingStep> Steps { get; } = [];

        public PingRequest? Pinged { get; private set; }

        public Task<PeerDetail?> GetPeerAsync(string name, CancellationToken cancellationToken) => Task.FromResult(name == "a" ? Peer : null);

        public Task<PeerOrder> DisconnectPeerAsync(string name, bool dryRun, CancellationToken cancellationToken) => OrderAsync("disconnect", name, dryRun);

        public Task<PeerOrder> ReconnectPeerAsync(string name, bool dryRun, CancellationToken cancellationToken) => OrderAsync("reconnect", name, dryRun);

        private Task<PeerOrder> OrderAsync(string what, string name, bool dryRun)
        {
            Calls.Add($"{what} {name} {dryRun}");
            return Task.FromResult(name == "a" ? new PeerOrder(true, "done") : new PeerOrder(false, $"there is no peer '{name}'."));
        }

        public Task<ImmutableArray<RouteStatus>> GetRefusedRoutesAsync(CancellationToken cancellationToken) => Task.FromResult(Refused);

        public async IAsyncEnumerable<PingStep> PingAsync(PingRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            Pinged = request;
            foreach (PingStep step in Steps)
                yield return step;
            await Task.CompletedTask;
        }

        public EngineStatus Status { get; set; } = new(
            new TimeSpan(1, 2, 3),
            [
                new PeerStatus
                {
                    Name = "a", Id = Other, Addresses = ["h:1"], State = "up", Networks = ["lab"], LastSeen = Noon, Since = Noon,
                    Role = ConnectionRole.Initiator, Connections = 1, Counters = new ConnectionStatistics(1, 2, 3, 4, 5, 6, 7),
                    Path = new PathFacts(IPEndPoint.Parse("1.2.3.4:51820"), TimeSpan.FromMilliseconds(0.4), 2, 1421, 1452),
                },
                new PeerStatus { Name = "b", State = "waiting", LastError = "refused", NextDial = TimeSpan.FromSeconds(1.5) },
            ],
            [
                new NetworkStatus
                {
                    Name = "lab", Device = "", Mtu = 1380, Addresses = [new InterfaceAddress(IpAddress.Parse("10.42.0.36"), 24)],
                    Originate = [IpPrefix.Parse("192.168.7.0/24")], PeersUp = 1, PacketsOut = 1, BytesOut = 2, PacketsIn = 3,
                    BytesIn = 4, Error = "no device",
                    Drops = [KeyValuePair.Create(DropReason.NoRoute, 3L), KeyValuePair.Create(DropReason.Malformed, 1L)],
                },
            ],
            [
                new RouteStatus("lab",
                    new RouteCandidate
                    {
                        Prefix = IpPrefix.Parse("10.42.0.5/32"), NextHop = Other, Origin = Other, Age = TimeSpan.FromSeconds(12.7),
                    },
                    "a", Best: true, Expires: null),
            ],
            ["clock"])
        {
            Offloads = ["quic: gso"],
        };

        public ReloadOutcome Reload { get; set; } = new(ControlError.None, "", ["peer a: added"]);

        public Exception? Fault { get; set; }

        public List<string> Calls { get; } = [];

        public Fingerprint Node => ControlMethodsTests.Node;

        public Enrolment.FakeOnboarding Invites { get; } = new();

        public VibePN.Host.Enrolment.IOnboarding Onboarding => Invites;

        public Task<EngineStatus> GetStatusAsync(CancellationToken cancellationToken) =>
            Fault is null ? Task.FromResult(Status) : Task.FromException<EngineStatus>(Fault);

        public RouteQuestion? Question { get; private set; }

        public Task<RouteAnswer> ExplainRouteAsync(RouteQuestion question, CancellationToken cancellationToken)
        {
            Question = question;
            return Task.FromResult(question.Network is { } name
                ? new RouteAnswer(null, $"there is no network '{name}'.")
                : new RouteAnswer(Explained(question)));
        }

        private static RouteReport Explained(RouteQuestion question) => new()
        {
            Destination = question.Destination,
            Source = question.Source ?? default,
            Network = "lab",
            TableVersion = 7,
            TableAge = TimeSpan.FromSeconds(2.49),
            Matched = IpPrefix.Parse("192.168.7.0/24"),
            Covering = [IpPrefix.Parse("192.168.0.0/16")],
            Candidates =
            [
                new RouteCandidateReport
                {
                    Prefix = IpPrefix.Parse("192.168.7.0/24"), Peer = Other, PeerName = "a", Announced = 3, Chosen = true,
                    Candidate = new RouteCandidate
                    {
                        Prefix = IpPrefix.Parse("192.168.7.0/24"), NextHop = Other, Origin = Other, Metric = 259, Preference = 120, Tags = ["lan"],
                    },
                    Reason = RouteReason.Best, Text = "Chosen.", Rule = "import rule 1",
                },
                new RouteCandidateReport
                {
                    Prefix = IpPrefix.Parse("192.168.0.0/16"), Peer = ControlMethodsTests.Node, PeerName = "b", Announced = 1,
                    Reason = RouteReason.Damped, Text = "restless", RefusedBy = "damping", Penalty = 6_000,
                    DampedFor = TimeSpan.FromSeconds(60.5),
                },
            ],
            PolicyText = "words",
            SourceCheck = new SourceReport(question.Source ?? default, [], true, "ours"),
            Egress = [new EgressReport(Other, "a", 1, "waiting", null, false)],
            Drop = DropReason.NoSession,
            Verdict = "dropped",
        };

        public ImmutableArray<PluginReport> GetPlugins() => [new PluginReport("1.0", "p/x.dll", "ab", "x", "tun", "failed", "0.1.0")
        {
            Settings = ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, [KeyValuePair.Create("queue", "1000")]),
        }];

        public ImmutableArray<string> Warnings => ["audit"];

        public FakeDesk Desk { get; } = new();

        public ITrustDesk Trust => Desk;
        public CommandLine Files { get; } = new("config.toml", "plugins.toml", CommandAction.Run);

        public HostSettings Settings { get; } = new()
        {
            StateDirectory = "/", ControlSocket = "s", MetricsListen = null, LogLevel = Microsoft.Extensions.Logging.LogLevel.Information,
        };

        public IReadOnlyList<string> RecentLog => ["a line"];

        public Task<EngineConfiguration> GetConfigurationAsync(CancellationToken cancellationToken) => Task.FromResult(new EngineConfiguration
        {
            Identity = new NodeIdentity(Node, "", ""), Listen = [IPEndPoint.Parse("127.0.0.1:51820")], Peers = [], Networks = [],
        });

        public Task<string> GetMetricsAsync(CancellationToken cancellationToken) => Task.FromResult("");

        public ImmutableArray<string> Pending => ["state: \"a\" -> \"b\" at the next start"];

        public Task<string> GetConfigurationHashAsync(CancellationToken cancellationToken) => Task.FromResult("c0ffee");

        public SwapOutcome Swap { get; set; } = new(ControlError.None, "b has taken the place of a.", ["corp 10.0.0.0/8: a -> b"], TimeSpan.FromMilliseconds(1.25));

        public Task<SwapOutcome> SwapAsync(SwapRequest request, string caller, CancellationToken cancellationToken)
        {
            Calls.Add($"{request} by {caller}");
            return Task.FromResult(Swap);
        }

        public Task<ReloadOutcome> ReloadAsync(bool dryRun, string caller, CancellationToken cancellationToken)
        {
            Calls.Add($"{(dryRun ? "plan" : "reload")} by {caller}");
            return Task.FromResult(Reload);
        }

        public Task GoodbyeAsync(CancellationToken cancellationToken)
        {
            Calls.Add("goodbye");
            return Task.CompletedTask;
        }

        public void RequestStop(string reason) => Calls.Add("stop: " + reason);
    }
}
