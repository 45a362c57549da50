using VibePN.Vpnctl.CommandLine;
using VibePN.Vpnctl.Commands;

namespace VibePN.Vpnctl.Tests;

public sealed class UsageTests
{
    public static TheoryData<string> Commands => [.. CommandTable.All.Select(command => command.Name)];

    [Theory]
    [MemberData(nameof(Commands))]
    public void Every_command_explains_itself_with_an_example(string name)
    {
        Outcome outcome = Outcome.Of([.. name.Split(' '), "--help"]);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Matches($"Usage: vpnctl {name}( \\[?[A-Z|]+\\]?)* \\[OPTIONS\\]\n", outcome.Out);
        Assert.Contains($"Example:\n  vpnctl {name}", outcome.Out, StringComparison.Ordinal);
        Assert.Equal(outcome, Outcome.Of(["help", .. name.Split(' ')]));
        Assert.Equal(outcome, Outcome.Of(["-h", .. name.Split(' ')]));
        Assert.Equal(outcome, Outcome.Of([.. name.Split(' '), "-help"]));
    }

    [Fact]
    public void Help_of_status_is_complete()
    {
        Assert.Equal("""
            Show the daemon's health, and how many peers and routes it has.

            Usage: vpnctl status [OPTIONS]

            Options:
              --watch [SECONDS]  Show it again every 2 or so many seconds, until Ctrl-C: on a screen in place,
                                 otherwise one after the other
              --socket PATH      The daemon's control socket. Default: /run/vibepn/vibepn.sock
              --timeout SECONDS  How long to wait for the daemon. Default: 15
              --json             Print the result as JSON.
              -h, --help         Show this.

            Example:
              vpnctl status

            """, Outcome.Of("help", "status").Out);
    }

    [Fact]
    public void Overview_lists_every_command()
    {
        Outcome asked = Outcome.Of("--help");
        Assert.Equal(0, asked.ExitCode);
        Assert.All(CommandTable.All, command => Assert.Contains($"  {command.Name} ", asked.Out, StringComparison.Ordinal));
        Assert.Equal(asked, Outcome.Of("help"));
        Assert.Equal(new Outcome(2, "", asked.Out), Outcome.Of());
    }

    [Theory]
    [InlineData("statsu", "there is no command 'statsu'. Did you mean 'status'?")]
    [InlineData("frobnicate", "there is no command 'frobnicate'. 'vpnctl --help'")]
    [InlineData("plugin list", "there is no command 'plugin'. Did you mean 'plugins'?")]
    [InlineData("plugins", "'plugins' needs another word: list, swap.")]
    [InlineData("plugins lst", "there is no command 'plugins lst'. 'plugins' has: list, swap.")]
    [InlineData("route explain", "vpnctl route explain: DEST is missing.")]
    [InlineData("route explain 10.0.0.1 10.0.0.2", "vpnctl route explain: '10.0.0.2' is one word too many.")]
    [InlineData("route", "'route' needs another word: explain.")]
    [InlineData("status --jsno", "vpnctl status: there is no option --jsno. Did you mean '--json'?")]
    [InlineData("status -sokcet x", "vpnctl status: there is no option --sokcet. Did you mean '--socket'?")]
    [InlineData("status now", "vpnctl status: 'now' is one word too many.")]
    [InlineData("status --socket", "vpnctl status: --socket needs a value.")]
    [InlineData("status --socket=", "vpnctl status: --socket needs a value.")]
    [InlineData("status --timeout soon", "vpnctl status: --timeout has a value of the wrong kind.")]
    [InlineData("status --timeout 0", "--timeout takes 1 to 3600 seconds.")]
    [InlineData("status --json=perhaps", "vpnctl status: --json takes true or false, not 'perhaps'.")]
    [InlineData("--loud status", "--loud must follow the command it belongs to.")]
    [InlineData("fingerprint --socket /x", "vpnctl fingerprint: there is no option --socket.")]
    [InlineData("init --prefix 10.42.0.5/24", "--prefix is '10.42.0.5/24'; it must be a subnet without host bits, such as 10.42.0.0/24.")]
    [InlineData("init --prefix 10.42.0.0/31", "it must be an IPv4 subnet of /1 to /30")]
    [InlineData("init --prefix fd00::/64", "it must be an IPv4 subnet")]
    [InlineData("init --prefix6 10.0.0.0/8", "it must be an IPv6 subnet")]
    [InlineData("init --address 10.43.0.1", "it must be auto, or an address inside 10.42.0.0/24.")]
    [InlineData("init --address 10.42.0.255", "the network's or the broadcast address")]
    [InlineData("init --network Corp", "it must be 1 to 32 of a-z")]
    [InlineData("init --listen 0.0.0.0", "it must be an address and a port")]
    [InlineData("init --config /x --key /x", "must be three different files")]
    public void Mistake_is_2_with_a_sentence(string line, string message)
    {
        Outcome outcome = Outcome.Of(line.Split(' '));
        Assert.Contains(message, outcome.Error, StringComparison.Ordinal);
        Assert.StartsWith("Error: ", outcome.Error, StringComparison.Ordinal);
        Assert.Equal((2, ""), (outcome.ExitCode, outcome.Out));
    }

    [Fact]
    public async Task Options_may_stand_anywhere()
    {
        await using FakeDaemon daemon = FakeDaemon.Answering("plugins.list", "[]");
        Assert.Equal("[]\n", Outcome.Of("--socket", daemon.Socket, "plugins", "--json", "list").Out);
        Assert.Equal("[]\n", Outcome.Of($"-socket={daemon.Socket}", "-json", "plugins", "list").Out);
        Assert.Equal("No plugins.\n", Outcome.Of("plugins", $"--socket={daemon.Socket}", "list", "--json=false").Out);
    }

    [Theory]
    [InlineData("status", "status", 0)]
    [InlineData("statsu", "status", 1)]
    [InlineData("", "abc", 3)]
    [InlineData("kitten", "sitting", 3)]
    public void Distance_counts_slips(string a, string b, int expected)
    {
        Assert.Equal(expected, Suggestion.Distance(a, b));
        Assert.Equal(expected, Suggestion.Distance(b, a));
    }
}
