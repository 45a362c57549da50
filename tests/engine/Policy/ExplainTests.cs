using System.Collections.Immutable;
using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Node;
using VibePN.Engine.Policy;
using VibePN.Engine.Tests.Forwarding;
using VibePN.Engine.Tests.Node;
using VibePN.Engine.Tests.Packets;
using VibePN.Engine.Time;
using VibePN.Engine.Trust;
using VibePN.Plugins.RoutingLpm;
using VibePN.Prefixes;
using VibePN.Testkit;

namespace VibePN.Engine.Tests.Policy;

/// <summary>What <c>route explain</c> says is what packets do.</summary>
public sealed class ExplainTests
{
    [Fact]
    public void Explain_equals_the_data_path_on_100000_random_tables_and_destinations()
    {
        var seen = new Dictionary<string, int>();
        int cases = 0;
        for (int seed = 0; cases < 100_000; seed++)
        {
            using var bench = new ExplainBench(new Random(seed));
            for (int i = 0; i < 250; i++, cases++)
                bench.CompareOne(seed, seen);
        }
        // Every outcome came about many times: a comparison that never saw one would prove nothing of it.
        foreach (string outcome in new[] { "None", "NoRoute", "NoSession", "BackToSender", "NotUnicast", "group", "damped", "v6", "in None", "in SourceNotAllowed", "in DestinationNotLocal" })
            Assert.True(seen.GetValueOrDefault(outcome) > 300, $"{outcome}: {seen.GetValueOrDefault(outcome)} of {cases}");
    }

    [Fact]
    public void A_policy_whose_words_differ_from_its_table_is_reported()
    {
        using var bench = new ExplainBench(new Random(1));
        bench.Policy.Lies = true;
        RouteReport[] reports = [.. Enumerable.Range(0, 100).Select(_ => bench.Explain(bench.DrawAddress(), null))];
        Assert.Contains(reports, report => report.Fault.Contains("report this as a fault of the routing plugin", StringComparison.Ordinal));
    }
}

/// <summary>One network with random peers, rules, announcements and flaps, and its real way out and in.</summary>
internal sealed class ExplainBench : IEngineDriver, IDisposable
{
    private static readonly IpPrefix[] s_common =
    [
        .. new[] { "10.42.2.0/24", "10.42.2.0/27", "10.42.1.16/28", "10.42.2.9/32", "10.42.1.32/32", "fd42::9/128", "fd42::a/128" }
            .Select(IpPrefix.Parse),
    ];

    private readonly Random _random;
    private readonly OverlayNetwork _network;
    private readonly FakeTunDevice _device = new();
    private readonly PacketBatch _batch = new(1, 4_096);
    private readonly List<FakeTransportConnection> _connections = [];
    private readonly Dictionary<Fingerprint, PeerView> _views = [];
    private OutboundPath _outbound = null!;

    public ExplainBench(Random random)
    {
        _random = random;
        _network = new OverlayNetwork(NodeLab.Network("corp", 42, 1) with
        {
            Originate = random.Next(2) == 0 ? [] : [IpPrefix.Parse("10.42.1.0/28")],
            MaxPaths = random.Next(1, 5),
            Rules = random.Next(4) == 0 ? NetworkRules.None : NodeLab.TakesAll,
        });
        _network.Attach(_device, this, () => Now);
        Fill();
    }

    public Instant Now { get; private set; } = default(Instant) + TimeSpan.FromSeconds(1_000);

    public LyingPolicy Policy { get; } = new();

    public IDisposable StartPump(ITunDevice device, OutboundPath path)
    {
        _outbound = path;
        return path;
    }

    public void Commit(Admission admission, Action<string?, Instant> done) => throw new NotSupportedException();

    public RouteReport Explain(IpAddress destination, IpAddress? source) =>
        new RouteExplainer(_network, _views, Policy, Now).Explain(destination, source);

