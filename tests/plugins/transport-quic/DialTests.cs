using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic.Tests;

/// <summary>A name that stands for several addresses; all of them are on loopback with the same port.</summary>
public sealed class DialTests
{
    private static readonly IPAddress One = IPAddress.Parse("127.0.0.1");
    private static readonly IPAddress Two = IPAddress.Parse("127.0.0.2");
    private static readonly IPAddress Three = IPAddress.Parse("127.0.0.3");

    // Documentation's own addresses: a socket bound to loopback cannot send there, and hears so at once.
    private static readonly IPAddress Nowhere = IPAddress.Parse("198.51.100.1");

    [Fact]
    public void Families_take_turns_behind_the_resolvers_first_choice()
    {
        IPEndPoint[] found =
        [
            At("2001:db8::1"), At("2001:db8::2"), At("2001:db8::1"), At("2001:db8::3"), At("192.0.2.1"), At("192.0.2.2"),
        ];
        Assert.Equal(
            [At("2001:db8::1"), At("192.0.2.1"), At("2001:db8::2"), At("192.0.2.2")], DialOrder.Of(found, _ => true));
        Assert.Equal(
            [At("192.0.2.1"), At("192.0.2.2")],
            DialOrder.Of(found, address => address.AddressFamily == AddressFamily.InterNetwork));
        Assert.Equal([At("192.0.2.2"), At("2001:db8::1"), At("2001:db8::2")],
            DialOrder.Of([At("192.0.2.2"), At("2001:db8::1"), At("2001:db8::2")], _ => true));
        Assert.Empty(DialOrder.Of(found, _ => false));

        static IPEndPoint At(string address) => new(IPAddress.Parse(address), 51820);
    }

