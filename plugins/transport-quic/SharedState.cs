using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

/// <summary>What all loops of a transport use together. Any thread.</summary>
internal sealed class SharedState
{
    public required TransportOptions Options { get; init; }

    public required ITransportEvents Events { get; init; }

    /// <summary>Freed with the last loop.</summary>
    public required TlsCredentials Credentials { get; init; }

    public required CryptoCallbacks Crypto { get; init; }

    public required NodeSecrets Secrets { get; init; }

    public required ILogger Log { get; init; }

    /// <summary>Limits for strangers, and the number of connections.</summary>
    public required Admission Admission { get; init; }

    /// <summary>Interfaces that the loop reads, where there is only one.</summary>
    public PacketSources Sources { get; init; } = new();

    /// <summary>Peers that runs do not reach.</summary>
    public CorruptRuns CorruptRuns { get; init; } = new();

    /// <summary>By the token of a stateless reset, which carries no connection ID of ours (RFC 9000 §10.3).</summary>
    public ConcurrentDictionary<UInt128, QuicConnection> ByToken { get; } = new();

    public Func<string, CancellationToken, Task<IPAddress[]>> Resolver { get; init; } = Dns.GetHostAddressesAsync;

    /// <summary>What hands messages to the kernel; null for sendmmsg.</summary>
    public SendMessages? Send { get; init; }

    /// <summary>How long the connections of an address that is no longer listed may go on.</summary>
    public TimeSpan LongestRetirement { get; init; } = TimeSpan.FromSeconds(60);
}
