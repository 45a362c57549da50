using System.Runtime.InteropServices;
using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic.Native;

/// <summary>What a new ngtcp2 connection is made of. Sizes in bytes, times in nanoseconds.</summary>
internal readonly ref struct ConnectionSeed
{
    public required ConnectionRole Role { get; init; }
    public required TlsCredentials Credentials { get; init; }
    public required NgCallbacks Callbacks { get; init; }

    /// <summary>Our own first connection ID.</summary>
    public ReadOnlySpan<byte> SourceCid { get; init; }

    /// <summary>Initiator: the random first destination. Responder: the client's source CID.</summary>
    public ReadOnlySpan<byte> DestinationCid { get; init; }

    /// <summary>Responder: the destination CID of the client's very first packet.</summary>
    public ReadOnlySpan<byte> OriginalCid { get; init; }

    /// <summary>Responder: the CID that our Retry named; empty without Retry.</summary>
    public ReadOnlySpan<byte> RetryCid { get; init; }

    /// <summary>Responder: the token that came with the client's packet; empty without Retry.</summary>
    public ReadOnlySpan<byte> Token { get; init; }

    /// <summary>Responder: the reset token of <see cref="SourceCid"/>.</summary>
    public ReadOnlySpan<byte> ResetToken { get; init; }

    /// <summary>Initiator: the one protocol name to offer; empty for the usual ones.</summary>
    public required string Protocol { get; init; }

    public required SocketAddress28 Local { get; init; }
    public required SocketAddress28 Remote { get; init; }
    public required ulong Now { get; init; }
    public required ulong HandshakeTimeout { get; init; }
    public required ulong IdleTimeout { get; init; }
    public required int ControlWindow { get; init; }
    public required bool Bbr { get; init; }
    public required int MaxUdpPayload { get; init; }

    /// <summary>Sizes that path-MTU discovery tries, in this order, each above 1200.</summary>
    public required ReadOnlySpan<ushort> PmtudProbes { get; init; }
}

/// <summary>
/// One ngtcp2 connection with its TLS session, and the only code that calls ngtcp2 with a connection. Keeps the
/// rules whose breach aborts the process: time never goes back, no call from inside a callback, nothing but a
/// write while a packet is half written, no call after an error except the closing one.
/// </summary>
/// <remarks>Belongs to the loop's thread.</remarks>
internal sealed unsafe class Ngtcp2Connection : IDisposable
{
    private readonly TlsCredentials _credentials;
    private State* _state;
    private GCHandle _owner;
    private nint _connection;
    private nint _session;
    private ulong _now;
    private bool _inside;
    private bool _half;
    private bool _failed;

    private Ngtcp2Connection(TlsCredentials credentials) => _credentials = credentials;

    /// <summary>Whether a packet is half written: only another datagram or <see cref="Finish"/> may follow.</summary>
    public bool HalfWritten => _half;

    /// <summary>Makes the connection and its TLS session.</summary>
    /// <returns>Null when ngtcp2 or GnuTLS refuses, which in practice means that memory ran out.</returns>
    public static Ngtcp2Connection? Create(in ConnectionSeed seed, IConnectionCallbacks owner)
    {
        var created = new Ngtcp2Connection(seed.Credentials);
        if (created.Initialise(seed, owner))
            return created;
        created.Dispose();
        return null;
    }

    /// <summary>Feeds one QUIC datagram.</summary>
    /// <returns>0 or an ngtcp2 error.</returns>
    public int Read(in SocketAddress28 remote, byte* packet, int length, ulong now)
    {
        Enter(now);
        _state->Remote = remote;
        _state->ReadPath.Remote.Length = remote.Length;
        int result = Ngtcp2.ngtcp2_conn_read_pkt_versioned(
            _connection, &_state->ReadPath, Ngtcp2.PktInfoVersion, &_state->ReadInfo, packet, (nuint)length, _now);
        _inside = false;
        _failed |= result < 0;
        return result;
    }

    /// <summary>Runs what is due.</summary>
    /// <returns>0 or an ngtcp2 error.</returns>
    public int HandleExpiry(ulong now)
    {
        Enter(now);
        int result = Ngtcp2.ngtcp2_conn_handle_expiry(_connection, _now);
        _inside = false;
        _failed |= result < 0;
        return result;
    }

    /// <summary>When <see cref="HandleExpiry"/> is next due; <see cref="ulong.MaxValue"/> for never.</summary>
    public ulong Expiry => Ngtcp2.ngtcp2_conn_get_expiry(_connection);