    /// <summary>Explains one packet and sends it, out or in; both must end alike.</summary>
    public void CompareOne(int seed, Dictionary<string, int> seen)
    {
        IpAddress destination = DrawAddress();
        IpAddress source = DrawAddress();
        if (source.Family != destination.Family || _random.Next(3) == 0)
            source = _network.OwnAddresses.First(own => own.Family == destination.Family);
        RouteReport report = Explain(destination, source);
        string what = $"seed {seed}: {source} to {destination}: {report.Verdict}";
        Assert.True(report.Fault.Length == 0, $"{what}: {report.Fault}");
        // Explain asks about a packet without ports and protocol; IPv6's nearest is 59, "no next header".
        byte[] packet = TestPackets.Ip(source.ToString(), destination.ToString(), 0, new byte[8]);
        if (destination.Family == IpFamily.V6)
            packet = TestPackets.Ip(source.ToString(), destination.ToString(), 59, []);
        if (report.Inbound)
            CompareInbound(packet, report, what);
        else
            CompareOutbound(packet, report, what);
        Count(seen, report, destination);
    }

    /// <summary>An address out of the few that prefixes are drawn from, and some that are none of anybody.</summary>
    public IpAddress DrawAddress() => _random.Next(12) switch
    {
        0 => _network.OwnAddresses[_random.Next(2)],
        1 => IpAddress.Parse(_random.Next(2) == 0 ? "224.0.0.9" : "ff02::1"),
        2 => IpAddress.FromV4((uint)_random.Next(0x0B00_0000, 0x7E00_0000)),
        < 6 => IpAddress.FromV6(((UInt128)0xfd42 << 112) | (UInt128)_random.Next(2, 34)),
        _ => IpAddress.FromV4(0x0A2A_0000 + (uint)(_random.Next(3) * 256) + (uint)_random.Next(2, 34)),
    };

    public void Dispose()
    {
        _network.Dispose();
        _outbound.Dispose();
        _batch.Dispose();
        _device.Dispose();
    }

    private void CompareOutbound(byte[] packet, RouteReport report, string what)
    {
        int[] before = [.. _connections.Select(connection => connection.SentCount)];
        long drops = _network.Port!.SentDrops[report.Drop];
        _batch.Clear();
        Assert.True(_batch.TryAdd(packet));
        _outbound.Process(_batch);
        Fingerprint? taken = _connections.Where((connection, i) => connection.SentCount > before[i]).Select(connection => (Fingerprint?)connection.Peer).SingleOrDefault();
        if (report.Drop == DropReason.None)
        {
            bool isGroupOfV6 = packet[0] >> 4 == 6 && report.Egress.Length > 1;
            // The protocol is part of a flow, so within a group of equals a real packet may take another of them.
            Assert.True(isGroupOfV6 ? report.Egress.Any(hop => hop.Peer == taken && hop.State == "up") : report.Peer == taken, what);
        }
        else
        {
            Assert.True(taken is null && _network.Port.SentDrops[report.Drop] == drops + 1, what);
        }
    }

    // From every peer in turn: one that may use the source decides, as explain says.
    private void CompareInbound(byte[] packet, RouteReport report, string what)
    {
        var inbound = new InboundPath();
        bool delivered = false;
        var reasons = new HashSet<DropReason>();
        foreach (PeerPort port in _network.Ports.Values)
        {
            int before = _device.WrittenCount;
            ImmutableArray<KeyValuePair<DropReason, long>> drops = DropCounters.Sum(_network.Port!.ReceivedDrops);
            _batch.Clear();
            Assert.True(_batch.TryAdd(packet, network: 3));
            inbound.Process(new InboundPort([(3, port)]), _batch);
            bool passed = _device.WrittenCount > before;
            delivered |= passed;
            Assert.Equal(passed, report.Drop == DropReason.None && report.SourceCheck!.Peers.Contains(_views[port.Peer].Name));
            foreach (KeyValuePair<DropReason, long> drop in DropCounters.Sum(_network.Port.ReceivedDrops))
            {
                if (!drops.Contains(drop))
                    reasons.Add(drop.Key);
            }
        }
        Assert.True(delivered == (report.Drop == DropReason.None), what);
        Assert.True(delivered || reasons.Contains(report.Drop), $"{what}: {string.Join(' ', reasons)}");
        Assert.True(report.Drop == DropReason.SourceNotAllowed || report.SourceCheck!.Peers.Length > 0, what);
    }

