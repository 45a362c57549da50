using System.Text.Json;
using VibePN.Invites;

namespace VibePN.Vpnctl.Tests.Joining;

public sealed class JoinTests
{
    private const string Legacy = """
        {
          "version": 1,
          "network": "corp",
          "prefix": "10.42.0.0/24",
          "inviter": {
            "name": "peer1",
            "address": "198.51.100.20:51820",
            "fingerprint": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
          }
        }
        """;

    [Fact]
    public async Task Joining_adds_network_and_pinned_peer_and_reloads()
    {
        await using var bench = new JoinBench();
        string fingerprint = bench.Init();
        string before = bench.Text;
        string code = JoinBench.Invite();
        Outcome outcome = bench.Join(code, "--name", "laptop");
        Assert.Equal(new Outcome(0, $"""
            Joined corp using {bench.Config}
            Fingerprint: {fingerprint}
            Connected to node1, which calls this node node2.
            Addresses: 10.42.0.7/24

            """, ""), outcome);
        Assert.Equal(before + $"""

            [networks.corp]
            prefix = "10.42.0.0/24"
            address = "auto"
            prefix6 = "fd42::/64"
            address6 = "auto"
            export = true

            [[peers]]
            name = "node1"
            address = "198.51.100.20:51820"
            fingerprint = "{new string('1', 64)}"
            networks = ["corp"]

            """, bench.Text);
        Assert.Equal(
            ["status", "status", "status", "invite.redeem", "reload", "peers", "networks"], bench.Calls.Select(call => call.Method));
        JsonElement redeem = bench.Calls.Single(call => call.Method == "invite.redeem").Request;
        Assert.Equal((code, "laptop"), (redeem.GetProperty("invite").GetString(), redeem.GetProperty("name").GetString()));
    }

    [Fact]
    public async Task The_code_may_come_as_a_word_an_option_or_a_file()
    {
        foreach (Func<JoinBench, string[]> way in new Func<JoinBench, string[]>[]
        {
            _ => [JoinBench.Invite()],
            _ => ["-invite", JoinBench.Invite()],
            bench =>
            {
                File.WriteAllText(bench.At("invite"), "\n" + JoinBench.Invite() + "\r\n");
                return ["--invite-file", bench.At("invite")];
            },
        })
        {
            await using var bench = new JoinBench();
            bench.Init();
            Assert.Equal(0, bench.Join(way(bench)).ExitCode);
        }
    }

    [Fact]
    public async Task The_predecessors_flags_count()
    {
        await using var bench = new JoinBench();
        bench.Init();
        Assert.Equal(0, bench.Join("-name", "n", "-address", "10.42.0.9", "-export=false", "-invite", JoinBench.Invite()).ExitCode);
        Assert.Contains("address = \"10.42.0.9\"\nprefix6 = \"fd42::/64\"\naddress6 = \"auto\"\nexport = false\n", bench.Text, StringComparison.Ordinal);
        Outcome json = bench.Join("--json", JoinBench.Invite(invite => invite with { Network = "lab", InviterFingerprint = new string('2', 64) }));
        Assert.Equal(0, json.ExitCode);
        using JsonDocument document = JsonDocument.Parse(json.Out);
        Assert.Equal("node1-2", document.RootElement.GetProperty("peer").GetString());
    }

    [Fact]
    public async Task A_second_network_of_the_same_inviter_extends_its_entry()
    {
        await using var bench = new JoinBench();
        bench.Init();
        Assert.Equal(0, bench.Join(JoinBench.Invite()).ExitCode);
        Assert.Equal(0, bench.Join(JoinBench.Invite(invite => invite with { Network = "lab" })).ExitCode);
        Assert.Contains("networks = [\"corp\", \"lab\"]", bench.Text, StringComparison.Ordinal);
        Assert.Single(bench.Text.Split("[[peers]]\nname").Skip(1));
    }

