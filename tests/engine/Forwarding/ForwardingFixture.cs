using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Packets;
using VibePN.Engine.Time;
using VibePN.Prefixes;
using VibePN.Testkit;

namespace VibePN.Engine.Tests.Forwarding;

/// <summary>One network with fake peers, of which a table of prefixes says who has what.</summary>
internal sealed class ForwardingFixture : IDisposable
{
    public const int Capacity = 64;

    public static readonly IpAddress Own = IpAddress.Parse("10.42.0.1");
    public static readonly IpAddress Own6 = IpAddress.Parse("fd00:42::1");

    private readonly Dictionary<Fingerprint, PeerPort> _ports = [];

    public ForwardingFixture(bool records = true, OffloadCapabilities offloads = OffloadCapabilities.None)
    {
        Device = new FakeTunDevice { Records = records, Offloads = offloads };
        Network = new NetworkPort("corp", Device);
        Path = new OutboundPath(Network, Capacity, () => Now);
    }

    public FakeTunDevice Device { get; }

    public NetworkPort Network { get; }

    public OutboundPath Path { get; }

    public Instant Now { get; set; }

    /// <summary>What the next table holds TCP to.</summary>
    public int TcpMtu { get; set; } = MssClamp.NoLimit;

    public PacketBatch Batch { get; } = new(Capacity, 1 << 20);

    public FakeLookup Lookup { get; private set; } = new([], []);

    public static Fingerprint Id(byte number) => Fingerprint.Of([number]);

    /// <summary>A member; connected unless it is given no number of ours.</summary>
    public (PeerPort Port, FakeTransportConnection Connection) AddPeer(byte id, byte? number = 0, bool records = true)
    {
        var port = new PeerPort(Id(id), Network);
        var connection = new FakeTransportConnection { Peer = port.Peer, Records = records };
        if (number is byte value)
            port.Active = new ActiveConnection(connection, value);
        _ports.Add(port.Peer, port);
        return (port, connection);
    }

    /// <summary>Installs routes: each prefix with the peers that share it.</summary>
    public void SetRoutes(params (string Prefix, byte[] Peers)[] routes) =>
        SetRoutes([], [.. routes.Select(route => (route.Prefix, HopsTo(route.Peers)))]);

    public void SetRoutes(string[] behind, (string Prefix, NextHop[] Hops)[] routes)
    {
        Lookup = new FakeLookup(
            [.. routes.Select((route, i) => new PrefixEntry(IpPrefix.Parse(route.Prefix), (ushort)(i + 1)))],
            [.. routes.Select(route => new NextHopGroup([.. route.Hops]))]);
        Install(Lookup, behind);
    }

    public void Install(IRouteLookup lookup, params string[] behind) => Network.Table = ForwardingTable.Create(
        lookup, _ports, [Own, Own6], [.. behind.Select(IpPrefix.Parse)], TcpMtu);

    private static NextHop[] HopsTo(byte[] peers) => [.. peers.Select(id => new NextHop(Id(id)))];

    public void Send(params byte[][] packets)
    {
        Fill(packets);
        Path.Process(Batch);
    }

    public void Fill(params byte[][] packets)
    {
        Batch.Clear();
        foreach (byte[] packet in packets)
            Assert.True(Batch.TryAdd(packet));
    }

    public void Dispose()
    {
        Path.Dispose();
        Batch.Dispose();
        Device.Dispose();
    }

    /// <summary>A compiled lookup that counts what it is asked.</summary>
    internal sealed class FakeLookup(PrefixEntry[] entries, NextHopGroup[] groups) : IRouteLookup
    {
        private readonly PrefixTable _table = PrefixTable.Build(entries);

        public ImmutableArray<NextHopGroup> Groups { get; } = [new NextHopGroup([]), .. groups];

        public int Calls { get; private set; }

        public int Keys { get; private set; }

        public void Find(ReadOnlySpan<PacketKey> keys, Span<ushort> results)
        {
            Calls++;
            Keys += keys.Length;
            for (int i = 0; i < keys.Length; i++)
                results[i] = _table.Find(keys[i].Destination);
        }
    }
}
