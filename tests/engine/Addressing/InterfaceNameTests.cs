using System.Text;
using VibePN.Engine.Addressing;

namespace VibePN.Engine.Tests.Addressing;

public sealed class InterfaceNameTests
{
    [Theory]
    [InlineData("corp", "vpn-corp")]
    [InlineData("a", "vpn-a")]
    [InlineData("lab.east_2-x", "vpn-lab.-3f89e9")]
    [InlineData("elevenchars", "vpn-elevenchars")]
    [InlineData("twelve-chars", "vpn-twel-8dd1fe")]
    [InlineData("a-very-long-network-name-of-32ch", "vpn-a-ve-af083e")]
    [InlineData("corp-abc123", "vpn-corp-6bf556")]
    [InlineData("corp-abcxyz", "vpn-corp-abcxyz")]
    [InlineData("net%d", "vpn-net_-8b16e2")]
    [InlineData("a/b", "vpn-a_b-c14cdd")]
    [InlineData("büro", "vpn-b_ro-2616f0")]
    public void Name_is_the_networks_where_it_fits(string network, string expected) =>
        Assert.Equal(expected, InterfaceName.For(network));

    [Fact]
    public void Long_names_stay_within_the_kernels_limit_and_apart()
    {
        var seen = new HashSet<string>();
        for (int i = 0; i < 500; i++)
        {
            string name = InterfaceName.For($"datacenter-east-{i}");
            Assert.InRange(Encoding.UTF8.GetByteCount(name), 5, InterfaceName.MaxLength);
            Assert.Matches("^[A-Za-z0-9._-]+$", name);
            Assert.True(seen.Add(name));
        }
    }

    [Fact]
    public void No_network_can_be_named_after_anothers_abbreviation()
    {
        string abbreviated = InterfaceName.For("datacenter-east");
        Assert.NotEqual(abbreviated, InterfaceName.For(abbreviated["vpn-".Length..]));
    }

    [Fact]
    public void Empty_name_is_refused() => Assert.Throws<ArgumentException>(() => InterfaceName.For(""));
}