    [Theory]
    [InlineData("expired")]
    [InlineData("altered")]
    [InlineData("damaged")]
    [InlineData("nonsense")]
    [InlineData("refused")]
    [InlineData("other daemon")]
    [InlineData("other prefix")]
    [InlineData("own")]
    public async Task What_is_refused_changes_nothing_and_has_its_own_message(string what)
    {
        await using var bench = new JoinBench();
        string fingerprint = bench.Init();
        string before = bench.Text;
        string code = JoinBench.Invite();
        string message = what switch
        {
            "expired" => "The invite expired at 2020-01-01T00:00:00Z.",
            "altered" => "The invite was altered: its signature does not fit its content.",
            "damaged" => "The invite is damaged",
            "nonsense" => "This is no invite: one begins with vibepn-invite-.",
            "refused" => "the invite was used by another node",
            "other daemon" => "The daemon that answers is 3333",
            "other prefix" => "They are not the same network",
            _ => "This invite is this node's own.",
        };
        code = what switch
        {
            "expired" => JoinBench.Invite(invite => invite with { NotAfter = new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero) }),
            "altered" => Altered(code),
            "damaged" => code[..^3],
            "nonsense" => "hello",
            "other prefix" => JoinBench.Invite(invite => invite with { Network = "home" }),
            "own" => JoinBench.Invite(invite => invite with { InviterFingerprint = fingerprint }),
            _ => code,
        };
        if (what == "refused")
            bench.Refuses["invite.redeem"] = "the invite was used by another node; each is good for one.";
        bench.Node = what == "other daemon" ? new string('3', 64) : null;
        Outcome outcome = bench.Join(code);
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains(message, outcome.Error, StringComparison.Ordinal);
        Assert.Equal(before, bench.Text);
        Assert.DoesNotContain("reload", bench.Calls.Select(call => call.Method));
    }

    [Fact]
    public async Task A_configuration_that_the_daemon_refuses_is_put_back()
    {
        await using var bench = new JoinBench();
        bench.Init();
        string before = bench.Text;
        bench.Refuses["reload"] = "config.toml(3,1): error VPN1007: no";
        Outcome outcome = bench.Join(JoinBench.Invite());
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("is as it was", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("VPN1007", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(before, bench.Text);
    }

    [Fact]
    public async Task Without_a_daemon_nothing_is_changed()
    {
        await using var bench = new JoinBench();
        Outcome outcome = Outcome.Of("join", "--config", bench.Config, "--socket", bench.At("none"), JoinBench.Invite());
        Assert.Equal(3, outcome.ExitCode);
        Assert.Contains("--start", outcome.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(bench.Config));
    }

    [Theory]
    [InlineData("vpnctl join: the invite is missing.")]
    [InlineData("vpnctl join: more than one invite is given.", "a", "--invite", "b")]
    [InlineData("there is no option --frob.", "a", "--frob")]
    [InlineData("'b' is one word too many.", "a", "b")]
    public async Task Wrong_usage_is_explained(string message, params string[] arguments)
    {
        await using var bench = new JoinBench();
        Outcome outcome = bench.Join(arguments);
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains(message, outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_predecessors_invite_is_accepted_with_a_warning_and_the_other_sides_command()
    {
        await using var bench = new JoinBench();
        string socket = bench.At("none");
        File.WriteAllText(bench.At("invite.json"), Legacy);
        Outcome outcome = Outcome.Of(
            "join", "-config", bench.Config, "-cert", bench.At("node.crt"), "-key", bench.At("node.key"), "-name", "node2",
            "-invite-file", bench.At("invite.json"), "-socket", socket);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal($"Joined corp using {bench.Config}\nFingerprint: {bench.Fingerprint}\n", outcome.Out);
        Assert.Contains("Warning: this invite is of version 1: unsigned", outcome.Error, StringComparison.Ordinal);
        Assert.Contains($"vpnctl add-peer --name node2 --fingerprint {bench.Fingerprint} --networks corp", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("name = \"peer1\"\naddress = \"198.51.100.20:51820\"\nfingerprint = \"0123456789abcdef", bench.Text, StringComparison.Ordinal);
        Assert.Contains("[networks.corp]\nprefix = \"10.42.0.0/24\"\n", bench.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"network\": \"corp\",", "The invite lacks 'network'.")]
    [InlineData("\"prefix\": \"10.42.0.0/24\",", "The invite lacks 'prefix'.")]
    [InlineData("\"name\": \"peer1\",", "The invite lacks 'inviter.name'.")]
    [InlineData("198.51.100.20:51820", "--inviter.address is ''")]
    [InlineData(":51820", "--inviter.address is '198.51.100.20'")]
    [InlineData("0123456789abcdef0123456789abcdef\"", "JSON")]
    [InlineData("0.0/24", "is no subnet")]
    public void A_wrong_invite_of_the_predecessor_says_what_is_wrong(string cut, string message)
    {
        Outcome outcome = Outcome.Of("join", "--invite", Legacy.Replace(cut, "", StringComparison.Ordinal), "--socket", "/run/none");
        Assert.NotEqual(0, outcome.ExitCode);
        if (cut != "198.51.100.20:51820")
            Assert.Contains(message, outcome.Error, StringComparison.Ordinal);
    }

    // The address changes a digit; the checksum is made to fit, the signature cannot be.
    private static string Altered(string code)
    {
        string letters = code[InviteText.Head.Length..].Replace("-", "", StringComparison.Ordinal);
        byte[] bytes = Decode(letters);
        int at = bytes.AsSpan().IndexOf("198.51"u8);
        bytes[at] = (byte)'2';
        global::System.Security.Cryptography.SHA256.HashData(bytes.AsSpan(..^4)).AsSpan(0, 4).CopyTo(bytes.AsSpan(^4));
        return InviteText.Head + Encode(bytes);
    }

    private static byte[] Decode(string letters)
    {
        string bits = string.Concat(letters.Select(letter =>
            Convert.ToString("abcdefghijklmnopqrstuvwxyz234567".IndexOf(letter, StringComparison.Ordinal), 2).PadLeft(5, '0')));
        return [.. bits.Chunk(8).Where(chunk => chunk.Length == 8).Select(chunk => Convert.ToByte(new string(chunk), 2))];
    }

    private static string Encode(byte[] bytes)
    {
        string bits = string.Concat(bytes.Select(value => Convert.ToString(value, 2).PadLeft(8, '0')));
        return string.Concat(bits.Chunk(5).Select(chunk => "abcdefghijklmnopqrstuvwxyz234567"[Convert.ToInt32(new string(chunk).PadRight(5, '0'), 2)]));
    }
}