    [Fact]
    public async Task Silent_address_costs_a_quarter_of_a_second_and_nobody_hears_of_it()
    {
        await using Node b = await Node.StartAsync(listen: [new IPEndPoint(Two, 0)]);
        using var silent = new UdpClient(new IPEndPoint(One, b.Addresses[0].Port));
        await using Node a = await StartDialerAsync(One, Two);
        var clock = Stopwatch.StartNew();
        ITransportConnection ours = await ConnectAsync(a, b);
        Assert.InRange(clock.Elapsed, TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(5));
        Assert.Equal(b.Addresses[0], ours.Path.Remote);
        Assert.True(silent.Available > 0);
        await Eventually.Holds(() => a.Transport.Counters.Known == 1, "the loser is forgotten");
        Assert.Equal(1, a.Transport.Counters.Abandoned);
        Assert.Equal(0, a.Transport.Counters.Failed);
        Assert.Equal(1, a.Transport.GetStatistics().Connections);
        Assert.Empty(a.DialsFailed);
        Assert.Empty(a.Closed);
        Assert.DoesNotContain(a.Lines, line => !line.StartsWith("Information: QUIC listens", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Addresses_that_fail_at_once_cost_no_time()
    {
        await using Node b = await Node.StartAsync(listen: [new IPEndPoint(Two, 0)]);
        await using Node a = await StartDialerAsync(
            Nowhere, IPAddress.Parse("198.51.100.2"), IPAddress.Parse("198.51.100.3"), Two);
        var clock = Stopwatch.StartNew();
        await ConnectAsync(a, b);
        // Three turns of a quarter of a second would be more.
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromMilliseconds(740));
        Assert.Equal(3, a.Transport.Counters.Failed);
        Assert.Empty(a.DialsFailed);
    }

    [Fact]
    public async Task Peer_that_answers_at_two_addresses_at_once_sees_one_connection_and_logs_nothing()
    {
        await using Node b = await Node.StartAsync();
        await using Node a = await StartDialerAsync(One, Two);
        for (int round = 1; round <= 20; round++)
        {
            // Both handshakes get as far as the peer's answer; then both answers arrive at once.
            var answers = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var first = new Relay(b.Addresses[0], new IPEndPoint(One, 0)) { Answers = answers.Task };
            await using var second = new Relay(b.Addresses[0], new IPEndPoint(Two, first.Address.Port))
            {
                Answers = answers.Task,
            };
            long id = a.Dial($"peer.example:{first.Address.Port}");
            await Eventually.Holds(() => first.Answered > 0 && second.Answered > 0, "both handshakes are under way");
            answers.SetResult();
            await Eventually.Holds(() => a.Connections.Any(c => c.DialId == id), "one is up");
            await Eventually.Holds(() => b.Transport.Counters.Abandoned == round, "the other was given up");
            await Eventually.Holds(() => b.Connections.Count == round, "one is up there");
            Assert.Equal(0, b.Transport.Counters.HalfOpen);
        }
        Assert.Equal(20, a.Connections.Count);
        Assert.Equal(20, b.Transport.Counters.Completed);
        Assert.Equal(0, b.Transport.Counters.Failed);
        Assert.Empty(a.DialsFailed);
        Assert.Empty(a.Closed);
        Assert.Empty(b.Closed);
        Assert.DoesNotContain(b.Lines, line => !line.StartsWith("Information: QUIC listens", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Leader_that_gets_no_further_lets_the_other_win()
    {
        await using Node b = await Node.StartAsync();
        await using var first = new Relay(b.Addresses[0], new IPEndPoint(One, 0));
        await using var second = new Relay(b.Addresses[0], new IPEndPoint(Two, first.Address.Port));
        // The peer's proof arrives here, our last message never there.
        first.DropFromClient = number => number > 0;
        await using Node a = await StartDialerAsync(TimeSpan.FromSeconds(1), One, Two);
        ITransportConnection ours = await ConnectAsync(a, b, first.Address.Port);
        Assert.Equal(second.Address, ours.Path.Remote);
        Assert.Equal(1, a.Transport.Counters.Failed);
        Assert.Empty(a.DialsFailed);
        Assert.Single(a.Connections);
    }

    [Fact]
    public async Task Failure_names_every_address_with_its_cause_under_the_weightiest_code()
    {
        await using Node b = await Node.StartAsync(listen: [new IPEndPoint(Two, FreePort())]);
        b.Trusts = _ => false;
        int port = b.Addresses[0].Port;
        using var silent = new UdpClient(new IPEndPoint(One, port));
        await using Node a = await StartDialerAsync(TimeSpan.FromSeconds(1), One, Two, Nowhere);
        CloseReason reason = await a.DialFailsAsync($"peer.example:{port}");
        Assert.Equal(CloseCode.TrustRefused, reason.Code);
        Assert.True(reason.ByPeer);
        Assert.Contains($"127.0.0.1:{port}: the handshake took too long", reason.Text, StringComparison.Ordinal);
        Assert.Contains($"127.0.0.2:{port}: the peer refused our certificate", reason.Text, StringComparison.Ordinal);
        Assert.Contains($"198.51.100.1:{port}: sending failed with EINVAL", reason.Text, StringComparison.Ordinal);
        Assert.Empty(a.Connections);
    }

    [Fact]
    public async Task Refusal_at_one_address_does_not_keep_the_next_from_being_tried()
    {
        await using Node stranger = await Node.StartAsync(listen: [new IPEndPoint(One, FreePort())]);
        int port = stranger.Addresses[0].Port;
        await using Node b = await Node.StartAsync(listen: [new IPEndPoint(Two, port)]);
        await using Node a = await StartDialerAsync(One, Two);
        a.Trusts = peer => peer == b.Identity.Fingerprint;
        ITransportConnection ours = await ConnectAsync(a, b);
        Assert.Equal(b.Identity.Fingerprint, ours.Peer);
        Assert.Equal(1, a.Transport.Counters.Refused);
    }

    [Fact]
    public async Task Resolver_that_never_answers_is_waited_for_no_longer_than_a_handshake()
    {
        await using Node a = await Node.StartAsync(
            options: Options(TimeSpan.FromMilliseconds(300)), resolver: (_, _) => new TaskCompletionSource<IPAddress[]>().Task);
        CloseReason reason = await a.DialFailsAsync("peer.example:51820");
        Assert.Equal(new CloseReason(CloseCode.Unreachable, "'peer.example' was not resolved within 0.3 s"), reason);
    }

    [Fact]
    public async Task Name_is_resolved_anew_at_each_dial()
    {
        await using Node b = await Node.StartAsync(listen: [new IPEndPoint(Two, 0)]);
        await using Node c = await Node.StartAsync(listen: [new IPEndPoint(Three, b.Addresses[0].Port)]);
        IPAddress now = Two;
        await using Node a = await Node.StartAsync(resolver: (_, _) => Task.FromResult<IPAddress[]>([now]));
        Assert.Equal(b.Identity.Fingerprint, (await ConnectAsync(a, b)).Peer);
        now = Three;
        Assert.Equal(c.Identity.Fingerprint, (await ConnectAsync(a, c)).Peer);
    }

    [Fact]
    public async Task Stop_in_the_middle_of_a_race_fails_the_dial_once()
    {
        using var one = new UdpClient(new IPEndPoint(One, FreePort()));
        int port = ((IPEndPoint)one.Client.LocalEndPoint!).Port;
        using var two = new UdpClient(new IPEndPoint(Two, port));
        await using Node a = await StartDialerAsync(One, Two, Three);
        long id = a.Dial($"peer.example:{port}");
        await Eventually.Holds(() => one.Available > 0, "the first address is tried");
        await a.DisposeAsync();
        Assert.True(a.DialsFailed.TryGetValue(id, out CloseReason reason));
        Assert.Contains("the transport stops", reason.Text, StringComparison.Ordinal);
    }

    private static Task<Node> StartDialerAsync(params IPAddress[] addresses) =>
        StartDialerAsync(TimeSpan.FromSeconds(5), addresses);

    private static Task<Node> StartDialerAsync(TimeSpan handshakeTimeout, params IPAddress[] addresses) =>
        Node.StartAsync(options: Options(handshakeTimeout), resolver: (_, _) => Task.FromResult(addresses));

    private static TransportOptions Options(TimeSpan handshakeTimeout) =>
        RefusalTests.Quick() with { HandshakeTimeout = handshakeTimeout, IdleTimeout = TimeSpan.FromSeconds(30) };

    // One that is free at both addresses: what the kernel gives for one, a test beside this may have at the other.
    private static int FreePort()
    {
        for (int attempt = 0; ; attempt++)
        {
            using var one = new UdpClient(new IPEndPoint(One, 0));
            int port = ((IPEndPoint)one.Client.LocalEndPoint!).Port;
            try
            {
                using var two = new UdpClient(new IPEndPoint(Two, port));
                return port;
            }
            catch (SocketException) when (attempt < 20)
            {
            }
        }
    }

    private static async Task<ITransportConnection> ConnectAsync(Node a, Node b, int port = 0)
    {
        long id = a.Dial($"peer.example:{(port == 0 ? b.Addresses[0].Port : port)}");
        await Eventually.Holds(() => a.Connections.Any(c => c.DialId == id) || a.DialsFailed.ContainsKey(id), "dial ends");
        Assert.Empty(a.DialsFailed);
        return a.Connections.Single(c => c.DialId == id).Connection;
    }
}
