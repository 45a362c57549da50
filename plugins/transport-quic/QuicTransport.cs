using System.Composition;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

/// <summary>QUIC with datagrams over ngtcp2 and GnuTLS: TLS 1.3, both certificates checked inside the handshake.</summary>
/// <remarks>
/// An initiator's OnConnected follows the handshake's confirmation, with the control stream opened. A responder's
/// follows the handshake's completion, which for it is the confirmation; its end of the control stream comes to be
/// with the initiator's first bytes, and what it sends before waits in the control queue.
/// </remarks>
[TransportPlugin("transport-quic", Contract = 1)]
[PluginSetting("congestion", SettingType.Text, Default = "bbr", Choices = "bbr|cubic",
    Help = "Congestion control; bbr keeps its speed on paths that lose packets at random.")]
[PluginSetting("max_udp_payload", SettingType.Number, Default = "1472", Minimum = 1200, Maximum = 8952,
    Help = "The largest UDP payload tried on a path, in bytes.")]
[PluginSetting("queue_bytes", SettingType.Number, Default = "2097152", Minimum = 131072, Maximum = 67108864,
    Help = "Most bytes of packets waiting for one peer.")]
[PluginSetting("socket_buffer_bytes", SettingType.Number, Default = "8388608", Minimum = 65536,
    Maximum = 268435456, Help = "Kernel buffer asked for in each direction of each UDP socket, in bytes.")]
[PluginSetting("max_connections", SettingType.Number, Default = "4096", Minimum = 1, Maximum = 65536,
    Help = "Most connections at once, handshakes included.")]
[PluginSetting("max_half_open", SettingType.Number, Default = "1024", Minimum = 1, Maximum = 65536,
    Help = "Most unfinished handshakes that others began.")]
[PluginSetting("retry_above", SettingType.Number, Default = "64", Minimum = 0, Maximum = 65536,
    Help = "From so many unfinished handshakes on, a client must first prove its address.")]
[PluginSetting("packets_per_key", SettingType.Number, Default = "4194304", Minimum = 1024, Maximum = 4194304,
    Help = "Datagrams after which this end changes keys.")]
[PluginSetting("packet_protection", SettingType.Text, Default = "auto", Choices = "auto|gnutls|ipsec-mb",
    Help = "What encrypts packets; auto: ipsec-mb (libIPSec_MB) where it is installed and knows the processor, else GnuTLS. From the next start on.")]
[PluginSetting("udp_gso", SettingType.Text, Default = "auto", Choices = "auto|on|off",
    Help = "Segmentation offload for sending; auto: not to peers that datagrams reach only when they are sent one by one.")]
[PluginSetting("udp_gro", SettingType.Text, Default = "auto", Choices = "auto|off",
    Help = "Receive offload: datagrams of one flow arrive as one message.")]
[PluginSetting("rx_usecs", SettingType.Number, Default = "80", Minimum = 0, Maximum = 1000,
    Help = "Microseconds between two looks at the sockets while many datagrams arrive, so that more are taken at once; 0: none.")]
[PluginSetting("loops", SettingType.Text, Default = "auto", Choices = "auto|1|2|3|4|5|6|7|8|12|16",
    Help = "Threads that own sockets and connections; auto: one on at most two processors, else half of them, at most 8. From the next start on.")]
[PluginSetting("read_interfaces", SettingType.Text, Default = "auto", Choices = "auto|on|off",
    Help = "Whether the transport's thread reads the interfaces, too; auto: on a machine with at most two processors and with one loop. For networks opened after it.")]
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable",
    Justification = "StopAsync, which the host always calls, disposes the loops.")]
public sealed class QuicTransport : IPollingTransport, IReconfigurable
{
    // Short header, datagram frame with its length, tag, and our own byte for networks below 31.
    private const int OverheadBytes = DatagramFraming.PacketOverhead + 1;

    private readonly IPluginContext _context;
    private TransportCounters[] _counters = [new()];
    private readonly CorruptRuns _corruptRuns = new();
    private ListenSockets _sockets = new(1);
    private QuicSettings _settings = new();
    private readonly PacketSources _sources = new();
    private CryptoCallbacks? _crypto;
    private EventLoops? _loops;

    /// <summary>Takes the context; touches nothing.</summary>
    [ImportingConstructor]
    public QuicTransport(IPluginContext context) => _context = context;

