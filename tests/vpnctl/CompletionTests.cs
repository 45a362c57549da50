using System.Diagnostics;
using VibePN.Vpnctl.CommandLine;
using VibePN.Vpnctl.Commands;

namespace VibePN.Vpnctl.Tests;

public sealed class CompletionTests
{
    private const string Peers = """[{"name":"node2"},{"name":"node3"},{"name":"hub"}]""";

    [Fact]
    public void Every_command_and_every_option_is_offered()
    {
        foreach (Command command in CommandTable.All)
        {
            string[] words = command.Name.Split(' ');
            Assert.Contains(words[0], Complete(words[0]));
            if (words.Length > 1)
                Assert.Contains(words[1], Complete(words[0], ""));
            Assert.Equal(OptionInfo.Of(command.OptionsType).Select(option => "--" + option.Name), Complete([.. words, "--"]));
        }
    }

    [Theory]
    [InlineData("st", "status")]
    [InlineData("plugins s", "swap")]
    [InlineData("plugins swap ", "routing trust")]
    [InlineData("log level w", "warn")]
    [InlineData("completion ", "bash zsh fish")]
    [InlineData("help plug", "plugins")]
    [InlineData("init --config ", ":files")]
    [InlineData("status --timeout ", "")]
    [InlineData("status x", "")]
    [InlineData("nonsense ", "")]
    public void What_fits_is_offered_and_nothing_else(string line, string expected) =>
        Assert.Equal(expected, string.Join(' ', Complete(line.Split(' '))));

    [Fact]
    public async Task Names_of_peers_and_networks_are_the_daemons()
    {
        await using FakeDaemon peers = FakeDaemon.Answering("peers", Peers);
        Assert.Equal(["node2", "node3"], Complete("peers", "--socket", peers.Socket, "reconnect", "no"));
        Assert.Equal(["disconnect", "reconnect", "node2", "node3", "hub"], Complete("peers", "--socket", peers.Socket, ""));
        await using FakeDaemon networks = FakeDaemon.Answering("networks", """[{"name":"corp"}]""");
        Assert.Equal(["corp"], Complete("routes", "--socket", networks.Socket, "--network", ""));
    }

    [Fact]
    public async Task A_daemon_that_is_silent_or_refuses_is_not_heard_of()
    {
        await using FakeDaemon refusing = FakeDaemon.Refusing("no");
        Assert.Equal(new Outcome(0, "", ""), Outcome.Of("__complete", "ping", "--socket", refusing.Socket, ""));
        Assert.Equal(new Outcome(0, "", ""), Outcome.Of("__complete", "ping", "--socket", "/nonexistent/s", ""));
    }

    [Fact]
    public void Bash_completes_with_the_script()
    {
        string program = Path.Combine(AppContext.BaseDirectory, "vpnctl");
        string script = $$"""
            {{Outcome.Of("completion", "bash").Out}}
            try() { COMP_WORDS=("{{program}}" "$@"); COMP_CWORD=$#; _vpnctl; printf '%s\n' "${COMPREPLY[*]}"; }
            try plugins s
            try peers disco
            try route explain --ne
            """;
        Assert.Equal("swap\ndisconnect\n--network\n", RunShell("bash", "-c", script));
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public void Scripts_are_understood_by_their_shell(string shell)
    {
        Assert.SkipUnless(IsInstalled(shell), $"{shell} is not installed here");
        string file = Path.GetTempFileName();
        File.WriteAllText(file, Outcome.Of("completion", shell).Out);
        Assert.Equal("", RunShell(shell, "-n", file));
        File.Delete(file);
    }

    [Fact]
    public void Fish_completes_with_the_script()
    {
        Assert.SkipUnless(IsInstalled("fish"), "fish is not installed here");
        string folder = AppContext.BaseDirectory;
        string script = $"set -x PATH {folder} $PATH\n{Outcome.Of("completion", "fish").Out}\ncomplete -C 'vpnctl plugins s'\n";
        Assert.StartsWith("swap", RunShell("fish", "-c", script), StringComparison.Ordinal);
    }

    private static string[] Complete(params string[] words) =>
        [.. Outcome.Of(["__complete", .. words]).Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t')[0])];

    private static bool IsInstalled(string shell) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Any(folder => File.Exists(Path.Combine(folder, shell)));

    private static string RunShell(string shell, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(shell, arguments)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output + error.Result;
    }
}
