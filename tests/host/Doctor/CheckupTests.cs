using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Host.Control;
using VibePN.Host.Doctor;

namespace VibePN.Host.Tests.Doctor;

/// <summary>Every check finds its fault, says what to do, and is content when that is done.</summary>
public sealed class CheckupTests : IDisposable
{
    private static readonly EngineStatus Well = new(
        TimeSpan.FromMinutes(1),
        [new PeerStatus { Name = "node2", State = "up", Addresses = ["203.0.113.2:51820"] }],
        [new NetworkStatus { Name = "corp", Device = "vpn-corp" }], [], []);

    private readonly DoctorBench _bench = new();

    public static TheoryData<string> Faults => [.. PlantedFaults.All.Keys];

    public static TheoryData<string, string, string> OnlineFaults => new()
    {
        { "peer", "peer 'node2' is waiting at 203.0.113.2:51820: no answer; dialled again in 1.5 s", "UDP 203.0.113.2:51820 leads there" },
        { "certificate", "peer 'node2' is waiting at 203.0.113.2:51820: certificate refused", "compare the fingerprint of peer 'node2'" },
        { "network", "network 'corp' is not open: no device. Run it as root", "Run it as root" },
        { "plugin", "plugin trust-tofu is failed", "log about trust-tofu" },
        { "space", "/state has 1 KiB left", "free space on the disk of /state" },
        { "warning", "trust store: damaged: remove it", "remove it" },
    };

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void A_healthy_node_passes_them_all()
    {
        ImmutableArray<Check> checks = _bench.Examine();
        Assert.Equal(Enumerable.Range(1, 19), checks.Select(check => check.Number));
        Assert.DoesNotContain(checks, check => check.Verdict != CheckVerdict.Pass);
        Assert.Equal(CheckVerdict.Pass, OnlineCheck.Run(Well, [], "/state", 1L << 30).Verdict);
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_planted_fault_is_found_and_mended_by_its_remedy(string name)
    {
        PlantedFault fault = PlantedFaults.All[name];
        fault.Plant(_bench);
        ImmutableArray<Check> checks = _bench.Examine();
        Check found = checks.Single(check => check.Number == fault.Number);
        Assert.True(fault.Verdict == found.Verdict, $"{found}");
        string remedies = string.Join('\n', found.Remedies);
        foreach (string words in fault.Remedy)
            Assert.Contains(words.Replace("{F}", _bench.Scratch.Path, StringComparison.Ordinal), remedies, StringComparison.Ordinal);
        Assert.All(checks.Where(check => check.Verdict != CheckVerdict.Pass), check => Assert.NotEmpty(check.Remedies));

        fault.Mend(_bench, found.Remedies[0]);
        Check mended = _bench.Examine().Single(check => check.Number == fault.Number);
        Assert.True(mended.Verdict == CheckVerdict.Pass, $"{mended} {string.Join('\n', mended.Remedies)}");
    }

    [Fact]
    public void There_is_a_planted_fault_for_each_check() =>
        Assert.Equal(Enumerable.Range(1, 19), PlantedFaults.All.Values.Select(fault => fault.Number).Distinct());

    [Fact]
    public void One_fault_does_not_fail_other_checks()
    {
        foreach (PlantedFault fault in PlantedFaults.All.Values.Where(fault => fault.Number is 4 or 5 or 7 or 8 or 9 or 10 or 17))
        {
            fault.Plant(_bench);
            Assert.All(_bench.Examine().Where(check => check.Verdict == CheckVerdict.Fail), check => Assert.Equal(fault.Number, check.Number));
            fault.Mend(_bench, "");
        }
    }

    [Theory]
    [MemberData(nameof(OnlineFaults))]
    public void What_only_the_daemon_sees_is_found_too(string fault, string detail, string remedy)
    {
        EngineStatus status = fault switch
        {
            "peer" => Well with { Peers = [Well.Peers[0] with { State = "waiting", LastError = "no answer", NextDial = TimeSpan.FromSeconds(1.5) }] },
            "certificate" => Well with { Peers = [Well.Peers[0] with { State = "waiting", LastError = "certificate refused" }] },
            "network" => Well with { Networks = [Well.Networks[0] with { Device = "", Error = "no device. Run it as root" }] },
            "warning" => Well with { Warnings = ["trust store: damaged: remove it"] },
            _ => Well,
        };
        ImmutableArray<PluginReport> plugins = fault == "plugin" ? [new PluginReport("1.0", "f", "h", "trust-tofu", "trust", "failed", "1")] : [];
        Check check = OnlineCheck.Run(status, plugins, "/state", fault == "space" ? 1024 : 1L << 30);
        Assert.Equal((20, fault == "warning" ? CheckVerdict.Warn : CheckVerdict.Fail), (check.Number, check.Verdict));
        Assert.Contains(detail, check.Detail, StringComparison.Ordinal);
        Assert.Contains(remedy, check.Remedies[0], StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_cannot_be_read_stops_after_check_1()
    {
        File.Delete(_bench.ConfigPath);
        Assert.Equal([1], _bench.Examine().Select(check => check.Number));
    }

    [Fact]
    public void The_configurations_own_daemon_may_hold_the_port()
    {
        PlantedFaults.All["15 port taken"].Plant(_bench);
        using var held = new FileStream(_bench.Scratch.At("state/lock"), FileMode.Create);
        Check check = _bench.Examine().Single(each => each.Number == 15);
        Assert.Equal(CheckVerdict.Pass, check.Verdict);
        Assert.Contains($"own daemon, ", check.Detail, StringComparison.Ordinal);
        Assert.Contains($"(pid {Environment.ProcessId})", check.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_the_capability_no_interface_can_be_made()
    {
        JsonElement[] checks = AskProgram("setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin");
        JsonElement check = checks.Single(each => each.GetProperty("number").GetInt32() == 14);
        Assert.Equal("fail", check.GetProperty("verdict").GetString());
        Assert.Contains("CAP_NET_ADMIN", check.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Contains("setcap cap_net_admin+ep", check.GetProperty("remedies")[0].GetString(), StringComparison.Ordinal);

        JsonElement mended = AskProgram("env").Single(each => each.GetProperty("number").GetInt32() == 14);
        Assert.Equal("pass", mended.GetProperty("verdict").GetString());
    }

    private JsonElement[] AskProgram(params string[] before)
    {
        var start = new ProcessStartInfo(before[0], [.. before[1..], "dotnet", typeof(Check).Assembly.Location,
            "--doctor", "--config", _bench.Line.ConfigPath, "--plugins", _bench.Line.PluginsPath]) { RedirectStandardOutput = true };
        using Process process = _bench.Namespace.Start(start);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        JsonElement report = JsonElement.Parse(output);
        Assert.Equal("/run/vibepn/vibepn.sock", report.GetProperty("control_socket").GetString());
        return [.. report.GetProperty("checks").EnumerateArray()];
    }
}