    /// <inheritdoc/>
    public TransportTraits Traits { get; } = new(
        "quic", false, false, OverheadBytes,
        OffloadCapabilities.PartialChecksum | OffloadCapabilities.TcpSegmentation | OffloadCapabilities.UdpSegmentation);

    /// <summary>Bytes that the packet thread has allocated so far. For tests.</summary>
    internal long LoopAllocatedBytes => _loops?.AllocatedBytes ?? 0;

    /// <summary>The listen addresses. For tests.</summary>
    internal IReadOnlyList<SocketGroup> Listed => _sockets.Listed;

    /// <summary>What each loop has counted. For tests.</summary>
    internal IReadOnlyList<TransportCounters> CountersOfLoops => _counters;

    /// <summary>What turns a name into addresses. Replaced in tests.</summary>
    internal Func<string, CancellationToken, Task<IPAddress[]>> Resolver { get; init; } = Dns.GetHostAddressesAsync;

    /// <summary>What hands messages to the kernel. Replaced in tests.</summary>
    internal SendMessages? Send { get; init; }

    /// <summary>How long the connections of an address that is no longer listed may go on. Shorter in tests.</summary>
    internal TimeSpan LongestRetirement { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The counters behind the metrics; with several loops their sums at this moment.</summary>
    internal TransportCounters Counters => _counters.Length == 1 ? _counters[0] : TransportCounters.Sum(_counters);

    /// <inheritdoc/>
    public ValueTask StartAsync(CancellationToken cancellationToken)
    {
        if (QuicSettings.Conflict(_context.Settings) is { } conflict)
            throw new PluginException(conflict) { Fault = PluginFault.Configuration };
        _settings = QuicSettings.From(_context.Settings);
        _crypto = NativeLibraries.Load(_settings.Protection);
        _counters = [.. Enumerable.Range(0, _settings.Loops).Select(_ => new TransportCounters())];
        TransportCounters.Publish(_context.Meter, () => Counters);
        _context.Meter.CreateObservableGauge(
            "quic.gso.peers.off", () => _corruptRuns.Count, null, "Peers to whom runs of datagrams are lost for being runs.");
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public IReadOnlyList<IPEndPoint> Listen(TransportOptions options, ITransportEvents events)
    {
        if (_crypto is null || _loops is not null)
            throw new InvalidOperationException("Listen is called once, after start.");
        TlsCredentials? credentials = null;
        try
        {
            _sockets = new ListenSockets(_counters.Length);
            _sockets.Change([.. options.Listen.Where(MayOpen)], _settings);
            credentials = new TlsCredentials(options.Identity, options.Protocols, options.SpecialProtocols);
            var shared = new SharedState
            {
                Options = options,
                Events = events,
                Credentials = credentials,
                Crypto = _crypto,
                Secrets = new NodeSecrets(options.Identity),
                Log = _context.Logger,
                Admission = new Admission((ulong)Stopwatch.GetTimestamp()),
                Sources = _sources,
                CorruptRuns = _corruptRuns,
                Resolver = Resolver,
                Send = Send,
                LongestRetirement = LongestRetirement,
            };
            _loops = new EventLoops(_sockets.Listed, shared, _settings, _counters);
        }
        catch
        {
            credentials?.Dispose();
            foreach (SocketGroup group in _sockets.Listed)
                group.Dispose();
            throw;
        }
        Announce(_sockets.Listed);
        _loops.Start();
        return [.. _sockets.Listed.Select(socket => socket.LocalEndPoint)];
    }

    /// <inheritdoc/>
    public IReadOnlyList<IPEndPoint> Relisten(IReadOnlyList<IPEndPoint> listen)
    {
        if (_loops is null)
            throw new InvalidOperationException("Relisten comes after Listen.");
        (List<SocketGroup> opened, List<SocketGroup> retired) = _sockets.Change([.. listen.Where(MayOpen)], _settings);
        Announce(opened);
        foreach (SocketGroup group in retired)
            _context.Logger.Retired(group.LocalEndPoint);
        _loops.Post(new LoopCommand(LoopCommandKind.Listen, Groups: _sockets.Listed));
        return [.. _sockets.Listed.Select(socket => socket.LocalEndPoint)];
    }

    /// <inheritdoc/>
    public string? Check(IPluginSettings settings) => QuicSettings.Conflict(settings);

    /// <inheritdoc/>
    public void Apply(IPluginSettings settings)
    {
        bool watched = _settings is { Gso: true, WatchesGso: true };
        PacketProtection protection = _settings.Protection;
        _settings = QuicSettings.From(settings);
        if (watched != _settings is { Gso: true, WatchesGso: true })
            _corruptRuns.Clear();
        if (_settings.Loops != _counters.Length)
        {
            _context.Logger.LoopsLater(_settings.Loops, _counters.Length);
            _settings = _settings with { Loops = _counters.Length, ReadInterfaces = _settings.ReadInterfaces && _counters.Length == 1 };
        }
        if (_settings.Protection != protection)
        {
            _context.Logger.ProtectionLater(settings.GetString("packet_protection"), _crypto?.ProtectionText ?? "none");
            _settings = _settings with { Protection = protection };
        }
        _loops?.Post(new LoopCommand(LoopCommandKind.Configure, Settings: _settings));
    }

    private void Announce(IEnumerable<SocketGroup> groups)
    {
        foreach (SocketGroup group in groups)
        {
            _context.Logger.Listening(group.LocalEndPoint, _crypto!.Versions);
            if (group.Members[0].SmallBuffers)
                _context.Logger.SmallBuffers(group.LocalEndPoint, _settings.SocketBufferBytes);
            if (!group.IsSteered)
                _context.Logger.NotSteered(group.LocalEndPoint);
        }
    }

    // "All IPv6 addresses" is part of the daemon's default; a kernel without IPv6 has none, which is no error.
    private bool MayOpen(IPEndPoint endPoint)
    {
        if (!endPoint.Address.Equals(IPAddress.IPv6Any) || UdpSocket.Supports(endPoint))
            return true;
        _context.Logger.NoIPv6(endPoint);
        return false;
    }

    /// <inheritdoc/>
    public void Dial(DialRequest request)
    {
        if (_loops is null)
            throw new InvalidOperationException("Dial comes after Listen.");
        _loops.Dial(request);
    }

    /// <inheritdoc/>
    public bool TryServe(IPacketSource source)
    {
        if (!_settings.ReadInterfaces)
            return false;
        _sources.Add(source);
        return true;
    }

    /// <inheritdoc/>
    public void StopServing(IPacketSource source) => _sources.Remove(source);

    /// <inheritdoc/>
    public string OffloadText
    {
        get
        {
            UdpSocket[] sockets = [.. _sockets.Listed.SelectMany(group => group.Members)];
            string gso = !_settings.Gso ? "datagrams are sent one by one, as the setting says (udp_gso = \"off\")"
                : Array.TrueForAll(sockets, socket => socket.Gso) ? $"datagrams are sent in runs (UDP_SEGMENT){CorruptText}"
                : "datagrams are sent one by one on some sockets: the kernel refused a run (UDP_SEGMENT)";
            string gro = !_settings.Gro ? "received one by one, as the setting says (udp_gro = \"off\")"
                : Array.TrueForAll(sockets, socket => socket.Gro) ? "received in runs (UDP_GRO)"
                : "received one by one: the kernel knows no UDP_GRO (before 5.0)";
            string reads = _settings.ReadInterfaces ? "; the same thread reads the interfaces (read_interfaces)" : "";
            string loops = _counters.Length > 1 ? $"; {_counters.Length} loops share the connections (loops)" : "";
            return $"{gso}, {gro}{reads}{loops}; packets are encrypted by {_crypto?.ProtectionText}";
        }
    }

    private string CorruptText => _corruptRuns.Count switch
    {
        0 => "",
        1 => " but one by one to 1 peer: runs to it were lost while single datagrams arrived, as with Linux 7.0 to 7.1.4",
        int peers => $" but one by one to {peers} peers: runs to them were lost while single datagrams arrived, as with Linux 7.0 to 7.1.4",
    };

    /// <inheritdoc/>
    public TransportStatistics GetStatistics()
    {
        TransportCounters now = TransportCounters.Sum(_counters);
        return new TransportStatistics((int)now.Connections, now.Completed, now.Refused, now.Failed, now.Unroutable);
    }

    /// <inheritdoc/>
    public async ValueTask StopAsync(CancellationToken cancellationToken)
    {
        EventLoops? loops = _loops;
        _loops = null;
        if (loops is not null)
            await Task.Run(loops.Stop, CancellationToken.None);
    }
}
