using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Control;
using VibePN.Engine.Sessions;
using VibePN.Engine.Time;
using VibePN.Testkit;

namespace VibePN.Engine.Tests.Sessions;

/// <summary>One peer's machine, whose peer and whose time the test plays itself.</summary>
internal sealed class LoneMachine : ISessionActions
{
    public static readonly Fingerprint Self = Fingerprint.Of([1]);
    public static readonly Fingerprint Other = Fingerprint.Of([2]);

    private readonly NetworkConfiguration _network = new() { Name = "corp", Prefix = IpPrefix.Parse("10.42.0.0/24") };
    private long _lastId;

    public LoneMachine(params string[] addresses) => Machine = new PeerMachine(
        new PeerConfiguration { Name = "other", Addresses = [.. addresses], Fingerprint = Other, Networks = ["corp"] },
        Self, 1_000, new Random(1), this, default);

    public PeerMachine Machine { get; }

    /// <summary>Addresses dialled, by the dial's number.</summary>
    public List<(long Id, string Address, double At)> Dials { get; } = [];

    public int RouteMessages { get; private set; }

    public int Clones { get; private set; }

    /// <summary>Whether dials may begin.</summary>
    public bool MayDial { get; set; } = true;

    public static Instant At(double seconds) => default(Instant) + TimeSpan.FromSeconds(seconds);

    public Instant Now { get; private set; }

    /// <summary>Lets everything due happen until the given time.</summary>
    public void RunUntil(double end)
    {
        while (Machine.NextTimer <= At(end) && !(Machine.NextTimer <= Now && !MayDial))
        {
            Now = Instant.Max(Now, Machine.NextTimer);
            Machine.OnTimer(Now, () => MayDial ? ++_lastId : 0);
        }
        Now = At(end);
    }

    /// <summary>The peer dials us and goes through the greeting.</summary>
    public FakeTransportConnection Greet(ulong instance = 1, ulong sequence = 1)
    {
        var connection = new FakeTransportConnection { Role = ConnectionRole.Responder, Peer = Other };
        Machine.OnConnected(connection, 0, Now);
        byte[] hello = new byte[64];
        int length = ControlWriter.WriteHello(hello, new HelloMessage(1, instance, sequence, [new NumberedNetwork(0, "corp")]));
        Machine.OnControl(connection, hello.AsSpan(0, length), Now);
        Machine.OnControl(connection, [0, 1, (byte)'C'], Now);
        return connection;
    }

    public bool IsOpen(FakeTransportConnection connection) =>
        Machine.Connections.Any(open => open.Transport == connection);

    void ISessionActions.Dial(PeerMachine peer, long dialId, string address) =>
        Dials.Add((dialId, address, Now.Nanoseconds / 1e9));

    void ISessionActions.ConnectionReady(PeerMachine peer, PeerConnection connection)
    {
    }

    void ISessionActions.ActiveChanged(PeerMachine peer, PeerConnection? active, Instant now)
    {
    }

    void ISessionActions.PeerForgotten(PeerMachine peer, Instant now)
    {
    }

    void ISessionActions.PeerCloned(PeerMachine peer, Instant now) => Clones++;

    string? ISessionActions.RouteMessage(PeerMachine peer, PeerConnection connection, ControlFrame frame, Instant now)
    {
        RouteMessages++;
        if (RouteItemReader.TryOpen(frame, out RouteItemReader items))
        {
            while (items.TryNext(out RouteItem item))
            {
                if (!item.Valid)
                    peer.Conduct.OnInvalidItem(now);
            }
        }
        return null;
    }

    void ISessionActions.ConnectionGone(PeerMachine peer, PeerConnection connection, CloseReason reason)
    {
    }

    IReadOnlyList<NetworkConfiguration> ISessionActions.NetworksOf(PeerConfiguration peer) => [_network];
}
