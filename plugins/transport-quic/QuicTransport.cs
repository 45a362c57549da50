using System.Composition;
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
[PluginSetting("udp_gso", SettingType.Text, Default = "auto", Choices = "auto|on|off",
    Help = "Segmentation offload for sending; auto: not to peers that datagrams reach only when they are sent one by one.")]
[PluginSetting("udp_gro", SettingType.Text, Default = "auto", Choices = "auto|off",
    Help = "Receive offload: datagrams of one flow arrive as one message.")]
[PluginSetting("read_interfaces", SettingType.Text, Default = "auto", Choices = "auto|on|off",
    Help = "Whether the transport's thread reads the interfaces, too; auto: on a machine with at most two processors. For networks opened after it.")]
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable",
    Justification = "StopAsync, which the host always calls, disposes the loop.")]
public sealed class QuicTransport : IPollingTransport, IReconfigurable
{
    // Short header, datagram frame with its length, tag, and our own byte for networks below 31.
    private const int OverheadBytes = DatagramFraming.PacketOverhead + 1;

    private readonly IPluginContext _context;
    private readonly TransportCounters _counters = new();
    private readonly CorruptRuns _corruptRuns = new();
    private ListenSockets _sockets = new();
    private QuicSettings _settings = new();
    private readonly PacketSources _sources = new();
    private StockCallbacks? _stock;
    private EventLoop? _loop;

    /// <summary>Takes the context; touches nothing.</summary>
    [ImportingConstructor]
    public QuicTransport(IPluginContext context) => _context = context;

    /// <inheritdoc/>
    public TransportTraits Traits { get; } = new(
        "quic", false, false, OverheadBytes,
        OffloadCapabilities.PartialChecksum | OffloadCapabilities.TcpSegmentation | OffloadCapabilities.UdpSegmentation);

    /// <summary>Bytes that the packet thread has allocated so far. For tests.</summary>
    internal long LoopAllocatedBytes => _loop?.AllocatedBytes ?? 0;

    /// <summary>What turns a name into addresses. Replaced in tests.</summary>
    internal Func<string, CancellationToken, Task<IPAddress[]>> Resolver { get; init; } = Dns.GetHostAddressesAsync;

    /// <summary>What hands messages to the kernel. Replaced in tests.</summary>
    internal SendMessages? Send { get; init; }

    /// <summary>How long the connections of an address that is no longer listed may go on. Shorter in tests.</summary>
    internal TimeSpan LongestRetirement { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The counters behind the metrics. For tests.</summary>
    internal TransportCounters Counters => _counters;

    /// <inheritdoc/>
    public ValueTask StartAsync(CancellationToken cancellationToken)
    {
        _stock = NativeLibraries.Load();
        _settings = QuicSettings.From(_context.Settings);
        _counters.Publish(_context.Meter);
        _context.Meter.CreateObservableGauge(
            "quic.gso.peers.off", () => _corruptRuns.Count, null, "Peers to whom runs of datagrams are lost for being runs.");
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public IReadOnlyList<IPEndPoint> Listen(TransportOptions options, ITransportEvents events)
    {
        if (_stock is null || _loop is not null)
            throw new InvalidOperationException("Listen is called once, after start.");
        TlsCredentials? credentials = null;
        try
        {
            _sockets = new ListenSockets();
            _sockets.Change([.. options.Listen.Where(MayOpen)], _settings);
            credentials = new TlsCredentials(options.Identity, options.Protocols);
            _loop = new EventLoop(
                _sockets.Listed, credentials, _stock, options, _settings, _sources, events, _counters, _context.Logger, _corruptRuns,
                Resolver, Send)
            { LongestRetirement = LongestRetirement };
        }
        catch
        {
            credentials?.Dispose();
            foreach (UdpSocket socket in _sockets.Listed)
                socket.Dispose();
            throw;
        }
        Announce(_sockets.Listed);
        _loop.Start();
        return [.. _sockets.Listed.Select(socket => socket.LocalEndPoint)];
    }

    /// <inheritdoc/>
    public IReadOnlyList<IPEndPoint> Relisten(IReadOnlyList<IPEndPoint> listen)
    {
        if (_loop is null)
            throw new InvalidOperationException("Relisten comes after Listen.");
        (List<UdpSocket> opened, List<UdpSocket> retired) = _sockets.Change([.. listen.Where(MayOpen)], _settings);
        Announce(opened);
        foreach (UdpSocket socket in retired)
            _context.Logger.Retired(socket.LocalEndPoint);
        _loop.Post(new LoopCommand(LoopCommandKind.Listen, Sockets: _sockets.Listed));
        return [.. _sockets.Listed.Select(socket => socket.LocalEndPoint)];
    }

    /// <inheritdoc/>
    /// <remarks>Nothing stands in the way: every setting has a meaning for what begins after it.</remarks>
    public string? Check(IPluginSettings settings) => null;

    /// <inheritdoc/>
    public void Apply(IPluginSettings settings)
    {
        bool watched = _settings is { Gso: true, WatchesGso: true };
        _settings = QuicSettings.From(settings);
        if (watched != _settings is { Gso: true, WatchesGso: true })
            _corruptRuns.Clear();
        _loop?.Post(new LoopCommand(LoopCommandKind.Configure, Settings: _settings));
    }

    private void Announce(IEnumerable<UdpSocket> sockets)
    {
        foreach (UdpSocket socket in sockets)
        {
            _context.Logger.Listening(socket.LocalEndPoint, _stock!.Versions);
            if (socket.SmallBuffers)
                _context.Logger.SmallBuffers(socket.LocalEndPoint, _settings.SocketBufferBytes);
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
        if (_loop is null)
            throw new InvalidOperationException("Dial comes after Listen.");
        _loop.Dial(request);
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
            UdpSocket[] sockets = _sockets.Listed;
            string gso = !_settings.Gso ? "datagrams are sent one by one, as the setting says (udp_gso = \"off\")"
                : Array.TrueForAll(sockets, socket => socket.Gso) ? $"datagrams are sent in runs (UDP_SEGMENT){CorruptText}"
                : "datagrams are sent one by one on some sockets: the kernel refused a run (UDP_SEGMENT)";
            string gro = !_settings.Gro ? "received one by one, as the setting says (udp_gro = \"off\")"
                : Array.TrueForAll(sockets, socket => socket.Gro) ? "received in runs (UDP_GRO)"
                : "received one by one: the kernel knows no UDP_GRO (before 5.0)";
            string reads = _settings.ReadInterfaces ? "; the same thread reads the interfaces (read_interfaces)" : "";
            return $"{gso}, {gro}{reads}";
        }
    }

    private string CorruptText => _corruptRuns.Count switch
    {
        0 => "",
        1 => " but one by one to 1 peer: runs to it were lost while single datagrams arrived, as with Linux 7.0 to 7.1.4",
        int peers => $" but one by one to {peers} peers: runs to them were lost while single datagrams arrived, as with Linux 7.0 to 7.1.4",
    };

    /// <inheritdoc/>
    public TransportStatistics GetStatistics() => new(
        (int)Volatile.Read(ref _counters.Connections), Volatile.Read(ref _counters.Completed),
        Volatile.Read(ref _counters.Refused), Volatile.Read(ref _counters.Failed),
        Volatile.Read(ref _counters.Unroutable));

    /// <inheritdoc/>
    public async ValueTask StopAsync(CancellationToken cancellationToken)
    {
        EventLoop? loop = _loop;
        _loop = null;
        if (loop is not null)
            await Task.Run(loop.Stop, CancellationToken.None);
    }
}
