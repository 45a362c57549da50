using System.Text.Json;

namespace VibePN.Vpnctl.Tests;

/// <summary>The predecessor's command lines that ask the daemon, as its scripts have them.</summary>
public sealed class PredecessorTests
{
    private static readonly JsonSerializerOptions TwoSpaces = new() { WriteIndented = true };

    public static TheoryData<string, string> Questions => new()
    {
        { "status", """{"peers":2,"routes":3,"uptime":"1h2m3s"}""" },
        { "peers", """[{"id":"ab","last_seen":"2026-11-22T17:08:36Z"}]""" },
        { "routes", """[{"expires":"0001-01-01T00:00:00Z","metric":1,"network":"corp","peer":"ab","prefix":"10.42.0.0/24"}]""" },
        { "reload", """{"message":"config validated, reloaded, and routes re-announced"}""" },
        { "goodbye", """{"message":"sent goodbye to all peers"}""" },
    };

    [Theory]
    [MemberData(nameof(Questions))]
    public async Task Json_is_the_output_alone_indented_by_two_wherever_the_flag_stands(string command, string output)
    {
        await using FakeDaemon daemon = FakeDaemon.Answering(command, output);
        Outcome expected = daemon.Vpnctl("--json", command);
        Assert.Equal((0, ""), (expected.ExitCode, expected.Error));
        Assert.Equal(Indented(output), expected.Out);
        foreach (string[] line in new[]
        {
            new[] { "-json", command }, [command, "--json"], [command, "-json"], ["--json=true", command], ["-json=1", command],
            ["-json=T", command], ["--json=True", command],
        })
            Assert.Equal(expected, daemon.Vpnctl(line));
    }

    [Theory]
    [MemberData(nameof(Questions))]
    public async Task A_switch_that_is_off_is_off(string command, string output)
    {
        await using FakeDaemon daemon = FakeDaemon.Answering(command, output);
        Outcome expected = daemon.Vpnctl(command);
        Assert.Equal((0, ""), (expected.ExitCode, expected.Error));
        foreach (string no in new[] { "-json=false", "--json=0", "-json=F" })
            Assert.Equal(expected, daemon.Vpnctl(no, command));
    }

    [Theory]
    [MemberData(nameof(Questions))]
    public void Help_is_0_in_both_spellings(string command, string output)
    {
        Assert.NotEmpty(output);
        foreach (string[] line in new[] { new[] { command, "-h" }, [command, "--help"], [command, "-help"], ["-h", command] })
            Assert.Equal((0, ""), (Outcome.Of(line).ExitCode, Outcome.Of(line).Error));
        Assert.Equal(0, Outcome.Of("-h").ExitCode);
    }

    [Theory]
    [MemberData(nameof(Questions))]
    public async Task A_failure_is_told_on_standard_error_and_a_flag_nobody_knows_is_2(string command, string output)
    {
        Assert.NotEmpty(output);
        await using FakeDaemon daemon = FakeDaemon.Refusing("identity section is incomplete");
        Assert.Equal(new Outcome(1, "", "Error: identity section is incomplete\n"), daemon.Vpnctl(command));
        Assert.Equal((2, ""), (Outcome.Of("-nope", command).ExitCode, Outcome.Of("-nope", command).Out));
        Assert.Equal((2, ""), (Outcome.Of(command, "-nope").ExitCode, Outcome.Of(command, "-nope").Out));
    }

    [Theory]
    [InlineData("reload")]
    [InlineData("goodbye")]
    public async Task What_changes_something_says_OK(string command)
    {
        await using FakeDaemon daemon = FakeDaemon.Answering(command, """{"message":"done"}""");
        Assert.Equal(new Outcome(0, "OK\n", ""), daemon.Vpnctl(command));
    }

    [Fact]
    public async Task Status_has_the_three_old_lines_as_they_were()
    {
        await using FakeDaemon daemon = FakeDaemon.Answering("status", """{"peers":2,"routes":3,"uptime":"1h2m3s"}""");
        string output = daemon.Vpnctl("status").Out;
        Assert.Contains("Uptime: 1h2m3s\nPeers:  2\nRoutes: 3\n", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("peers")]
    [InlineData("routes")]
    public async Task Empty_lists_are_lists(string command)
    {
        await using FakeDaemon daemon = FakeDaemon.Answering(command, "[]");
        Assert.Equal("[]\n", daemon.Vpnctl("--json", command).Out);
        await using FakeDaemon old = FakeDaemon.Answering(command, "null");
        Assert.Equal("[]\n", old.Vpnctl("--json", command).Out);
    }

    private static string Indented(string json) => JsonSerializer.Serialize(JsonElement.Parse(json), TwoSpaces) + "\n";
}
