using System.Net;
using System.Net.Sockets;

namespace VibePN.Plugins.TransportQuic;

/// <summary>In which order the addresses of one name are tried.</summary>
internal static class DialOrder
{
    /// <summary>A name with more addresses than this is somebody's load balancer, not a peer.</summary>
    public const int MaxAddresses = 4;

    /// <summary>
    /// The resolver's order with the families taking turns (RFC 8305 §4): where one family leads nowhere, the other
    /// is tried second, not last.
    /// </summary>
    /// <param name="addresses">What the name stands for, best first.</param>
    /// <param name="usable">Whether there is a socket for an address.</param>
    public static IPEndPoint[] Of(IEnumerable<IPEndPoint> addresses, Func<IPEndPoint, bool> usable)
    {
        IPEndPoint[] all = [.. addresses.Where(usable).Distinct()];
        if (all.Length == 0)
            return [];
        AddressFamily first = all[0].AddressFamily;
        IPEndPoint[] ours = [.. all.Where(address => address.AddressFamily == first)];
        IPEndPoint[] others = [.. all.Where(address => address.AddressFamily != first)];
        var order = new List<IPEndPoint>(all.Length);
        for (int i = 0; i < Math.Max(ours.Length, others.Length); i++)
        {
            if (i < ours.Length)
                order.Add(ours[i]);
            if (i < others.Length)
                order.Add(others[i]);
        }
        return [.. order.Take(MaxAddresses)];
    }
}
