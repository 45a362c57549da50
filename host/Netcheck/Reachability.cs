using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Engine.Configuration;
using VibePN.Host.Control;
using VibePN.Host.Doctor;
using VibePN.Host.Native;

namespace VibePN.Host.Netcheck;

/// <summary>What a node can find out about its own place in the network, and what it cannot.</summary>
/// <param name="Listen">Where it is to listen.</param>
/// <param name="Sockets">The UDP sockets that it has.</param>
/// <param name="DefaultRoutes">The machine's default routes.</param>
/// <param name="PublicAddresses">The machine's own addresses that the internet can route to.</param>
/// <param name="Peers">The peers.</param>
/// <param name="IsClockSynchronised">Whether something keeps the clock right; null when unknown.</param>
/// <param name="Now">The clock.</param>
internal sealed record Reachability(
    ImmutableArray<IPEndPoint> Listen, ImmutableArray<OwnSocket> Sockets, ImmutableArray<MachineRoute> DefaultRoutes,
    ImmutableArray<string> PublicAddresses, ImmutableArray<PeerStatus> Peers, bool? IsClockSynchronised, DateTimeOffset Now)
{
    /// <summary>Why the kind of address translation is not known.</summary>
    public const string NatText =
        "unknown: it needs peers that say at which address they see this node, and vibepn/1 carries no such message";

    /// <summary>Looks.</summary>
    public static Reachability Of(EngineStatus status, EngineConfiguration configuration) => new(
        configuration.Listen, OwnSocket.All(), [.. ProcNet.Routes().Where(route => route.Prefix.Length == 0)],
        Addresses([.. status.Networks.Select(network => network.Device)]), status.Peers,
        KernelClock.IsSynchronised(), TimeProvider.System.GetUtcNow());

    /// <summary>Peers that dialled this node: proof that packets from there come in.</summary>
    public IEnumerable<string> Inbound => Peers.Where(peer => peer.Role == ConnectionRole.Responder).Select(peer => peer.Name);

    /// <summary>What should be looked at, a sentence each.</summary>
    public IEnumerable<string> Warnings
    {
        get
        {
            foreach (IPEndPoint listen in Listen.Where(listen => listen.Port != 0 && !Sockets.Any(socket => socket.Local == listen.ToString())))
                yield return $"listen address {listen} has no socket: see the daemon's log, and vpnctl doctor";
            if (DefaultRoutes.IsEmpty)
                yield return "this machine has no default route: only peers on its own links can be reached";
            foreach (OwnSocket socket in Sockets.Where(socket => socket.Drops > 0))
                yield return $"{socket.Drops} datagrams found the buffer of {socket.Local} full: raise net.core.rmem_max, or socket_buffer_bytes of the transport";
            if (IsClockSynchronised == false)
                yield return "nothing keeps the clock right: timedatectl set-ntp true";
        }
    }

    /// <summary>The members of the answer to <c>netcheck.run</c>.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("clock");
        if (IsClockSynchronised is { } synchronised)
            writer.WriteBoolean("synchronised", synchronised);
        else
            writer.WriteNull("synchronised");
        writer.Time("time", Now);
        writer.WriteEndObject();
        writer.WriteStartObject("default_routes");
        writer.Strings("ipv4", Interfaces(IpFamily.V4));
        writer.Strings("ipv6", Interfaces(IpFamily.V6));
        writer.WriteEndObject();
        writer.Strings("inbound_from", Inbound);
        writer.Strings("listen", Listen.Select(listen => listen.ToString()));
        writer.WriteStartObject("nat");
        writer.WriteString("kind", "unknown");
        writer.WriteString("text", NatText);
        writer.WriteEndObject();
        WriteList(writer, "peers", Peers, WritePeer);
        writer.Strings("public_addresses", PublicAddresses);
        WriteList(writer, "sockets", Sockets, WriteSocket);
        writer.Strings("warnings", Warnings);
    }

    private IEnumerable<string> Interfaces(IpFamily family) =>
        DefaultRoutes.Where(route => route.Prefix.Family == family).Select(route => route.Interface).Distinct();

    private static void WritePeer(Utf8JsonWriter writer, PeerStatus peer)
    {
        writer.Strings("addresses", peer.Addresses);
        writer.WriteString("last_error", peer.LastError);
        writer.WriteNumber("loss_permille", peer.Path?.LossPermille ?? 0);
        writer.WriteString("name", peer.Name);
        writer.Number("path_mtu", peer.Path?.PathMtuBytes);
        writer.WriteString("remote", peer.Path?.Remote.ToString());
        writer.Number("rtt_ms", peer.Path is { RoundTrip: var rtt } && rtt > TimeSpan.Zero ? Math.Round(rtt.TotalMilliseconds, 3) : null);
        writer.WriteString("state", peer.State);
    }

    private static void WriteSocket(Utf8JsonWriter writer, OwnSocket socket)
    {
        writer.WriteNumber("drops", socket.Drops);
        writer.WriteString("local", socket.Local);
        writer.Number("receive_buffer", socket.ReceiveBytes);
        writer.Number("send_buffer", socket.SendBytes);
    }

    private static void WriteList<T>(Utf8JsonWriter writer, string name, IEnumerable<T> items, Action<Utf8JsonWriter, T> writeMembers)
    {
        writer.WriteStartArray(name);
        foreach (T item in items)
        {
            writer.WriteStartObject();
            writeMembers(writer, item);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }

    private static ImmutableArray<string> Addresses(HashSet<string> ours) =>
    [
        .. MachineLink.All().Where(link => !ours.Contains(link.Name))
            .SelectMany(link => link.Addresses).Select(address => address.Address)
            .Where(IsPublic).Select(address => address.ToString()).Order(StringComparer.Ordinal),
    ];

    /// <summary>Whether the internet can route to an address: not private, shared, link-local, unique local or special.</summary>
    internal static bool IsPublic(IPAddress address)
    {
        byte[] bytes = address.GetAddressBytes();
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
            return bytes[0] >> 5 == 1; // 2000::/3 is all that was given out
        return bytes[0] is not (0 or 10 or 127 or >= 224)
            && !(bytes[0] == 172 && bytes[1] >> 4 == 1) && !(bytes[0] == 192 && bytes[1] == 168)
            && !(bytes[0] == 169 && bytes[1] == 254) && !(bytes[0] == 100 && bytes[1] >> 6 == 1);
    }
}
