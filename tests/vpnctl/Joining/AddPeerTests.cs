namespace VibePN.Vpnctl.Tests.Joining;

public sealed class AddPeerTests
{
    private static readonly string Fingerprint = new('A', 64);

    private static string[] Line(JoinBench bench, params string[] more) =>
        ["add-peer", "-config", bench.Config, "-name", "node2", "-address", "203.0.113.42:51820", "-fingerprint", Fingerprint, "-networks", "home", .. more];

    [Fact]
    public async Task The_predecessors_line_works_and_reloads_the_daemon()
    {
        await using var bench = new JoinBench();
        bench.Init();
        string before = bench.Text;
        Assert.Equal(new Outcome(0, $"Added peer node2 to {bench.Config}\n", ""), bench.Run(Line(bench)));
        Assert.Equal(before + $"""

            [[peers]]
            name = "node2"
            address = "203.0.113.42:51820"
            fingerprint = "{new string('a', 64)}"
            networks = ["home"]

            """, bench.Text);
        Assert.Equal(["reload"], bench.Calls.Select(call => call.Method));
    }

    [Fact]
    public async Task Without_a_daemon_only_the_file_is_changed_and_it_is_said()
    {
        await using var bench = new JoinBench();
        bench.Init();
        Outcome outcome = Outcome.Of([.. Line(bench), "--socket", bench.At("none")]);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains("only " + bench.Config + " was changed", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("node2", bench.Text, StringComparison.Ordinal);
        Assert.Equal(new Outcome(0, $"Added peer x to {bench.Config}\n", ""),
            bench.Run("add-peer", "--config", bench.Config, "--name", "x", "--networks", "home", "--no-reload"));
        Assert.Empty(bench.Calls);
    }

    [Fact]
    public async Task What_the_daemon_refuses_is_put_back()
    {
        await using var bench = new JoinBench();
        bench.Init();
        string before = bench.Text;
        bench.Refuses["reload"] = "no";
        Outcome outcome = bench.Run(Line(bench));
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("is as it was: no", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(before, bench.Text);
    }

    [Theory]
    [InlineData("-address", "203.0.113.42", "host:port", 2)]
    [InlineData("-address", "203.0.113.42:0", "1 to 65535", 2)]
    [InlineData("-address", "203.0.113.42:65536", "1 to 65535", 2)]
    [InlineData("-address", ":51820", "host:port", 2)]
    [InlineData("-fingerprint", "abc", "64 hexadecimal digits", 2)]
    [InlineData("-name", "a b", "without blanks", 2)]
    [InlineData("-networks", "corq", "has no network 'corq'. It has: home.", 1)]
    [InlineData("-networks", ",", "--networks is missing", 2)]
    public async Task A_wrong_value_is_explained_and_changes_nothing(string option, string value, string message, int exitCode)
    {
        await using var bench = new JoinBench();
        bench.Init();
        string before = bench.Text;
        string[] line = Line(bench);
        line[Array.IndexOf(line, option) + 1] = value;
        Outcome outcome = bench.Run(line);
        Assert.Equal(exitCode, outcome.ExitCode);
        Assert.Contains(message, outcome.Error, StringComparison.Ordinal);
        Assert.Equal(before, bench.Text);
    }

    [Fact]
    public async Task Names_and_fingerprints_are_used_once()
    {
        await using var bench = new JoinBench();
        bench.Init();
        Assert.Equal(0, bench.Run(Line(bench)).ExitCode);
        Assert.Contains("has a peer 'node2' already", bench.Run(Line(bench)).Error, StringComparison.Ordinal);
        string[] line = Line(bench);
        line[4] = "node3";
        Assert.Contains("has this fingerprint already, as peer 'node2'", bench.Run(line).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--name")]
    [InlineData("--networks")]
    public async Task What_is_needed_is_said(string option)
    {
        await using var bench = new JoinBench();
        bench.Init();
        string[] line = Line(bench);
        int at = Array.IndexOf(line, option[1..]);
        Outcome outcome = bench.Run([.. line[..at], .. line[(at + 2)..]]);
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains($"{option} is missing", outcome.Error, StringComparison.Ordinal);
    }
}