    /// <summary>Writes one packet: handshake, acknowledgements, retransmissions, and bytes of a stream.</summary>
    /// <param name="streamId">-1 for no stream.</param>
    /// <param name="parts">0 to 2 pieces of stream data, kept by the caller until acknowledged.</param>
    /// <param name="accepted">Stream bytes taken; -1 for none.</param>
    /// <returns>Bytes written; 0 when nothing can be sent now; or an ngtcp2 error.</returns>
    public nint WriteStream(
        byte* dest, int capacity, long streamId, NgVec* parts, int count, out nint accepted, ulong now)
    {
        if (_half)
            throw new InvalidOperationException("A half-written packet must be finished first.");
        Enter(now);
        return WriteStreamCore(dest, capacity, streamId, parts, count, out accepted);
    }

    /// <summary>Closes the half-written packet. Same destination as the datagrams before.</summary>
    public nint Finish(byte* dest, int capacity)
    {
        if (!_half)
            throw new InvalidOperationException("No packet is half written.");
        _inside = true;
        return WriteStreamCore(dest, capacity, -1, null, 0, out _);
    }

    /// <summary>Puts one DATAGRAM frame into the packet at <paramref name="dest"/>.</summary>
    /// <param name="dest">Where the packet is made.</param>
    /// <param name="capacity">Its room.</param>
    /// <param name="parts">The datagram.</param>
    /// <param name="count">Its parts.</param>
    /// <param name="more">Whether another may follow in the same packet; else it is complete with this one.</param>
    /// <param name="id">Comes back when it is lost.</param>
    /// <param name="accepted">Whether the datagram was taken.</param>
    /// <param name="now">The time.</param>
    /// <returns>
    /// Bytes of a packet that is complete; 0 when nothing can be sent now; ERR_WRITE_MORE when the frame was taken
    /// and the packet still has room; or another ngtcp2 error.
    /// </returns>
    public nint WriteDatagram(byte* dest, int capacity, NgVec* parts, int count, bool more, ulong id, out bool accepted, ulong now)
    {
        if (_half)
            _inside = true; // The same timestamp as the packet's first call.
        else
            Enter(now);
        int taken = 0;
        nint result = Ngtcp2.ngtcp2_conn_writev_datagram_versioned(
            _connection, &_state->WritePath, Ngtcp2.PktInfoVersion, &_state->WriteInfo, dest, (nuint)capacity,
            &taken, more ? Ngtcp2.WRITE_DATAGRAM_FLAG_MORE : 0, id, parts, (nuint)count, _now);
        _inside = false;
        accepted = taken != 0;
        _half = result == Ngtcp2.ERR_WRITE_MORE;
        _failed |= result < 0 && !_half;
        return result;
    }

    /// <summary>Writes the packet that closes the connection. The last call before Dispose.</summary>
    /// <returns>Bytes written; 0 or less when there is nothing to send.</returns>
    public nint WriteClose(byte* dest, int capacity, in CloseCause cause, ulong now)
    {
        _failed = false;
        _half = false;
        Enter(now);
        NgCcErr error;
        fixed (byte* reason = cause.Reason)
        {
            Ngtcp2.ngtcp2_ccerr_default(&error);
            var length = (nuint)cause.Reason.Length;
            if (cause.LibraryError == 0)
                Ngtcp2.ngtcp2_ccerr_set_application_error(&error, cause.ApplicationCode, reason, length);
            else if (cause.LibraryError == Ngtcp2.ERR_CRYPTO)
                Ngtcp2.ngtcp2_ccerr_set_tls_alert(&error, Ngtcp2.ngtcp2_conn_get_tls_alert(_connection), null, 0);
            else
                Ngtcp2.ngtcp2_ccerr_set_liberr(&error, cause.LibraryError, null, 0);
            nint result = Ngtcp2.ngtcp2_conn_write_connection_close_versioned(
                _connection, &_state->WritePath, Ngtcp2.PktInfoVersion, &_state->WriteInfo, dest, (nuint)capacity,
                &error, _now);
            _inside = false;
            _failed = true;
            return result;
        }
    }

    /// <summary>Tells the pacer that what was written is on its way.</summary>
    public void OnSent()
    {
        if (!_failed)
            Ngtcp2.ngtcp2_conn_update_pkt_tx_time(_connection, _now);
    }

    /// <summary>Whether the next packet shall ask the peer for an answer even when it has nothing else to carry.</summary>
    /// <remarks>ngtcp2's keep-alive with a wait of a nanosecond; it is not otherwise used.</remarks>
    public void WantAnswer(bool wanted)
    {
        Guard();
        Ngtcp2.ngtcp2_conn_set_keep_alive_timeout(_connection, wanted ? 1 : ulong.MaxValue);
    }

