using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using VibePN.System.Tests.Lab;

namespace VibePN.System.Tests;

/// <summary>Two machines with nothing but the programs, and what their operators type.</summary>
public sealed class OnboardingTests
{
    [Fact]
    public async Task Two_machines_go_from_nothing_to_ping_in_four_commands_within_10_s()
    {
        using MeshLab lab = await MeshLab.CreateAsync(nodes: 3);
        using var one = FreshMachine.Of(lab.Nodes[0], lab.Distribution);
        using var two = FreshMachine.Of(lab.Nodes[1], lab.Distribution);
        using var three = FreshMachine.Of(lab.Nodes[2], lab.Distribution);
        var transcript = new Transcript();

        await transcript.TypeAsync(one, "vpnctl", "init", "--start");
        ToolResult invite = await transcript.TypeAsync(one, "vpnctl", "invite");
        ToolResult joined = await transcript.TypeAsync(two, "vpnctl", "join", "--start", invite.Output.Trim());
        string address = joined.Output.Split('\n').Single(line => line.StartsWith("Addresses: ", StringComparison.Ordinal))
            .Split(' ', ',')[1].Split('/')[0];
        await transcript.TypeAsync(one, "ping", "-c", "3", "-i", "0.2", address);

        TestContext.Current.TestOutputHelper?.WriteLine(transcript.Text);
        Assert.Equal(4, transcript.Commands);
        Assert.True(transcript.Took <= TimeSpan.FromSeconds(10), transcript.Text);
        await AssertUsedOnceAsync(invite.Output.Trim(), one, two, three);
        await AssertKeptAsync(one, two, address);
    }

    [Fact]
    public async Task Invites_that_are_altered_expired_or_revoked_join_nobody()
    {
        using MeshLab lab = await MeshLab.CreateAsync(nodes: 2);
        using var one = FreshMachine.Of(lab.Nodes[0], lab.Distribution);
        using var two = FreshMachine.Of(lab.Nodes[1], lab.Distribution);
        (await one.RunAsync("vpnctl", "init", "--start")).Succeeded();
        (await two.RunAsync("vpnctl", "init", "--start")).Succeeded();
        string before = await ConfigAsync(two);
        string code = (await one.RunAsync("vpnctl", "invite", "--expires", "1s")).Succeeded().Output.Trim();
        await RefusedAsync(two, "signature does not fit|is damaged", code[..^20] + (code[^20] == 'a' ? 'b' : 'a') + code[^19..]);
        await Wait.ForAsync(Node.Patience, "the invite to expire",
            async () => (await one.RunAsync("vpnctl", "invite", "list")).Output.Contains("expired", StringComparison.Ordinal), () => one.Log);
        await RefusedAsync(two, "expired at", code);
        code = (await one.RunAsync("vpnctl", "invite", "--expires", "1h")).Succeeded().Output.Trim();
        using JsonDocument list = JsonDocument.Parse((await one.RunAsync("vpnctl", "invite", "list", "--json")).Succeeded().Output);
        string id = list.RootElement.EnumerateArray().First(invite => invite.GetProperty("state").GetString() == "open").GetProperty("id").GetString()!;
        (await one.RunAsync("vpnctl", "invite", "revoke", id)).Succeeded();
        await RefusedAsync(two, "was revoked by", code);
        Assert.Equal(before, await ConfigAsync(two));
        Assert.Equal("[]", (await one.RunAsync("vpnctl", "peers", "--json")).Succeeded().Output.Trim());
    }

    private static async Task RefusedAsync(FreshMachine machine, string message, string code)
    {
        ToolResult result = await machine.RunAsync("vpnctl", "join", code);
        Assert.Equal(1, result.ExitCode);
        Assert.Matches(message, result.Error);
    }

    // A third machine comes with the same invite, the second once more, and the inviter itself.
    private static async Task AssertUsedOnceAsync(string code, FreshMachine one, FreshMachine two, FreshMachine three)
    {
        (await three.RunAsync("vpnctl", "init", "--start")).Succeeded();
        string before = await ConfigAsync(three);
        await RefusedAsync(three, "was used by another node", code);
        Assert.Equal(before, await ConfigAsync(three));
        await RefusedAsync(two, "this node has used the invite before", code);
        await RefusedAsync(one, "this node's own", code);
        using JsonDocument peers = JsonDocument.Parse((await one.RunAsync("vpnctl", "peers", "--json")).Succeeded().Output);
        Assert.Equal(1, peers.RootElement.GetArrayLength());
    }

    // What an invite gave, a reload keeps; what the operator removes is gone.
    private static async Task AssertKeptAsync(FreshMachine one, FreshMachine two, string address)
    {
        (await one.RunAsync("vpnctl", "reload")).Succeeded();
        (await one.RunAsync("ping", "-c", "1", "-W", "5", address)).Succeeded();
        (await two.RunAsync("/opt/bin/vibepnd", "--plugins", "/opt/plugins.toml", "--check")).Succeeded();
        using JsonDocument peers = JsonDocument.Parse((await one.RunAsync("vpnctl", "peers", "--json")).Succeeded().Output);
        string name = peers.RootElement[0].GetProperty("name").GetString()!;
        (await one.RunAsync("vpnctl", "remove-peer", name)).Succeeded();
        Assert.Equal("[]", (await one.RunAsync("vpnctl", "peers", "--json")).Succeeded().Output.Trim());
    }

    private static async Task<string> ConfigAsync(FreshMachine machine) =>
        (await machine.RunAsync("cat", "/etc/vibepn/config.toml")).Succeeded().Output;

    /// <summary>What is typed and what comes, with the clock running.</summary>
    private sealed class Transcript
    {
        private readonly StringBuilder _text = new();
        private readonly Stopwatch _clock = Stopwatch.StartNew();

        public int Commands { get; private set; }

        public TimeSpan Took { get; private set; }

        public string Text => $"{_text}From nothing to ping: {Commands} commands, {Took.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture)} s";

        public async Task<ToolResult> TypeAsync(FreshMachine machine, params string[] command)
        {
            ToolResult result = (await machine.RunAsync(command)).Succeeded();
            Commands++;
            Took = _clock.Elapsed;
            _text.Append(CultureInfo.InvariantCulture, $"{machine.Node.Name} [{Took.TotalSeconds:0.0} s] # {string.Join(' ', command)}\n")
                .Append(result.Output).Append(result.Error);
            return result;
        }
    }
}
