using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace VibePN.Host.Enrolment;

/// <summary>Guesses where other nodes can reach this one, when the operator does not say.</summary>
internal static class OwnAddresses
{
    /// <summary>At most one address of each family with the port to dial, IPv4 first.</summary>
    /// <param name="listen">What the daemon listens on.</param>
    /// <param name="overlay">Names of its own interfaces, which lead through itself.</param>
    public static IReadOnlyList<string> Guess(IReadOnlyList<IPEndPoint> listen, IReadOnlyCollection<string> overlay)
    {
        UnicastIPAddressInformation[] own = [.. Interfaces(overlay).SelectMany(each => each.GetIPProperties().UnicastAddresses)];
        return Guess(listen, [.. own.Select(each => each.Address)]);
    }

    /// <summary>The same out of addresses that are known.</summary>
    internal static IReadOnlyList<string> Guess(IReadOnlyList<IPEndPoint> listen, IReadOnlyList<IPAddress> own)
    {
        var found = new List<string>();
        foreach (AddressFamily family in new[] { AddressFamily.InterNetwork, AddressFamily.InterNetworkV6 })
        {
            IEnumerable<IPEndPoint> candidates = listen
                .Where(each => each.AddressFamily == family && each.Port != 0)
                .SelectMany(each => IsWildcard(each.Address)
                    ? own.Where(address => address.AddressFamily == family && IsReachable(address)).Select(address => new IPEndPoint(address, each.Port))
                    : IPAddress.IsLoopback(each.Address) ? [] : [each]);
            if (candidates.FirstOrDefault() is { } endPoint)
                found.Add(endPoint.ToString());
        }
        return found;
    }

    // Those that lead to the world first.
    private static IEnumerable<NetworkInterface> Interfaces(IReadOnlyCollection<string> overlay) => NetworkInterface
        .GetAllNetworkInterfaces()
        .Where(each => each.OperationalStatus != OperationalStatus.Down && each.NetworkInterfaceType != NetworkInterfaceType.Loopback
            && !overlay.Contains(each.Name))
        .OrderByDescending(each => each.GetIPProperties().GatewayAddresses.Count > 0)
        .ThenBy(each => each.Name, StringComparer.Ordinal);

    private static bool IsWildcard(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    private static bool IsReachable(IPAddress address) => !IPAddress.IsLoopback(address) && !address.IsIPv6LinkLocal
        && !address.ToString().StartsWith("169.254.", StringComparison.Ordinal);
}
