using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Routes;

namespace VibePN.Engine.Tests.Routes;

public sealed class RouteGuardTests
{
    private static readonly NetworkConfiguration Network = new()
    {
        Name = "corp",
        Prefix = IpPrefix.Parse("10.42.0.0/24"),
        Prefix6 = IpPrefix.Parse("fd5a:1c3e:77::/64"),
        Address = IpAddress.Parse("10.42.0.36"),
        Address6 = IpAddress.Parse("fd5a:1c3e:77::36"),
        Originate = [IpPrefix.Parse("192.168.7.0/24")],
    };

    [Theory]
    [InlineData("10.42.0.5/32")]
    [InlineData("fd5a:1c3e:77::5/128")]
    [InlineData("192.168.8.0/24")]
    [InlineData("100.64.0.0/10")]
    [InlineData("2001:db8::/32")]
    public void What_a_member_may_announce_is_left_to_the_policy(string prefix) =>
        Assert.Null(RouteGuard.Refuse(IpPrefix.Parse(prefix), Network));

    [Theory]
    [InlineData("0.0.0.0/0")]
    [InlineData("::/0")]
    [InlineData("0.0.0.0/1")]
    [InlineData("127.0.0.0/8")]
    [InlineData("127.1.2.3/32")]
    [InlineData("169.254.0.0/16")]
    [InlineData("224.0.0.251/32")]
    [InlineData("255.255.255.255/32")]
    [InlineData("fe80::/64")]
    [InlineData("ff02::1/128")]
    [InlineData("::1/128")]
    [InlineData("::ffff:10.42.0.0/120")]
    public void Default_routes_and_special_blocks_are_martians(string prefix) =>
        Assert.Equal(RouteReason.Martian, RouteGuard.Refuse(IpPrefix.Parse(prefix), Network));

    [Theory]
    [InlineData("10.42.0.36/32")]
    [InlineData("10.42.0.0/24")]
    [InlineData("10.0.0.0/8")]
    [InlineData("fd5a:1c3e:77::/64")]
    [InlineData("fd00::/8")]
    [InlineData("192.168.7.0/24")]
    [InlineData("192.168.7.9/32")]
    public void What_is_ours_or_covers_it_is_refused(string prefix) =>
        Assert.Equal(RouteReason.OwnAddress, RouteGuard.Refuse(IpPrefix.Parse(prefix), Network));

    [Theory]
    [InlineData("10.42.0.128/25")]
    [InlineData("10.42.0.0/32")]
    [InlineData("10.42.0.255/32")]
    [InlineData("fd5a:1c3e:77:0:8000::/65")]
    [InlineData("fd5a:1c3e:77::/128")]
    public void Inside_the_shared_subnet_only_usable_hosts_are_taken(string prefix) =>
        Assert.Equal(RouteReason.NotPermitted, RouteGuard.Refuse(IpPrefix.Parse(prefix), Network));

    [Theory]
    [InlineData("10.42.0.5/32", "10.42.0.0/24", "10.43.0.0/24", false)]
    [InlineData("10.43.0.5/32", "10.42.0.0/24", "10.43.0.0/24", true)]
    [InlineData("10.0.0.0/8", "10.42.0.0/24", "10.43.0.0/24", true)]
    [InlineData("192.168.7.0/24", "10.42.0.0/24", "10.43.0.0/24", false)]
    [InlineData("10.42.0.5/32", "10.42.0.0/24", "10.0.0.0/8", false)]
    [InlineData("10.42.0.5/32", "10.0.0.0/8", "10.42.0.0/24", true)]
    [InlineData("10.9.0.5/32", "10.0.0.0/8", "10.42.0.0/24", false)]
    public void A_prefix_does_not_reach_into_another_network(string prefix, string subnet, string otherSubnet, bool reaches) =>
        Assert.Equal(reaches, RouteGuard.ReachesInto(
            new NetworkConfiguration { Name = "other", Prefix = IpPrefix.Parse(otherSubnet) },
            IpPrefix.Parse(prefix),
            new NetworkConfiguration { Name = "this", Prefix = IpPrefix.Parse(subnet) }));
}
