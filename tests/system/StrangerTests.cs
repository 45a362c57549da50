using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using VibePN.System.Tests.Lab;

namespace VibePN.System.Tests;

/// <summary>Somebody with a valid certificate of his own, whom nobody invited. Node 3 is the stranger.</summary>
public sealed partial class StrangerTests : IAsyncLifetime
{
    private static readonly TimeSpan LongEnough = TimeSpan.FromSeconds(4); // several dials

    private MeshLab? _lab;

    private MeshLab Lab => _lab ?? throw new InvalidOperationException("The lab was not made.");

    private Node One => Lab.Nodes[0];

    private Node Two => Lab.Nodes[1];

    private Node Stranger => Lab.Nodes[2];

    /// <inheritdoc/>
    public async ValueTask InitializeAsync() => _lab = await MeshLab.CreateAsync(nodes: 3);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _lab?.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_stranger_who_dials_with_our_own_daemon_gets_nowhere()
    {
        One.Configure(MeshLab.Dialled(Two));
        Two.Configure(MeshLab.Dialled(One));
        Stranger.Configure(MeshLab.Dialled(One)); // he knows node 1 and its fingerprint; node 1 does not know him
        One.Start();
        Two.Start();
        await Task.WhenAll(One.JoinedAsync(Two), Two.JoinedAsync(One));
        long refusedBefore = Refused();
        Stranger.Start();

        await Wait.ForAsync(Node.Patience, "node1 to count a refusal", () => Refused() > refusedBefore, () => Lab.AllLogs);
        await AssertNeverUpAsync(Stranger, One);

        await AssertNothingCameAsync();
        Assert.Null(await One.PeerAsync(Stranger));
        (await One.PingAsync(NodeConfig.Address("corp", 2, v6: false), count: 100)).AssertAllAnswered(100);
    }

    [Fact]
    public async Task A_stranger_who_sits_at_the_address_of_a_pinned_peer_gets_nowhere()
    {
        // Node 1 dials what it takes for node 2; the stranger answers there, and would let anybody in.
        One.Configure(new PeerLine("node2", Two.Fingerprint, $"{Stranger.Underlay}:51820"));
        Stranger.Configure(MeshLab.Awaited(One));
        Stranger.Start();
        One.Start();

        await Wait.ForAsync(Node.Patience, "node1 to fail a dial", async () =>
            (await One.PeerAsync(Two))?.GetProperty("last_error").GetString() is { Length: > 0 }, () => Lab.AllLogs);
        await AssertNeverUpAsync(One, Two);
        Assert.False(await Stranger.IsUpAsync(One));
        await AssertNothingCameAsync();
    }

    [Fact]
    public async Task A_foreign_client_with_a_valid_certificate_and_our_protocol_name_gets_nowhere()
    {
        await StartPairAsync();
        long before = Refused();
        ToolResult result = await ForeignClientAsync("vibepn/1", "--cert", $"{Stranger.Folder}/node.crt", "--key", $"{Stranger.Folder}/node.key");
        AssertRefused(result);
        await Wait.ForAsync(Node.Patience, "node1 to count the refusal", () => Refused() > before, () => Lab.AllLogs);
        await AssertPairIsUnharmedAsync();
    }

    [Fact]
    public async Task A_foreign_client_without_a_certificate_gets_nowhere()
    {
        await StartPairAsync();
        AssertRefused(await ForeignClientAsync("vibepn/1"));
        await AssertPairIsUnharmedAsync();
    }

    [Fact]
    public async Task A_foreign_client_with_another_protocol_name_gets_nowhere()
    {
        await StartPairAsync();
        AssertRefused(await ForeignClientAsync("h3", "--cert", $"{Stranger.Folder}/node.crt", "--key", $"{Stranger.Folder}/node.key"));
        await AssertPairIsUnharmedAsync();
    }

