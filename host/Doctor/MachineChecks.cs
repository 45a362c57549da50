using System.Collections.Immutable;
using System.Globalization;
using VibePN.Contracts;
using VibePN.Engine.Addressing;
using VibePN.Engine.Configuration;
using VibePN.Engine.Policy;
using VibePN.Host.Native;

namespace VibePN.Host.Doctor;

/// <summary>Checks 11 and 14: what the machine has in the way of the overlay, and whether it lets interfaces be made.</summary>
internal static class MachineChecks
{
    // linux/capability.h
    private const int CAP_NET_ADMIN = 12;

    /// <summary>Check 11.</summary>
    public static Check Overlaps(ExaminedConfig config)
    {
        var found = new CheckFindings(11, "prefix overlap with host routes and other networks");
        ImmutableArray<NetworkConfiguration> networks = config.Draft.Networks;
        HashSet<string> ours = [.. networks.Select(network => InterfaceName.For(network.Name))];
        ImmutableArray<MachineRoute> routes = [.. ProcNet.Routes().Where(route => !ours.Contains(route.Interface))];
        foreach (NetworkConfiguration network in networks)
        {
            string place = $"edit {config.Path}, [networks.{network.Name}]";
            if (OverlapCheck.Against(network, routes) is { } problem)
                found.Fail($"network '{network.Name}': {problem[..problem.IndexOf(". ", StringComparison.Ordinal)]}", $"{place}: another prefix, or overlap = \"allow\" if that is meant");
            foreach (string taken in OverlapCheck.TakenBy(network, routes))
                found.Warn($"network '{network.Name}': {taken}", $"{place}: another prefix, unless that is meant");
        }
        for (int i = 0; i < networks.Length; i++)
        {
            foreach (NetworkConfiguration other in networks.Skip(i + 1))
                Between(config, networks[i], other, found);
        }
        return found.Build($"{networks.Length} networks beside {routes.Count(route => route.Prefix.Length > 0)} routes of this machine");
    }

    /// <summary>Check 14.</summary>
    public static Check Tun(Daemonship daemon)
    {
        var found = new CheckFindings(14, "capabilities and TUN access");
        string passed = "";
        if (!File.Exists(TunProbe.Device))
            found.Fail($"there is no {TunProbe.Device}", "modprobe tun; in a container, give it that device");
        else if (daemon.Unit is { GivesNetAdmin: false } unit)
            found.Fail($"{unit.Path} runs the daemon as {unit.User} without CAP_NET_ADMIN",
                $"systemctl edit {ServiceUnit.Name}: [Service] AmbientCapabilities=CAP_NET_ADMIN and CapabilityBoundingSet=CAP_NET_ADMIN");
        else if (daemon.Unit is { AllowsTun: false } closed)
            found.Fail($"{closed.Path} keeps {TunProbe.Device} from the daemon",
                $"systemctl edit {ServiceUnit.Name}: [Service] DeviceAllow={TunProbe.Device} rw");
        else if (!HasNetAdmin())
            passed = WithoutCapability(daemon, found);
        else if (TunProbe.Refusal() is { } refusal)
            found.Fail(refusal, "modprobe tun; see dmesg, and in a container give it CAP_NET_ADMIN and /dev/net/tun");
        else
            passed = "an interface was made and removed";
        return found.Build(passed);
    }

    private static string WithoutCapability(Daemonship daemon, CheckFindings found)
    {
        if (daemon.Unit is { } unit)
            return $"{unit.Path} gives CAP_NET_ADMIN; not tried, since this user has it not";
        found.Fail($"{daemon.Name} has no CAP_NET_ADMIN, without which no interface can be made",
            "run vibepnd as root or as the unit vibepn.service, or: setcap cap_net_admin+ep $(command -v vibepnd)");
        return "";
    }

    private static void Between(ExaminedConfig config, NetworkConfiguration one, NetworkConfiguration other, CheckFindings found)
    {
        if (OverlapCheck.Between(one, other) is not var (first, second))
            return;
        string place = $"edit {config.Path}: give [networks.{one.Name}] or [networks.{other.Name}] another subnet";
        if (first == second)
            found.Fail($"networks '{one.Name}' and '{other.Name}' both have {first}: the kernel sends all of its packets into one of the two", place);
        else
            found.Warn($"networks '{one.Name}' ({first}) and '{other.Name}' ({second}) overlap: packets go to the narrower one", place);
    }

    // The thread's, not the process's: it is the thread that asks the kernel.
    private static bool HasNetAdmin()
    {
        const string Label = "CapEff:";
        string? line = File.ReadLines("/proc/thread-self/status").FirstOrDefault(each => each.StartsWith(Label, StringComparison.Ordinal));
        return line is not null
            && ulong.TryParse(line.AsSpan(Label.Length).Trim(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong bits)
            && (bits >> CAP_NET_ADMIN & 1) != 0;
    }
}
