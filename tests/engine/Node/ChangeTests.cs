using System.Collections.Immutable;
using System.Net;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Node;
using VibePN.Testkit;

namespace VibePN.Engine.Tests.Node;

/// <summary>Prepared changes: what fails leaves everything, what is abandoned leaves nothing.</summary>
public sealed class ChangeTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_prepared_change_that_is_abandoned_leaves_nothing_open()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        EngineConfiguration more = WithMore(lab[0]);
        PreparedChange prepared = await lab[0].Engine.PrepareAsync(new EngineChange { Configuration = more }, Token);
        FakeTunDevice opened = lab[0].Device("more");
        Assert.True(lab.Wire.IsHeard("192.0.2.77:51820"));
        Assert.Equal(2, (await lab[0].StatusAsync()).Networks.Length);
        await lab[0].Engine.AbandonAsync(prepared);
        Assert.True(opened.IsDisposed);
        Assert.False(lab.Wire.IsHeard("192.0.2.77:51820"));
        Assert.True(lab.Wire.IsHeard("192.0.2.1:51820"));
        await lab[0].SendAsync(lab[1], "corp");
    }

    [Fact]
    public async Task Listen_addresses_change_while_the_connections_live()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        MemoryConnection before = Assert.Single(lab[0].Transport.Connections);
        Assert.Equal(
            ["listen: [192.0.2.1:51820] -> [192.0.2.77:51820]"],
            await lab[0].ReloadAsync(old => old with { Listen = [IPEndPoint.Parse("192.0.2.77:51820")] }));
        Assert.False(lab.Wire.IsHeard("192.0.2.1:51820"));
        Assert.Same(before, Assert.Single(lab[0].Transport.Connections));
        await lab[0].SendAsync(lab[1], "corp");
    }

    [Fact]
    public async Task A_listen_address_that_is_taken_changes_nothing()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        string text = await TextAsync(lab[0]);
        EngineConfiguration next = WithMore(lab[0]) with { Listen = [NodeLab.AddressOf(2)] };
        PluginException refused = await Assert.ThrowsAsync<PluginException>(
            () => lab[0].Engine.PrepareAsync(new EngineChange { Configuration = next }, Token));
        Assert.Contains("'listen' could not be changed", refused.Message, StringComparison.Ordinal);
        Assert.Equal(text, await TextAsync(lab[0]));
        Assert.True(lab.Wire.IsHeard("192.0.2.1:51820"));
        Assert.DoesNotContain(lab[0].Tun.Opened, device => device.Name == "vpn-more" && !device.IsDisposed);
    }

    [Fact]
    public async Task An_interface_that_could_not_be_configured_is_configured_again()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        FakeTunDevice device = lab[0].Device("corp");
        int tries = 0;
        device.OnConfigure = _ =>
        {
            if (++tries < 3)
                throw new TunException("busy");
        };
        await lab[0].ReloadAsync(old => old with { Networks = [old.Networks[0] with { Mtu = 1300 }, old.Networks[1]] });
        Assert.Contains((await lab[0].StatusAsync()).Warnings, warning => warning.Contains("busy", StringComparison.Ordinal));
        await lab[0].UntilAsync(status => status.Networks[0].Error.Length == 0, "configured at last");
        Assert.Equal((3, 1300), (tries, device.Configuration!.Mtu));
        await lab[0].SendAsync(lab[1], "corp");
    }

    [Fact]
    public async Task A_network_whose_address_stays_is_not_configured_again()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        int calls = 0;
        lab[0].Device("corp").OnConfigure = _ => calls++;
        lab[0].Device("lab").OnConfigure = _ => calls++;
        await lab[0].ReloadAsync(old => old with { Networks = [old.Networks[0] with { Export = false }, old.Networks[1]] });
        await lab[0].StatusAsync();
        Assert.Equal(0, calls);
    }

    [Fact]
    public async Task A_policy_that_is_swapped_together_with_the_configuration_decides_over_the_new_one()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        var candidate = new LabPolicy(new LabContext(TimeProvider.System));
        await candidate.StartAsync(Token);
        var change = new EngineChange
        {
            Configuration = lab[0].Configuration with { Networks = [lab[0].Configuration.Networks[0]] },
            Routing = candidate,
        };
        await lab[0].Engine.CommitAsync(await lab[0].Engine.PrepareAsync(change, Token));
        lab[0].Policy.CompileFault = "the old one is asked no more";
        Assert.Single((await lab[0].StatusAsync()).Networks);
        await lab[0].SendAsync(lab[1], "corp");
        await lab[1].SendAsync(lab[0], "corp");
    }

    [Fact]
    public async Task A_candidate_that_fails_takes_the_whole_change_with_it()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        string text = await TextAsync(lab[0]);
        var candidate = new LabPolicy(new LabContext(TimeProvider.System));
        await candidate.StartAsync(Token);
        var change = new EngineChange { Configuration = WithMore(lab[0]), Routing = candidate };
        PreparedChange prepared = await lab[0].Engine.PrepareAsync(change, Token);
        candidate.CompileFault = "cold feet";
        PluginException refused = await Assert.ThrowsAsync<PluginException>(() => lab[0].Engine.CommitAsync(prepared));
        Assert.Contains("cold feet", refused.Message, StringComparison.Ordinal);
        Assert.Equal(text, await TextAsync(lab[0]));
        Assert.DoesNotContain(lab[0].Tun.Opened, device => device.Name == "vpn-more" && !device.IsDisposed);
        await lab[0].SendAsync(lab[1], "corp");
    }

    [Fact]
    public async Task Other_trust_is_heard_and_the_old_one_no_more()
    {
        await using var lab = NodeLab.Mesh(2);
        await lab.StartAndMeetAsync();
        LabTrust old = lab[0].Trust;
        var next = new LabTrust(new LabContext(TimeProvider.System));
        await next.StartAsync(Token);
        ChangeResult result = await lab[0].Engine.CommitAsync(
            await lab[0].Engine.PrepareAsync(new EngineChange { Trust = [next] }, Token));
        Assert.Empty(result.EndedSessions);
        old.Bends = (_, verdict) => verdict with { Outcome = TrustOutcome.Refuse };
        old.RaiseChanged();
        Assert.Equal("up", (await lab[0].StatusAsync()).Peers[0].State);
        next.Bends = (_, verdict) => verdict with { Outcome = TrustOutcome.Refuse, Text = "not any more" };
        next.RaiseChanged();
        await lab[0].UntilAsync(status => status.Peers[0].State != "up", "refused");
    }

    [Fact]
    public void Elementary_prefixes_are_those_with_an_address_of_their_own()
    {
        IpPrefix[] prefixes =
        [
            .. new[] { "10.0.0.0/24", "10.0.0.0/25", "10.0.0.0/32", "10.0.0.128/25", "10.0.1.0/24", "10.0.1.0/25", "fd00::/64", "fd00::/128" }
                .Select(IpPrefix.Parse),
        ];
        Assert.Equal(
            ["10.0.0.0/25 10.0.0.1", "10.0.0.0/32 10.0.0.0", "10.0.0.128/25 10.0.0.128", "10.0.1.0/24 10.0.1.128",
             "10.0.1.0/25 10.0.1.0", "fd00::/64 fd00::1", "fd00::/128 fd00::"],
            RouteDifferences.Elementary(prefixes).Select(pair => $"{pair.Prefix} {pair.Inside}"));
    }

    [Fact]
    public void Elementary_addresses_belong_to_no_longer_prefix_as_a_naive_search_finds_too()
    {
        var random = new Random(11);
        for (int round = 0; round < 300; round++)
        {
            IpPrefix[] prefixes =
            [
                .. Enumerable.Range(0, random.Next(1, 12))
                    .Select(_ => new IpPrefix(IpAddress.FromV4(0x0A000000u + (uint)random.Next(16)), random.Next(27, 33)))
                    .Distinct().Order(),
            ];
            Dictionary<IpPrefix, IpAddress> found = RouteDifferences.Elementary(prefixes).ToDictionary(pair => pair.Prefix, pair => pair.Inside);
            foreach (IpPrefix prefix in prefixes)
            {
                bool IsOwn(IpAddress address) => prefix.Contains(address)
                    && !prefixes.Any(other => other.Length > prefix.Length && other.Contains(address));
                bool exists = Enumerable.Range(0, 64).Any(i => IsOwn(IpAddress.FromV4(0x0A000000u + (uint)i)));
                Assert.Equal(exists, found.TryGetValue(prefix, out IpAddress inside));
                Assert.True(!exists || IsOwn(inside), $"{inside} for {prefix} among {string.Join(' ', prefixes)}");
            }
        }
    }

    private static EngineConfiguration WithMore(LabEngine node) => node.Configuration with
    {
        Networks = [.. node.Configuration.Networks, NodeLab.Network("more", 44, node.Number)],
        Listen = [.. node.Configuration.Listen, IPEndPoint.Parse("192.0.2.77:51820")],
    };

    private static async Task<string> TextAsync(LabEngine node) =>
        ConfigurationPlan.TextOf(await node.Engine.GetConfigurationAsync(Token));
}