    /// <summary>Opens the one stream.</summary>
    /// <returns>The stream's id, or -1 when the peer does not allow it.</returns>
    public long OpenStream()
    {
        Guard();
        long id = -1;
        return Ngtcp2.ngtcp2_conn_open_bidi_stream(_connection, &id, null) == 0 ? id : -1;
    }

    /// <summary>Lets the peer send as many more bytes on the stream.</summary>
    public void ExtendWindow(long streamId, int bytes)
    {
        Guard();
        _ = Ngtcp2.ngtcp2_conn_extend_max_stream_offset(_connection, streamId, (ulong)bytes);
        Ngtcp2.ngtcp2_conn_extend_max_offset(_connection, (ulong)bytes);
    }

    /// <summary>Changes keys (RFC 9001 §6); refused by ngtcp2 while an earlier change is under way, which is fine.</summary>
    /// <returns>Whether the change began.</returns>
    public bool UpdateKeys(ulong now)
    {
        Guard();
        _now = Math.Max(_now, now);
        return Ngtcp2.ngtcp2_conn_initiate_key_update(_connection, _now) == 0;
    }

    /// <summary>The UDP payload that the path is known to carry.</summary>
    public int PathMaxUdpPayload => (int)Ngtcp2.ngtcp2_conn_get_path_max_tx_udp_payload_size(_connection);

    /// <summary>Bytes to send in one go before the pacer is asked again.</summary>
    public int SendQuantum => (int)Ngtcp2.ngtcp2_conn_get_send_quantum(_connection);

    /// <summary>Probe timeout, in nanoseconds.</summary>
    public ulong Pto => Ngtcp2.ngtcp2_conn_get_pto(_connection);

    /// <summary>Smoothed round trip in nanoseconds; 0 until measured.</summary>
    public ulong SmoothedRtt
    {
        get
        {
            NgConnInfo info = default;
            Ngtcp2.ngtcp2_conn_get_conn_info_versioned(_connection, Ngtcp2.ConnInfoVersion, &info);
            return info.LatestRtt == 0 ? 0 : info.SmoothedRtt;
        }
    }

    /// <summary>Largest DATAGRAM frame the peer takes; 0 when it takes none or has not said.</summary>
    public ulong PeerMaxDatagramFrame
    {
        get
        {
            NgTransportParams* parameters = Ngtcp2.ngtcp2_conn_get_remote_transport_params(_connection);
            return parameters is null ? 0 : parameters->MaxDatagramFrameSize;
        }
    }

    /// <summary>Bytes sent that the peer has neither acknowledged nor lost.</summary>
    public ulong BytesInFlight
    {
        get
        {
            NgConnInfo info = default;
            Ngtcp2.ngtcp2_conn_get_conn_info_versioned(_connection, Ngtcp2.ConnInfoVersion, &info);
            return info.BytesInFlight;
        }
    }

    /// <summary>The peer's address on the path in use; single packets, such as probes of another path, may go elsewhere.</summary>
    public SocketAddress28 Remote
    {
        get
        {
            NgAddr* remote = &Ngtcp2.ngtcp2_conn_get_path(_connection)->Remote;
            SocketAddress28 result = default;
            Buffer.MemoryCopy(
                remote->Address, &result, SocketAddress28.Size, Math.Min(remote->Length, SocketAddress28.Size));
            return result;
        }
    }

    /// <summary>Where the last packet written is to go.</summary>
    public ref readonly SocketAddress28 WriteRemote => ref _state->WriteRemote;

    /// <summary>The alert that ended the TLS handshake; 0 for none.</summary>
    public int TlsAlert => Ngtcp2.ngtcp2_conn_get_tls_alert(_connection);

    /// <summary>The protocol agreed on in TLS; empty when none.</summary>
    public string Protocol => _credentials.SelectedProtocol(_session);

    /// <summary>The TLS exporter's bytes for this session.</summary>
    public byte[] ChannelBinding => TlsCredentials.ExportBinding(_session);

    /// <summary>What the peer's CONNECTION_CLOSE said.</summary>
    public void GetPeerClose(out bool application, out ulong code, out byte[] reason)
    {
        NgCcErr* error = Ngtcp2.ngtcp2_conn_get_ccerr(_connection);
        application = error->Type == Ngtcp2.CCERR_TYPE_APPLICATION;
        code = error->ErrorCode;
        reason = new ReadOnlySpan<byte>(error->Reason, (int)Math.Min(error->ReasonLength, 256)).ToArray();
    }

