using System.Text.Json;
using VibePN.Contracts;
using VibePN.Plugins.TunLinux.Tests.Netlink;

namespace VibePN.Plugins.TunLinux.Tests;

/// <summary>What the interface looks like to the ip tool, an independent witness.</summary>
public sealed class ConfigurationTests : TunTest
{
    [Fact]
    public void Open_device_has_its_addresses_mtu_routes_and_queue_and_is_up()
    {
        using LinuxTunDevice device = Open("vpn0", Configuration(
            1380, ["10.77.0.1/24", "fd77::1/64"], "192.168.40.0/24", "fd78::/48", "10.77.0.0/24"));
        Assert.Equal("vpn0", device.Name);
        Assert.Equal(1380, device.Mtu);
        Assert.Equal(OffloadCapabilities.None, device.Offloads);
        JsonElement link = Link("vpn0");
        Assert.Equal(1380, link.GetProperty("mtu").GetInt32());
        Assert.Equal(1000, link.GetProperty("txqlen").GetInt32());
        Assert.Contains("UP", link.GetProperty("flags").EnumerateArray().Select(flag => flag.GetString()));
        Assert.Equal(["10.77.0.1/24", "fd77::1/64"], Addresses("vpn0"));
        Assert.Equal(["10.77.0.0/24", "192.168.40.0/24", "fd77::/64", "fd78::/48"], Routes("vpn0"));
    }

    [Fact]
    public void IPv6_address_is_never_tentative()
    {
        using LinuxTunDevice device = Open("vpn0", Configuration(1380, ["fd77::1/64"]));
        Assert.DoesNotContain("tentative", Namespace.Exec("ip", "-6", "addr", "show", "dev", "vpn0"), StringComparison.Ordinal);
    }

    [Fact]
    public void Kernel_makes_no_link_local_address_and_sends_nothing_of_its_own()
    {
        using LinuxTunDevice device = Open("vpn0", Configuration(1380, ["10.77.0.1/24", "fd77::1/64"]));
        Assert.Equal("none", Link("vpn0", "-d").GetProperty("inet6_addr_gen_mode").GetString());
        using PacketBatch batch = NewBatch();
        Background read = Background.Start(() => device.Read(batch));
        Assert.False(read.EndsWithin(TimeSpan.FromSeconds(2)), "The kernel sent a packet that nobody asked for.");
    }

    [Fact]
    public void Configure_changes_the_difference_only()
    {
        using var monitor = new RecordedAnnouncements(Namespace);
        using LinuxTunDevice device = Open("vpn0", Configuration(
            1380, ["10.77.0.1/24", "fd77::1/64"], "192.168.40.0/24", "192.168.41.0/24"));
        monitor.SkipUntil("+fd77::1/64"); // the kernel announces an IPv6 address a little later than the rest
        device.Configure(Configuration(1400, ["10.77.0.1/24", "10.78.0.1/24", "fd77::1/64"], "192.168.41.0/24", "192.168.42.0/24"));
        Assert.Equal(1400, device.Mtu);
        Assert.Equal(1400, Link("vpn0").GetProperty("mtu").GetInt32());
        Assert.Equal(["10.77.0.1/24", "10.78.0.1/24", "fd77::1/64"], Addresses("vpn0"));
        Assert.Equal(
            ["10.77.0.0/24", "10.78.0.0/24", "192.168.41.0/24", "192.168.42.0/24", "fd77::/64"], Routes("vpn0"));
        Assert.Equal(["+10.78.0.1/24", "-192.168.40.0/24", "+192.168.42.0/24"], monitor.AddressesAndStaticRoutes());
    }

    [Fact]
    public void Configure_to_the_same_touches_nothing()
    {
        TunConfiguration configuration = Configuration(1380, ["10.77.0.1/24", "fd77::1/64"], "192.168.40.0/24", "fd78::/48");
        using var monitor = new RecordedAnnouncements(Namespace);
        using LinuxTunDevice device = Open("vpn0", configuration);
        monitor.SkipUntil("+fd77::1/64");
        device.Configure(configuration);
        Assert.Equal(0, monitor.Count());
    }

    [Fact]
    public void Address_moves_within_its_subnet_and_the_second_one_stays()
    {
        using LinuxTunDevice device = Open("vpn0", Configuration(1380, ["10.77.0.1/24", "10.77.0.2/24"]));
        device.Configure(Configuration(1380, ["10.77.0.2/24", "10.77.0.3/24"]));
        Assert.Equal(["10.77.0.2/24", "10.77.0.3/24"], Addresses("vpn0"));
    }

    [Fact]
    public void Prefix_length_of_an_IPv6_address_can_change()
    {
        using LinuxTunDevice device = Open("vpn0", Configuration(1380, ["fd77::1/64"]));
        device.Configure(Configuration(1380, ["fd77::1/48"]));
        Assert.Equal(["fd77::1/48"], Addresses("vpn0"));
    }

    [Fact]
    public void What_others_put_on_the_interface_stays()
    {
        using LinuxTunDevice device = Open("vpn0", Configuration(1380, ["10.77.0.1/24"], "192.168.40.0/24"));
        Namespace.Exec("ip", "addr", "add", "10.90.0.1/24", "dev", "vpn0");
        Namespace.Exec("ip", "route", "add", "192.168.90.0/24", "dev", "vpn0");
        device.Configure(Configuration(1380, ["10.78.0.1/24"]));
        Assert.Equal(["10.78.0.1/24", "10.90.0.1/24"], Addresses("vpn0"));
        Assert.Equal(["10.78.0.0/24", "10.90.0.0/24", "192.168.90.0/24"], Routes("vpn0"));
    }

