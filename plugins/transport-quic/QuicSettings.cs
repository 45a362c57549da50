using System.Globalization;
using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

/// <summary>The plugin's settings. Sizes in bytes.</summary>
internal sealed record QuicSettings
{
    /// <summary>BBR with pacing; otherwise CUBIC.</summary>
    public bool Bbr { get; init; } = true;

    /// <summary>The largest UDP payload ever tried on a path.</summary>
    public int MaxUdpPayload { get; init; } = 1472;

    /// <summary>Most packet bytes waiting for one peer.</summary>
    public int QueueBytes { get; init; } = 2 * 1024 * 1024;

    /// <summary>Asked for in each direction of each socket.</summary>
    public int SocketBufferBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>Most connections, handshakes included.</summary>
    public int MaxConnections { get; init; } = 4096;

    /// <summary>Most handshakes that others began and that are not complete.</summary>
    public int MaxHalfOpen { get; init; } = 1024;

    /// <summary>From so many half-open handshakes on, a client must prove its address first (Retry).</summary>
    public int RetryAbove { get; init; } = 64;

    /// <summary>Datagrams after which this end changes keys: long before AES-GCM's limit (RFC 9001 §6.6).</summary>
    public long PacketsPerKey { get; init; } = 1 << 22;

    /// <summary>What encrypts packets. Holds from the start on.</summary>
    public PacketProtection Protection { get; init; }

    /// <summary>Whether equal-size runs may leave as one message.</summary>
    public bool Gso { get; init; } = true;

    /// <summary>Whether runs are given up where they are lost for being runs.</summary>
    public bool WatchesGso { get; init; } = true;

    /// <summary>Whether datagrams of one flow may arrive as one message.</summary>
    public bool Gro { get; init; } = true;

    /// <summary>The pause between two looks at the sockets while many datagrams arrive, in nanoseconds; 0 for none.</summary>
    public ulong ReceivePause { get; init; } = 80_000;

    /// <summary>Threads with sockets and connections of their own. Holds from the start on.</summary>
    public int Loops { get; init; } = 1;

    /// <summary>Whether the loop reads the engine's interfaces, too. One loop only.</summary>
    public bool ReadInterfaces { get; init; }

    /// <summary>The loops that serve a machine: one where two processors have everything to do, else about half of them.</summary>
    public static int LoopsFor(int processors) => processors <= 2 ? 1 : Math.Clamp((processors + 1) / 2, 2, 8);

    /// <summary>What two settings have against each other, in one sentence; null for nothing.</summary>
    public static string? Conflict(IPluginSettings settings) =>
        settings.GetString("read_interfaces") == "on" && Number(settings) > 1
            ? $"{settings.PositionOf("read_interfaces")}: 'read_interfaces' is \"on\", and 'loops' means {Number(settings)} here: "
                + "only a single loop can read the interfaces. Set read_interfaces = \"auto\" or loops = \"1\"."
            : null;

    /// <summary>Reads them from plugins.toml; the names are declared on <see cref="QuicTransport"/>.</summary>
    public static QuicSettings From(IPluginSettings settings) => new()
    {
        Bbr = settings.GetString("congestion") == "bbr",
        MaxUdpPayload = (int)settings.GetInteger("max_udp_payload"),
        QueueBytes = (int)settings.GetInteger("queue_bytes"),
        SocketBufferBytes = (int)settings.GetInteger("socket_buffer_bytes"),
        MaxConnections = (int)settings.GetInteger("max_connections"),
        MaxHalfOpen = (int)settings.GetInteger("max_half_open"),
        RetryAbove = (int)settings.GetInteger("retry_above"),
        PacketsPerKey = settings.GetInteger("packets_per_key"),
        Protection = settings.GetString("packet_protection") switch
        {
            "gnutls" => PacketProtection.GnuTls,
            "ipsec-mb" => PacketProtection.IpsecMb,
            _ => PacketProtection.Auto,
        },
        Gso = settings.GetString("udp_gso") != "off",
        WatchesGso = settings.GetString("udp_gso") == "auto",
        Gro = settings.GetString("udp_gro") == "auto",
        ReceivePause = 1000 * (ulong)settings.GetInteger("rx_usecs"),
        Loops = Number(settings),
        ReadInterfaces = Number(settings) == 1 && settings.GetString("read_interfaces") switch
        {
            "on" => true,
            "off" => false,
            _ => Environment.ProcessorCount <= 2, // docs/decisions/0017-threads.md
        },
    };

    private static int Number(IPluginSettings settings) =>
        int.TryParse(settings.GetString("loops"), CultureInfo.InvariantCulture, out int loops)
            ? loops
            : LoopsFor(Environment.ProcessorCount);

    /// <summary>
    /// What path-MTU discovery tries, in this order: what most tunnels carry, then the usual full size, then below.
    /// </summary>
    public ushort[] PmtudProbes()
    {
        ushort[] usual = [1400, 1452, 1472, 1372, 1332, 1280, 1252];
        IEnumerable<ushort> fitting = usual.Where(size => size <= MaxUdpPayload);
        if (MaxUdpPayload > 1472)
            fitting = fitting.Append((ushort)MaxUdpPayload);
        return [.. fitting];
    }
}
