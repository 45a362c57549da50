using System.Net;
using Microsoft.Extensions.Logging;

namespace VibePN.Plugins.TransportQuic;

/// <summary>Every line this plugin logs.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "QUIC listens on {Address} ({Versions})")]
    public static partial void Listening(this ILogger logger, IPEndPoint address, string versions);

    [LoggerMessage(2, LogLevel.Warning,
        "The kernel gave socket {Address} smaller buffers than asked for; raise net.core.rmem_max and "
        + "net.core.wmem_max to {Bytes}, or run with CAP_NET_ADMIN")]
    public static partial void SmallBuffers(this ILogger logger, IPEndPoint address, int bytes);

    [LoggerMessage(3, LogLevel.Warning,
        "Handshake from {Remote} refused: {Reason} ({Unlogged} others not logged)")]
    public static partial void HandshakeRefused(this ILogger logger, IPEndPoint remote, string reason, long unlogged);

    [LoggerMessage(4, LogLevel.Error,
        "Connection to {Remote} ended by a fault of our own ({Unlogged} others not logged)")]
    public static partial void ConnectionFault(
        this ILogger logger, IPEndPoint remote, long unlogged, Exception fault);

    [LoggerMessage(5, LogLevel.Error,
        "The QUIC loop met a fault of our own and goes on ({Unlogged} others not logged)")]
    public static partial void LoopFault(this ILogger logger, long unlogged, Exception fault);

    [LoggerMessage(6, LogLevel.Warning,
        "The kernel refused UDP segmentation offload on a socket; sending goes on without it, at a higher cost")]
    public static partial void GsoOff(this ILogger logger);

    [LoggerMessage(7, LogLevel.Warning, "This kernel has no IPv6, so {Address} is left out")]
    public static partial void NoIPv6(this ILogger logger, IPEndPoint address);

    [LoggerMessage(8, LogLevel.Information,
        "QUIC accepts no more on {Address}; its connections may go on for a minute")]
    public static partial void Retired(this ILogger logger, IPEndPoint address);

    [LoggerMessage(11, LogLevel.Warning,
        "loops = {Wanted} holds from the next start on; {Running} run now (transport-quic in plugins.toml)")]
    public static partial void LoopsLater(this ILogger logger, int wanted, int running);

    [LoggerMessage(13, LogLevel.Warning,
        "packet_protection = {Wanted} holds from the next start on; {Running} encrypts packets now (transport-quic in plugins.toml)")]
    public static partial void ProtectionLater(this ILogger logger, string wanted, string running);

    [LoggerMessage(12, LogLevel.Warning,
        "The kernel refused to steer datagrams of {Address} by connection ID (SO_ATTACH_REUSEPORT_CBPF); the loops hand them "
        + "to each other, at a higher cost; loops = \"1\" in plugins.toml needs no steering")]
    public static partial void NotSteered(this ILogger logger, IPEndPoint address);

    [LoggerMessage(10, LogLevel.Warning,
        "Datagrams to {Peer} at {Remote} that leave in runs (UDP_SEGMENT) are lost, and single ones arrive: the kernel, the "
        + "network card's driver or this virtual machine's host corrupts runs, as Linux 7.0 to 7.1.4 do. They are sent "
        + "one by one from now on, at a higher cost; a newer kernel mends it, udp_gso = \"on\" in plugins.toml keeps runs "
        + "({Unlogged} others not logged)")]
    public static partial void CorruptRuns(this ILogger logger, string peer, IPEndPoint remote, long unlogged);

    [LoggerMessage(9, LogLevel.Warning, "Large packets to {Remote} {What} ({Unlogged} others not logged)")]
    public static partial void BlackHole(this ILogger logger, IPEndPoint remote, string what, long unlogged);
}