    [Fact]
    public void Routes_of_others_outlive_the_change_of_the_only_address()
    {
        using LinuxTunDevice device = Open("vpn0", Configuration(1380, ["10.77.0.1/24"]));
        Namespace.Exec("ip", "route", "add", "192.168.90.0/24", "dev", "vpn0");
        device.Configure(Configuration(1380, ["10.78.0.1/24"]));
        Assert.Equal(["10.78.0.0/24", "192.168.90.0/24"], Routes("vpn0"));
    }

    [Fact]
    public void Settings_that_others_removed_are_put_back()
    {
        TunConfiguration configuration = Configuration(1380, ["10.77.0.1/24"], "192.168.40.0/24");
        using LinuxTunDevice device = Open("vpn0", configuration);
        Namespace.Exec("ip", "link", "set", "vpn0", "down");
        Namespace.Exec("ip", "addr", "flush", "dev", "vpn0");
        device.Configure(configuration);
        Assert.Equal(["10.77.0.1/24"], Addresses("vpn0"));
        Assert.Equal(["10.77.0.0/24", "192.168.40.0/24"], Routes("vpn0"));
    }

    [Fact]
    public void IPv6_comes_and_goes_with_the_mtu()
    {
        using LinuxTunDevice device = Open("vpn0", Configuration(1000, ["10.77.0.1/24"]));
        device.Configure(Configuration(1380, ["10.77.0.1/24", "fd77::1/64"]));
        Assert.Equal(["10.77.0.1/24", "fd77::1/64"], Addresses("vpn0"));
        Assert.Equal("none", Link("vpn0", "-d").GetProperty("inet6_addr_gen_mode").GetString());
        device.Configure(Configuration(1000, ["10.77.0.1/24"]));
        Assert.Equal(["10.77.0.1/24"], Addresses("vpn0"));
    }

    [Fact]
    public void Default_routes_and_host_routes_are_routes_like_others()
    {
        using LinuxTunDevice device = Open("vpn0", Configuration(
            1380, ["10.77.0.1/32", "fd77::1/128"], "0.0.0.0/0", "::/0", "10.77.0.9/32"));
        Assert.Equal(["10.77.0.9/32", "::/0", "default", "fd77::1/128"],
            Routes("vpn0").Select(route => route == "default6" ? "::/0" : route).Order(StringComparer.Ordinal));
        device.Configure(Configuration(1380, ["10.77.0.1/32"]));
        Assert.Empty(Routes("vpn0"));
    }

    [Fact]
    public void Route_of_another_interface_is_neither_taken_nor_moved()
    {
        Namespace.Exec("ip", "link", "add", "other0", "type", "veth", "peer", "name", "other1");
        Namespace.Exec("ip", "link", "set", "other1", "up");
        Namespace.Exec("ip", "link", "set", "other0", "up");
        Namespace.Exec("ip", "route", "add", "192.168.40.0/24", "dev", "other0");
        TunException e = Assert.Throws<TunException>(() => Open("vpn0", Configuration(1380, ["10.77.0.1/24"], "192.168.40.0/24")));
        Assert.Contains("192.168.40.0/24: RTM_NEWROUTE returned EEXIST", e.Message, StringComparison.Ordinal);
        Assert.Contains("192.168.40.0/24", Routes("other0"));
        Assert.DoesNotContain("vpn0", Namespace.Exec("ip", "link"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(575, "10.77.0.1/24", "MTU of 575")]
    [InlineData(65536, "10.77.0.1/24", "MTU of 65536")]
    [InlineData(1279, "fd77::1/64", "IPv6 needs an MTU of at least 1280")]
    public void Impossible_wish_is_refused_before_anything_is_made(int mtu, string address, string sentence)
    {
        TunException e = Assert.Throws<TunException>(() => Open("vpn0", Configuration(mtu, [address])));
        Assert.Contains(sentence, e.Message, StringComparison.Ordinal);
        Assert.Equal(PluginFault.Configuration, e.Fault);
        Assert.DoesNotContain("vpn0", Namespace.Exec("ip", "link"), StringComparison.Ordinal);
    }

    private JsonElement Link(string device, string option = "-s") =>
        JsonDocument.Parse(Namespace.Exec("ip", "-j", option, "link", "show", "dev", device)).RootElement[0];

    private string[] Addresses(string device) =>
        [.. JsonDocument.Parse(Namespace.Exec("ip", "-j", "addr", "show", "dev", device)).RootElement.EnumerateArray()
            .SelectMany(link => link.GetProperty("addr_info").EnumerateArray())
            .Select(info => $"{info.GetProperty("local").GetString()}/{info.GetProperty("prefixlen").GetInt32()}")
            .Order(StringComparer.Ordinal)];

    private string[] Routes(string device)
    {
        IEnumerable<string> v4 = RoutesOf("-4", device, 32);
        IEnumerable<string> v6 = RoutesOf("-6", device, 128).Select(route => route == "default" ? "default6" : route);
        return [.. v4.Concat(v6).Order(StringComparer.Ordinal)];
    }

    // ip writes host routes without their length.
    private IEnumerable<string> RoutesOf(string family, string device, int bits) =>
        JsonDocument.Parse(Namespace.Exec("ip", "-j", family, "route", "show", "dev", device)).RootElement.EnumerateArray()
            .Select(route => route.GetProperty("dst").GetString()!)
            .Select(text => text == "default" || text.Contains('/', StringComparison.Ordinal) ? text : $"{text}/{bits}");
}