    private void Fill()
    {
        var judge = new RouteJudge([_network], (_, _, _) => null, new PolicySlot(Policy), NullLogger.Instance, Now);
        PeerFacts[] peers = [.. Enumerable.Range(0, _random.Next(1, 7)).Select(i => new PeerFacts
        {
            Id = ForwardingFixture.Id((byte)i),
            Name = $"peer{i}",
            Connected = _random.Next(4) != 0,
        })];
        foreach (PeerFacts peer in peers)
        {
            _views[peer.Id] = new PeerView(peer.Name, peer.Connected ? "up" : "waiting", null);
            for (int i = _random.Next(1, 14); i > 0; i--)
                AnnounceOne(judge, peer);
        }
        Publish(peers);
    }

    private void AnnounceOne(RouteJudge judge, PeerFacts peer)
    {
        IpAddress address = DrawAddress();
        int width = address.BitLength;
        // Some prefixes many peers have, so that there is something to choose among.
        IpPrefix prefix = _random.Next(2) == 0 ? s_common[_random.Next(s_common.Length)]
            : new IpPrefix(address, _random.Next(2) == 0 ? width : _random.Next(width - 8, width));
        uint metric = (uint)_random.Next(2);
        for (int flaps = _random.Next(6) == 0 ? 7 : 0; flaps > 0; flaps--)
            _network.Damping.OnWithdraw(peer.Id, prefix, Now);
        _network.Routes.Announce(peer.Id, prefix, metric, judge.Import(_network, peer, true, prefix, metric, Now), Now);
    }

    private void Publish(PeerFacts[] peers)
    {
        foreach (PeerFacts peer in peers)
        {
            PeerPort port = _network.PortOf(peer.Id)!;
            _network.AllowSources(port);
            if (!peer.Connected || _random.Next(8) == 0)
                continue; // some broke after the policy was told that they are up: packets see that at once
            var connection = new FakeTransportConnection { Peer = peer.Id, Records = false };
            _connections.Add(connection);
            port.Active = new ActiveConnection(connection, 0);
        }
        RouteSnapshot snapshot = _network.Snapshot(_network.Routes.Candidates(Now), [.. peers.OrderBy(peer => peer.Id)]);
        _network.Use(CheckedPolicy.Compile(Policy, snapshot), snapshot, Now);
    }

    private static void Count(Dictionary<string, int> seen, RouteReport report, IpAddress destination)
    {
        Add((report.Inbound ? "in " : "") + report.Drop);
        if (report.Egress.Length > 1)
            Add("group");
        if (report.Candidates.Any(candidate => candidate.Reason == RouteReason.Damped))
            Add("damped");
        if (destination.Family == IpFamily.V6 && report.Peer is not null)
            Add("v6");

        void Add(string outcome) => seen[outcome] = seen.GetValueOrDefault(outcome) + 1;
    }
}

/// <summary>The shipped policy, which explains another packet than it was asked about when it lies.</summary>
internal sealed class LyingPolicy : IRoutePolicyPlugin
{
    private readonly LpmRoutePolicy _real = new(new LabContext(TimeProvider.System));

    public bool Lies { get; set; }

    public ImportVerdict Import(ImportRequest request) => _real.Import(request);

    public ExportVerdict Export(ExportRequest request) => _real.Export(request);

    public IRouteLookup Compile(RouteSnapshot snapshot) => _real.Compile(snapshot);

    public RouteSelection SelectNextHops(RouteSnapshot snapshot, IpPrefix prefix) => _real.SelectNextHops(snapshot, prefix);

    public RouteExplanation Explain(RouteSnapshot snapshot, in PacketKey packet) =>
        Lies ? new RouteExplanation([], [], "nothing") : _real.Explain(snapshot, packet);

    public ValueTask StartAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public ValueTask StopAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;
}