    [Fact]
    public async Task A_foreign_client_with_the_certificate_of_a_peer_passes_the_handshake()
    {
        // The counter-test: the three refusals above are refusals of the certificate or the name, not of the client.
        await StartPairAsync();
        await Two.TerminateAsync();
        ToolResult result = await ForeignClientAsync("vibepn/1", "--cert", $"{Two.Folder}/node.crt", "--key", $"{Two.Folder}/node.key");
        // The daemon ends it all the same, as an application: an HTTP/3 client takes no datagrams.
        Assert.Contains("CONNECTION_CLOSE(0x1d)", result.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("CRYPTO_ERROR", result.Text, StringComparison.Ordinal);
    }

    private async Task StartPairAsync()
    {
        One.Configure(MeshLab.Awaited(Two));
        Two.Configure(MeshLab.Dialled(One));
        One.Start();
        Two.Start();
        await Task.WhenAll(One.JoinedAsync(Two), Two.JoinedAsync(One));
    }

    private async Task<ToolResult> ForeignClientAsync(string protocol, params string[] options)
    {
        string library = Path.Combine(Stranger.Folder, "shim.so");
        string source = Path.Combine(Distribution.Repository(), "tests", "system", "Foreign", "gtlsclient-shim.c");
        (await Tool.RunAsync(Node.Patience, "tcc", "-shared", "-nostdlib", "-o", library, source)).Succeeded();
        return await Stranger.InsideAsync(["env", $"ALPN={protocol}", $"LD_PRELOAD={library}", "timeout", "5",
            "gtlsclient", "--handshake-timeout=3s", "--timeout=3s", "--no-quic-dump", .. options, One.Underlay, "51820",
            $"https://{One.Underlay}/"]);
    }

    // TLS 1.3 lets a client finish before the server has seen its certificate, so completion on the client's side
    // proves nothing. RFC 9001 §4.8: a TLS alert arrives as a CRYPTO_ERROR in a close of the transport.
    private static void AssertRefused(ToolResult result) =>
        Assert.Contains("CONNECTION_CLOSE(0x1c) error_code=CRYPTO_ERROR", result.Text, StringComparison.Ordinal);

    private async Task AssertPairIsUnharmedAsync()
    {
        await AssertNothingCameAsync();
        JsonElement peers = await One.AskAsync("peers") ?? throw new InvalidOperationException("node1 does not answer");
        Assert.Equal(1, peers.GetArrayLength());
        Assert.True(await One.IsUpAsync(Two), Lab.AllLogs);
        (await One.PingAsync(NodeConfig.Address("corp", 2, v6: false), count: 50)).AssertAllAnswered(50);
    }

    private async Task AssertNeverUpAsync(Node node, Node peer)
    {
        DateTime end = DateTime.UtcNow + LongEnough;
        while (DateTime.UtcNow < end)
        {
            Assert.False(await node.IsUpAsync(peer), Lab.AllLogs);
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    // No packet of the stranger's came out of any of node 1's devices.
    private async Task AssertNothingCameAsync()
    {
        Ping ping = await Stranger.PingAsync(NodeConfig.Address("corp", 1, v6: false), count: 5, interval: 0.01);
        Assert.Empty(ping.Answered);
        ToolResult seen = await One.InsideAsync("ip", "neigh", "show");
        Assert.DoesNotContain(NodeConfig.Address("corp", 3, v6: false), seen.Output, StringComparison.Ordinal);
        JsonElement routes = await One.AskAsync("routes") ?? throw new InvalidOperationException("node1 does not answer");
        Assert.DoesNotContain(Stranger.Fingerprint, routes.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(NodeConfig.Address("corp", 3, v6: false), routes.ToString(), StringComparison.Ordinal);
    }

    private long Refused() => Refusals().Matches(One.Namespace.Run(() => Http.Get("127.0.0.1", 9000, "/metrics")))
        .Sum(match => (long)double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture));

    [GeneratedRegex(@"^vibepn_(?:quic|trust)[^ ]*refused[^ ]* ([0-9.e+]+)", RegexOptions.Multiline)]
    private static partial Regex Refusals();
}
