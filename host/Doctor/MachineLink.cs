using System.Collections.Immutable;
using System.Net;
using System.Net.NetworkInformation;

namespace VibePN.Host.Doctor;

/// <summary>An interface of the machine.</summary>
/// <param name="Name">Its name.</param>
/// <param name="State">Whether it is up, in the base library's words.</param>
/// <param name="Addresses">Its addresses with the length of their subnets.</param>
internal sealed record MachineLink(string Name, string State, ImmutableArray<(IPAddress Address, int Length)> Addresses)
{
    /// <summary>All of them, by name; none when the kernel does not tell, as under a unit that hides them.</summary>
    public static ImmutableArray<MachineLink> All()
    {
        try
        {
            return [.. NetworkInterface.GetAllNetworkInterfaces().Select(Of).OrderBy(link => link.Name, StringComparer.Ordinal)];
        }
        catch (Exception exception) when (exception is NetworkInformationException or IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static MachineLink Of(NetworkInterface link) => new(
        link.Name, link.OperationalStatus.ToString(),
        [.. link.GetIPProperties().UnicastAddresses.Select(address => (address.Address, address.PrefixLength))]);
}