    /// <summary>Frees everything native. Never from inside a callback.</summary>
    public void Dispose()
    {
        if (_inside)
            throw new InvalidOperationException("A connection must not be freed from inside its own callback.");
        if (_connection != 0)
            Ngtcp2.ngtcp2_conn_del(_connection);
        if (_session != 0)
            GnuTls.gnutls_deinit(_session);
        _connection = 0;
        _session = 0;
        if (_owner.IsAllocated)
            _owner.Free();
        NativeMemory.Free(_state);
        _state = null;
    }

    private bool Initialise(in ConnectionSeed seed, IConnectionCallbacks owner)
    {
        _now = seed.Now;
        _owner = GCHandle.Alloc(owner);
        _state = (State*)NativeMemory.AllocZeroed((nuint)sizeof(State));
        _state->Link(seed.Local, seed.Remote);
        _state->Reference.GetConn = (nint)(delegate* unmanaged[Cdecl]<NgCryptoConnRef*, nint>)&ConnectionCallbacks.GetConn;
        _state->Reference.Owner = GCHandle.ToIntPtr(_owner);
        _session = _credentials.CreateSession(seed.Role, seed.Protocol, &_state->Reference);
        if (_session == 0)
            return false;
        NgCallbacks callbacks = seed.Callbacks;
        var destination = NgCid.From(seed.DestinationCid);
        var source = NgCid.From(seed.SourceCid);
        NgTransportParams parameters;
        Ngtcp2.ngtcp2_transport_params_default_versioned(Ngtcp2.TransportParamsVersion, &parameters);
        FillParameters(seed, &parameters);
        nint connection = 0;
        int result;
        fixed (byte* token = seed.Token)
        fixed (ushort* probes = seed.PmtudProbes)
        {
            NgSettings settings;
            Ngtcp2.ngtcp2_settings_default_versioned(Ngtcp2.SettingsVersion, &settings);
            FillSettings(seed, &settings);
            settings.Token = token;
            settings.PmtudProbes = probes;
            void* user = (void*)_state->Reference.Owner;
            _inside = true;
            result = seed.Role == ConnectionRole.Initiator
                ? Ngtcp2.ngtcp2_conn_client_new_versioned(
                    &connection, &destination, &source, &_state->ReadPath, Ngtcp2.ProtocolV1,
                    Ngtcp2.CallbacksVersion, &callbacks, Ngtcp2.SettingsVersion, &settings,
                    Ngtcp2.TransportParamsVersion, &parameters, null, user)
                : Ngtcp2.ngtcp2_conn_server_new_versioned(
                    &connection, &destination, &source, &_state->ReadPath, Ngtcp2.ProtocolV1,
                    Ngtcp2.CallbacksVersion, &callbacks, Ngtcp2.SettingsVersion, &settings,
                    Ngtcp2.TransportParamsVersion, &parameters, null, user);
            _inside = false;
        }
        if (result != 0)
            return false;
        _connection = connection;
        _state->Reference.Connection = connection;
        Ngtcp2.ngtcp2_conn_set_tls_native_handle(connection, _session);
        return true;
    }

    // RFC 9002 §6.2.2 proposes 333 ms where nothing is known of the path. Nodes that start together miss each other's
    // first packet, and then wait for its repetition: a shorter guess costs a spare packet on paths that are longer.
    private const ulong InitialRtt = 150_000_000;

    // Each batch of packets is acknowledged by what is sent in the same turn of the loop; the peer's probe timeout need not
    // allow for more than a turn that comes late (RFC 9000 §13.2.1 and §18.2, max_ack_delay).
    private const uint AckThreshold = 1;
    private const ulong MaxAckDelay = 5_000_000;

    // The probe list is copied by ngtcp2; the token too.
    private static void FillSettings(in ConnectionSeed seed, NgSettings* settings)
    {
        settings->InitialTs = seed.Now;
        settings->InitialRtt = InitialRtt;
        settings->AckThresh = AckThreshold;
        settings->CcAlgo = seed.Bbr ? Ngtcp2.CC_ALGO_BBR : Ngtcp2.CC_ALGO_CUBIC;
        settings->MaxTxUdpPayloadSize = (nuint)seed.MaxUdpPayload;
        settings->HandshakeTimeout = seed.HandshakeTimeout;
        settings->TokenLength = (nuint)seed.Token.Length;
        settings->TokenType = seed.Token.IsEmpty ? 0 : Ngtcp2.TOKEN_TYPE_RETRY;
        settings->PmtudProbesLength = (nuint)seed.PmtudProbes.Length;
        settings->NoPmtud = seed.PmtudProbes.IsEmpty ? (byte)1 : (byte)0;
    }

