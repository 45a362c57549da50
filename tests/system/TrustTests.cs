using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using VibePN.System.Tests.Lab;

namespace VibePN.System.Tests;

/// <summary>An operator's say in who is trusted, with real daemons.</summary>
public sealed class TrustTests : IAsyncLifetime
{
    private MeshLab? _lab;

    private MeshLab Lab => _lab ?? throw new InvalidOperationException("The lab was not made.");

    private Node One => Lab.Nodes[0];

    private Node Two => Lab.Nodes[1];

    /// <inheritdoc/>
    public async ValueTask InitializeAsync() => _lab = await MeshLab.CreateAsync(nodes: 2);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _lab?.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_denied_peer_has_no_session_and_no_route_when_the_answer_comes()
    {
        await StartAsync();
        TimeSpan took = await DenyAsync();
        Figures.Report($"deny: session closed and routes gone {Figures.Ms(took)} after the command was sent, before its answer");
        Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(5)); // a busy machine; the figure is asserted in the explicit test
        Assert.Empty((await Two.PingAsync(NodeConfig.Address("corp", 1, v6: false), count: 5)).Answered);
        Assert.Contains("\"method\":\"trust.deny\"", await File.ReadAllTextAsync($"{One.Folder}/state/audit.log", TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact(Explicit = true)]
    public async Task Ten_denials_take_at_most_100_ms_each()
    {
        await StartAsync();
        List<TimeSpan> times = [];
        for (int i = 0; i < 10; i++)
        {
            times.Add(await DenyAsync());
            (await VpnctlAsync(One, "trust", "forget", Two.Fingerprint)).Succeeded();
            await Two.TerminateAsync();
            Two.Start();
            await One.JoinedAsync(Two);
        }
        Figures.Report(Figures.Line("deny, from the command sent to its answer, session and routes gone before it", times));
        Assert.InRange(times.Max(), TimeSpan.Zero, TimeSpan.FromMilliseconds(100));
    }

    [Fact]
    public async Task A_peer_with_a_new_key_is_refused_until_the_operator_replaces_its_pin()
    {
        await StartAsync();
        string old = Two.Fingerprint;
        await Two.TerminateAsync();
        File.Delete($"{Two.Folder}/node.crt");
        File.Delete($"{Two.Folder}/node.key");
        await Two.MakeIdentityAsync(); // installed anew
        Two.Configure(new PeerLine(One.Name, One.Fingerprint, null));
        Two.Start();
        await ReadyAsync();
        await Wait.ForAsync(Node.Patience, "node1 to see the conflict", async () => (await RecordsAsync("conflict")).Length == 1, () => Lab.AllLogs);
        JsonElement conflict = (await RecordsAsync("conflict"))[0];
        Assert.Equal((Two.Name, Two.Fingerprint, old),
            (conflict.GetProperty("peer").GetString(), conflict.GetProperty("fingerprint").GetString(), conflict.GetProperty("pinned").GetString()));
        Assert.Equal(old, Assert.Single(await RecordsAsync("pinned")).GetProperty("fingerprint").GetString());
        Assert.False(await One.IsUpAsync(Two));
        string status = (await One.AskAsync("status"))!.Value.GetRawText();
        Assert.Contains("conflict: peer node2", status, StringComparison.Ordinal);
        string alert = Assert.Single(One.Log.Split('\n'), line => line.Contains("Conflict: node2", StringComparison.Ordinal));
        Assert.Contains(old, alert, StringComparison.Ordinal);
        Assert.Contains(Two.Fingerprint, alert, StringComparison.Ordinal);
        Assert.InRange(Conflicts(), 1, 1_000);

        ToolResult wrong = await VpnctlAsync(One, "trust", "replace", Two.Name, "--from", Two.Fingerprint, "--to", Two.Fingerprint);
        Assert.Equal(2, wrong.ExitCode);
        Assert.Equal(1, (await VpnctlAsync(One, "trust", "accept", Two.Fingerprint, "--peer", Two.Name)).ExitCode);
        Assert.False(await One.IsUpAsync(Two));

        string said = (await VpnctlAsync(One, "trust", "replace", Two.Name, "--from", old, "--to", Two.Fingerprint)).Succeeded().Output;
        Assert.Contains("It is dialled now.", said, StringComparison.Ordinal);
        await One.JoinedAsync(Two);
        Assert.Empty(await RecordsAsync("conflict"));
        Assert.DoesNotContain("conflict", (await One.AskAsync("status"))!.Value.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stranger_who_dials_is_let_in_once_accepted()
    {
        One.Configure(new PeerLine(Two.Name, null, null)); // no pin, not dialled: waits for the operator
        Two.Configure(new PeerLine(One.Name, One.Fingerprint, $"{One.Underlay}:51820"));
        One.Start();
        Two.Start();
        await ReadyAsync();
        await Wait.ForAsync(Node.Patience, "node1 to list the stranger", async () => (await RecordsAsync("pending")).Length == 1, () => Lab.AllLogs);
        Assert.Contains($"vpnctl trust accept {Two.Fingerprint}",
            (await VpnctlAsync(One, "events", "--kind", "trust.pending")).Succeeded().Output, StringComparison.Ordinal);
        ToolResult nameless = await VpnctlAsync(One, "trust", "accept", Two.Fingerprint);
        Assert.Equal(2, nameless.ExitCode);
        Assert.Contains("Peers without a pin: node2.", nameless.Error, StringComparison.Ordinal);
        (await VpnctlAsync(One, "trust", "accept", Two.Fingerprint, "--peer", Two.Name)).Succeeded();
        await Two.TerminateAsync(); // its own back-off after a refusal is a minute
        Two.Start();
        await ReadyAsync();
        await One.JoinedAsync(Two);
        Assert.Equal("operator", Assert.Single(await RecordsAsync("pinned")).GetProperty("how").GetString());
        Assert.Empty(await RecordsAsync("pending"));
    }

    [Fact]
    public async Task Two_operators_read_the_same_digits_and_only_those_make_a_peer_verified()
    {
        await StartAsync();
        Assert.Equal("first use", await HowAsync());
        // Compared, and misread by one of them: nothing is noted, and these digits are used up.
        (string first, string second) = await CompareAsync();
        Assert.Equal(first, second);
        string other = first[..5] + (first[5] == '0' ? '1' : '0');
        ToolResult wrong = await VpnctlAsync(One, "trust", "verify", Two.Name, "--confirm", other);
        Assert.Equal(1, wrong.ExitCode);
        Assert.Contains("the digits differ", wrong.Error, StringComparison.Ordinal);
        Assert.Equal(1, (await VpnctlAsync(One, "trust", "verify", Two.Name, "--confirm", first)).ExitCode);
        Assert.Equal("first use", await HowAsync());

        (string again, string there) = await CompareAsync();
        Assert.Equal(again, there);
        string said = (await VpnctlAsync(One, "trust", "verify", Two.Name, "--confirm", again)).Succeeded().Output;
        Assert.Contains("have read the same digits", said, StringComparison.Ordinal);
        (await VpnctlAsync(Two, "trust", "verify", One.Name, "--confirm", there)).Succeeded();
        Assert.Equal("verified", await HowAsync());
        Assert.True(await One.IsUpAsync(Two));
        string audit = await File.ReadAllTextAsync($"{One.Folder}/state/audit.log", TestContext.Current.CancellationToken);
        Assert.Contains("\"method\":\"trust.verify\"", audit, StringComparison.Ordinal);
        Assert.DoesNotContain(again, audit, StringComparison.Ordinal); // the digits are a secret until both have read them
    }

    [Fact]
    public async Task A_full_disk_leaves_the_daemon_and_its_orders_working()
    {
        // The state directory is a small file system of its own.
        (await Tool.RunAsync(Node.Patience, "mount", "-t", "tmpfs", "-o", "size=64m,mode=0700", "tmpfs", $"{One.Folder}/state")).Succeeded();
        try
        {
            await StartAsync();
            await FillAsync($"{One.Folder}/state/ballast");
            (await VpnctlAsync(One, "goodbye")).Succeeded();
            string warnings = (await One.AskAsync("status"))!.Value.GetProperty("warnings").GetRawText();
            Assert.Contains("audit log", warnings, StringComparison.Ordinal);
            Assert.Contains("No space left on device", warnings, StringComparison.Ordinal);
            Assert.Contains("No space left on device", One.Log, StringComparison.Ordinal);
            ToolResult denied = await VpnctlAsync(One, "trust", "deny", Two.Fingerprint);
            Assert.Equal(1, denied.ExitCode); // nothing durable, nothing changed, and it says so
            Assert.Contains("could not be written", denied.Error, StringComparison.Ordinal);
            File.Delete($"{One.Folder}/state/ballast");
            (await VpnctlAsync(One, "goodbye")).Succeeded();
            Assert.DoesNotContain("audit log", (await One.AskAsync("status"))!.Value.GetRawText(), StringComparison.Ordinal);
            Assert.Contains("missing_before", await File.ReadAllTextAsync($"{One.Folder}/state/audit.log", TestContext.Current.CancellationToken), StringComparison.Ordinal);
            await One.TerminateAsync();
        }
        finally
        {
            await Tool.RunAsync(Node.Patience, "umount", "-l", $"{One.Folder}/state");
        }
    }

    // Node 1 dials node 2 without knowing its fingerprint: pinned at first contact.
    private async Task StartAsync()
    {
        One.Configure(new PeerLine(Two.Name, null, $"{Two.Underlay}:51820"));
        Two.Configure(new PeerLine(One.Name, One.Fingerprint, null));
        Two.Start();
        One.Start();
        await ReadyAsync();
        await One.JoinedAsync(Two);
    }

    // How long a start takes on a busy machine is not what these tests are about.
    private Task<TimeSpan> ReadyAsync() => Wait.ForAsync(
        TimeSpan.FromSeconds(60), "both daemons to be ready", () => One.IsReady && Two.IsReady, () => Lab.AllLogs);

    private async Task<string?> HowAsync() => Assert.Single(await RecordsAsync("pinned")).GetProperty("how").GetString();

    // Both operators ask, in the same moment or one after the other.
    private async Task<(string One, string Two)> CompareAsync()
    {
        Task<ToolResult> one = VpnctlAsync(One, "trust", "verify", Two.Name);
        Task<ToolResult> two = VpnctlAsync(Two, "trust", "verify", One.Name);
        return (DigitsIn(await one), DigitsIn(await two));
    }

    private static string DigitsIn(ToolResult result)
    {
        string line = Assert.Single(result.Succeeded().Output.Split('\n'), each => each.StartsWith("Digits: ", StringComparison.Ordinal));
        Assert.Matches("^Digits: [0-9]{6}$", line);
        return line["Digits: ".Length..];
    }

    // The answer is only sent when all is done, so what is asked after it must find nothing left.
    private async Task<TimeSpan> DenyAsync()
    {
        var watch = Stopwatch.StartNew();
        JsonElement? answer = await One.CallAsync($$"""{"cmd":"trust.deny","subject":"{{Two.Name}}"}""");
        TimeSpan took = watch.Elapsed;
        Assert.Contains("1 session was closed", answer?.GetRawText(), StringComparison.Ordinal);
        Assert.False(await One.IsUpAsync(Two), Lab.AllLogs);
        Assert.DoesNotContain(Two.Name, (await One.AskAsync("routes"))!.Value.GetRawText(), StringComparison.Ordinal);
        return took;
    }

    private async Task<JsonElement[]> RecordsAsync(string state) => await One.AskAsync("trust.list") is { } book
        ? [.. book.GetProperty("records").EnumerateArray().Where(record => record.GetProperty("state").GetString() == state)]
        : [];

    private Task<ToolResult> VpnctlAsync(Node node, params string[] words) =>
        Tool.RunAsync(Node.Patience, Lab.Distribution.Client, [.. words, "--socket", node.Socket]);

    private double Conflicts()
    {
        string metrics = One.Namespace.Run(() => Http.Get("127.0.0.1", 9000, "/metrics"));
        string line = metrics.Split('\n').Single(each => each.StartsWith("vibepn_trust_conflicts_total", StringComparison.Ordinal));
        return double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
    }

    private static async Task FillAsync(string path)
    {
        await using FileStream file = File.Create(path);
        byte[] block = new byte[4_096];
        try
        {
            while (true)
            {
                await file.WriteAsync(block, TestContext.Current.CancellationToken);
                await file.FlushAsync(TestContext.Current.CancellationToken);
            }
        }
        catch (IOException)
        {
            // Full.
        }
    }
}
