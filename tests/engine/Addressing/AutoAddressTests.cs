using VibePN.Contracts;
using VibePN.Engine.Addressing;

namespace VibePN.Engine.Tests.Addressing;

public sealed class AutoAddressTests
{
    private const string X2 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    private const string X3 = "abcd1234ef567890abcd1234ef567890abcd1234ef567890abcd1234ef567890";
    private const string X5 = "f00dbabe12345678deadbeef12345678f00dbabe12345678deadbeef12345678";

    // The vectors A1 to A11 of the predecessor, but for A8 and A10, where it assigned the network address.
    [Theory]
    [InlineData("corp", "node-a", "10.42.0.0/24", "10.42.0.36")]
    [InlineData("corp", X2, "10.42.0.0/24", "10.42.0.22")]
    [InlineData("corp", X3, "10.42.0.0/24", "10.42.0.202")]
    [InlineData("local", X3, "10.99.0.0/24", "10.99.0.94")]
    [InlineData("corp", X5, "10.42.0.0/24", "10.42.0.108")]
    [InlineData("corp", X5, "10.42.0.0/16", "10.42.212.108")]
    [InlineData("lab", X2, "100.64.0.0/10", "100.81.50.196")]
    [InlineData("corp", X3, "10.42.0.99/24", "10.42.0.202")]
    [InlineData("corp", "node-8", "10.42.0.0/24", "10.42.0.196")]
    [InlineData("corp", "node-19", "10.42.0.0/24", "10.42.0.196")]
    public void First_candidate_is_the_predecessors_address(string network, string id, string prefix, string expected) =>
        Assert.Equal(IpAddress.Parse(expected), AutoAddress.First(network, id, IpPrefix.Parse(prefix)));

    [Theory]
    [InlineData("p2p", X2, "192.168.77.0/30", "192.168.77.2")]
    [InlineData("corp", "node-28", "10.42.0.0/24", "10.42.0.16")]
    public void Where_the_predecessor_assigned_the_network_address_the_chain_goes_on(
        string network, string id, string prefix, string expected) =>
        Assert.Equal(expected, AutoAddress.First(network, id, IpPrefix.Parse(prefix)).ToString());

    [Fact]
    public void Nodes_that_share_the_first_candidate_part_ways_at_the_next()
    {
        IpPrefix prefix = IpPrefix.Parse("10.42.0.0/24");
        IpAddress[] eight = [.. AutoAddress.Candidates("corp", "node-8", prefix).Take(3)];
        IpAddress[] nineteen = [.. AutoAddress.Candidates("corp", "node-19", prefix).Take(3)];
        Assert.Equal("10.42.0.196 10.42.0.186 10.42.0.114", string.Join(' ', eight));
        Assert.Equal("10.42.0.196 10.42.0.99 10.42.0.107", string.Join(' ', nineteen));
    }

    [Theory]
    [InlineData("10.42.0.0/24", 254)]
    [InlineData("10.42.0.0/28", 14)]
    [InlineData("10.42.0.0/30", 2)]
    public void Chain_meets_every_host_and_neither_network_nor_broadcast_address(string text, int hosts)
    {
        IpPrefix prefix = IpPrefix.Parse(text);
        var met = new HashSet<IpAddress>();
        for (int node = 0; node < 8; node++)
            met.UnionWith(AutoAddress.Candidates("corp", $"node-{node}", prefix));
        Assert.Equal(hosts, met.Count);
        Assert.All(met, address => Assert.True(prefix.Contains(address)));
        Assert.DoesNotContain(prefix.Address, met);
        Assert.DoesNotContain(prefix.Last, met);
    }

    [Theory]
    [InlineData("0.0.0.0/1")]
    [InlineData("128.0.0.0/1")]
    [InlineData("8000::/1")]
    [InlineData("fd5a:1c3e:77::/48")]
    [InlineData("fd5a:1c3e:77::/64")]
    [InlineData("fd5a:1c3e:77::/65")]
    [InlineData("fd5a:1c3e:77::/112")]
    [InlineData("fd5a:1c3e:77::/126")]
    public void Candidates_lie_inside_the_subnet_and_are_not_its_first_address(string text)
    {
        IpPrefix prefix = IpPrefix.Parse(text);
        for (int node = 0; node < 200; node++)
        {
            foreach (IpAddress address in AutoAddress.Candidates("corp", $"node-{node}", prefix).Take(5))
            {
                Assert.True(prefix.Contains(address));
                Assert.NotEqual(prefix.Address, address);
            }
        }
    }

    [Theory]
    [InlineData("fd5a:1c3e:77::/64", "fd5a:1c3e:77:0:c142:a1f9:b48f:bc75")]
    [InlineData("fd5a:1c3e:77::/48", "fd5a:1c3e:77:0:c142:a1f9:b48f:bc75")]
    [InlineData("fd5a:1c3e:77::/112", "fd5a:1c3e:77::bc75")]
    public void Host_id_of_IPv6_is_the_hashs_end(string prefix, string expected) =>
        Assert.Equal(expected, AutoAddress.First("corp", X2, IpPrefix.Parse(prefix)).ToString());

    [Fact]
    public void Chain_ends() =>
        Assert.InRange(AutoAddress.Candidates("corp", "node-28", IpPrefix.Parse("10.42.0.0/24")).Count(), 4_096, 4_097);

    [Theory]
    [InlineData("0.0.0.0/0")]
    [InlineData("10.0.0.0/31")]
    [InlineData("10.0.0.0/32")]
    [InlineData("::/0")]
    [InlineData("fd00::/127")]
    [InlineData("fd00::/128")]
    public void Subnet_without_two_usable_hosts_or_without_bounds_is_refused(string prefix) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => AutoAddress.Candidates("corp", "node-a", IpPrefix.Parse(prefix)));

    [Fact]
    public void Default_prefix_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => AutoAddress.First("corp", "node-a", default));
}