    private static void FillParameters(in ConnectionSeed seed, NgTransportParams* parameters)
    {
        parameters->InitialMaxStreamDataBidiLocal = (ulong)seed.ControlWindow;
        parameters->InitialMaxStreamDataBidiRemote = (ulong)seed.ControlWindow;
        parameters->InitialMaxData = (ulong)seed.ControlWindow;
        // One control stream, opened by the initiator; nothing else is ever allowed.
        parameters->InitialMaxStreamsBidi = seed.Role == ConnectionRole.Responder ? 1u : 0u;
        parameters->InitialMaxStreamsUni = 0;
        parameters->MaxIdleTimeout = seed.IdleTimeout;
        parameters->MaxAckDelay = MaxAckDelay;
        parameters->ActiveConnectionIdLimit = 7;
        parameters->MaxDatagramFrameSize = 65_535;
        if (seed.Role == ConnectionRole.Initiator)
            return;
        parameters->OriginalDcid = NgCid.From(seed.OriginalCid);
        parameters->OriginalDcidPresent = 1;
        if (!seed.RetryCid.IsEmpty)
        {
            parameters->RetryScid = NgCid.From(seed.RetryCid);
            parameters->RetryScidPresent = 1;
        }
        seed.ResetToken.CopyTo(new Span<byte>(parameters->StatelessResetToken, Ngtcp2.StatelessResetTokenLength));
        parameters->StatelessResetTokenPresent = 1;
    }

    private nint WriteStreamCore(byte* dest, int capacity, long streamId, NgVec* parts, int count, out nint accepted)
    {
        nint taken = -1;
        nint result = Ngtcp2.ngtcp2_conn_writev_stream_versioned(
            _connection, &_state->WritePath, Ngtcp2.PktInfoVersion, &_state->WriteInfo, dest, (nuint)capacity,
            &taken, Ngtcp2.WRITE_STREAM_FLAG_NONE, streamId, parts, (nuint)count, _now);
        _inside = false;
        _half = false;
        accepted = taken;
        bool harmless = result is Ngtcp2.ERR_STREAM_DATA_BLOCKED or Ngtcp2.ERR_STREAM_SHUT_WR
            or Ngtcp2.ERR_STREAM_NOT_FOUND;
        _failed |= result < 0 && !harmless;
        return result;
    }

    private void Enter(ulong now)
    {
        Guard();
        _now = Math.Max(_now, now);
        _inside = true;
    }

    private void Guard()
    {
        if (_connection == 0 || _inside || _failed)
            throw new InvalidOperationException("The connection is freed, failed or inside a callback.");
    }

    /// <summary>Everything that ngtcp2 and GnuTLS point into, in one unmovable block.</summary>
    private struct State
    {
        public NgCryptoConnRef Reference;
        public NgPath ReadPath;
        public NgPath WritePath;
        public SocketAddress28 Local;
        public SocketAddress28 Remote;
        public SocketAddress28 WriteLocal;
        public SocketAddress28 WriteRemote;
        public NgPktInfo ReadInfo;
        public NgPktInfo WriteInfo;

        [System.Diagnostics.CodeAnalysis.UnscopedRef]
        public void Link(in SocketAddress28 local, in SocketAddress28 remote)
        {
            Local = local;
            Remote = remote;
            WriteLocal = local;
            WriteRemote = remote;
            fixed (State* self = &this)
            {
                self->ReadPath.Local = new NgAddr { Address = &self->Local, Length = local.Length };
                self->ReadPath.Remote = new NgAddr { Address = &self->Remote, Length = remote.Length };
                self->WritePath.Local = new NgAddr { Address = &self->WriteLocal, Length = local.Length };
                self->WritePath.Remote = new NgAddr { Address = &self->WriteRemote, Length = remote.Length };
            }
        }
    }
}

/// <summary>What a CONNECTION_CLOSE is to say.</summary>
/// <param name="LibraryError">The ngtcp2 error that ended the connection; 0 when the application ends it.</param>
/// <param name="ApplicationCode">The application's code, when there is no library error.</param>
/// <param name="Reason">The application's sentence in UTF-8.</param>
internal readonly record struct CloseCause(int LibraryError, ulong ApplicationCode, byte[] Reason);
