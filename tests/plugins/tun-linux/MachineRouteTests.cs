using VibePN.Contracts;

namespace VibePN.Plugins.TunLinux.Tests;

/// <summary>What the engine learns of the machine's own routes.</summary>
public sealed class MachineRouteTests : TunTest
{
    [Fact]
    public void Routes_of_others_are_told_and_ours_are_not()
    {
        Namespace.Exec("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth1");
        Namespace.Exec("ip", "addr", "add", "192.168.7.1/24", "dev", "eth0");
        Namespace.Exec("ip", "addr", "add", "fd07::1/64", "dev", "eth0", "nodad");
        Namespace.Exec("ip", "link", "set", "eth1", "up");
        Namespace.Exec("ip", "link", "set", "eth0", "up");
        Namespace.Exec("ip", "route", "add", "10.0.0.0/8", "via", "192.168.7.254");
        Namespace.Exec("ip", "route", "add", "default", "via", "192.168.7.254");
        Namespace.Exec("ip", "route", "add", "blackhole", "172.16.0.0/12");
        using LinuxTunDevice device = Open("vpn0", Configuration(1380, ["10.77.0.1/24", "fd77::1/64"], "192.168.40.0/24"));

        MachineRoute[] routes = [.. Namespace.Run(Plugin.GetMachineRoutes)
            .Where(route => route.Prefix.Family == IpFamily.V4 || IpPrefix.Parse("fd00::/8").Contains(route.Prefix))];
        Assert.Equal(
            [
                new MachineRoute(IpPrefix.Parse("0.0.0.0/0"), "eth0", IsConnected: false),
                new MachineRoute(IpPrefix.Parse("10.0.0.0/8"), "eth0", IsConnected: false),
                new MachineRoute(IpPrefix.Parse("192.168.7.0/24"), "eth0", IsConnected: true),
                new MachineRoute(IpPrefix.Parse("fd07::/64"), "eth0", IsConnected: true),
            ],
            routes);
    }

    [Fact]
    public void Machine_without_routes_has_none() => Assert.Empty(Namespace.Run(Plugin.GetMachineRoutes));
}
