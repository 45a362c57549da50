using System.Runtime.InteropServices;

namespace VibePN.Plugins.TransportQuic.Native;

/// <summary>libngtcp2: names and types follow ngtcp2.h of 1.11; nothing here decides.</summary>
/// <remarks>
/// Debian's build keeps its assertions: a call in the wrong state aborts the process. Only
/// <see cref="Ngtcp2Connection"/> calls what takes a connection.
/// </remarks>
internal static unsafe partial class Ngtcp2
{
    public const string Library = "libngtcp2.so.16";

    public const int CallbacksVersion = 1;
    public const int SettingsVersion = 2;
    public const int TransportParamsVersion = 1;
    public const int ConnInfoVersion = 1;
    public const int PktInfoVersion = 1;

    public const uint ProtocolV1 = 1;

    public const int ERR_NOBUF = -202;
    public const int ERR_STREAM_DATA_BLOCKED = -208;
    public const int ERR_CRYPTO = -213;
    public const int ERR_DECRYPT = -218;
    public const int ERR_STREAM_SHUT_WR = -219;
    public const int ERR_STREAM_NOT_FOUND = -220;
    public const int ERR_CLOSING = -223;
    public const int ERR_DRAINING = -224;
    public const int ERR_DISCARD_PKT = -226;
    public const int ERR_WRITE_MORE = -230;
    public const int ERR_RETRY = -231;
    public const int ERR_DROP_CONN = -232;
    public const int ERR_VERSION_NEGOTIATION = -235;
    public const int ERR_HANDSHAKE_TIMEOUT = -236;
    public const int ERR_RECV_VERSION_NEGOTIATION = -222;
    public const int ERR_IDLE_CLOSE = -238;
    public const int ERR_CALLBACK_FAILURE = -502;

    public const uint WRITE_STREAM_FLAG_NONE = 0;
    public const uint WRITE_DATAGRAM_FLAG_MORE = 1;
    public const uint STREAM_DATA_FLAG_FIN = 1;

    public const int CC_ALGO_CUBIC = 1;
    public const int CC_ALGO_BBR = 2;
    public const int TOKEN_TYPE_RETRY = 1;

    public const int ENCRYPTION_LEVEL_1RTT = 2;

    public const int CCERR_TYPE_TRANSPORT = 0;
    public const int CCERR_TYPE_APPLICATION = 1;

    /// <summary>RFC 9001 §4.8: a TLS alert is carried as this plus the alert's number.</summary>
    public const ulong CryptoError = 0x100;

    public const int StatelessResetTokenLength = 16;

    [LibraryImport(Library)]
    public static partial NgInfo* ngtcp2_version(int leastVersion);

    [LibraryImport(Library)]
    public static partial void ngtcp2_settings_default_versioned(int version, NgSettings* settings);

    [LibraryImport(Library)]
    public static partial void ngtcp2_transport_params_default_versioned(int version, NgTransportParams* parameters);

    [LibraryImport(Library)]
    public static partial int ngtcp2_conn_client_new_versioned(
        nint* connection, NgCid* dcid, NgCid* scid, NgPath* path, uint version, int callbacksVersion,
        NgCallbacks* callbacks, int settingsVersion, NgSettings* settings, int paramsVersion,
        NgTransportParams* parameters, void* memory, void* userData);

    [LibraryImport(Library)]
    public static partial int ngtcp2_conn_server_new_versioned(
        nint* connection, NgCid* dcid, NgCid* scid, NgPath* path, uint version, int callbacksVersion,
        NgCallbacks* callbacks, int settingsVersion, NgSettings* settings, int paramsVersion,
        NgTransportParams* parameters, void* memory, void* userData);

    [LibraryImport(Library)]
    public static partial void ngtcp2_conn_del(nint connection);

    [LibraryImport(Library)]
    public static partial void ngtcp2_conn_set_tls_native_handle(nint connection, nint session);

    [LibraryImport(Library)]
    public static partial int ngtcp2_conn_read_pkt_versioned(
        nint connection, NgPath* path, int infoVersion, NgPktInfo* info, byte* packet, nuint length, ulong ts);

    [LibraryImport(Library)]
    public static partial nint ngtcp2_conn_writev_stream_versioned(
        nint connection, NgPath* path, int infoVersion, NgPktInfo* info, byte* dest, nuint destLength,
        nint* written, uint flags, long streamId, NgVec* data, nuint dataCount, ulong ts);

    [LibraryImport(Library)]
    public static partial nint ngtcp2_conn_writev_datagram_versioned(
        nint connection, NgPath* path, int infoVersion, NgPktInfo* info, byte* dest, nuint destLength,
        int* accepted, uint flags, ulong datagramId, NgVec* data, nuint dataCount, ulong ts);

    [LibraryImport(Library)]
    public static partial nint ngtcp2_conn_write_connection_close_versioned(
        nint connection, NgPath* path, int infoVersion, NgPktInfo* info, byte* dest, nuint destLength,
        NgCcErr* error, ulong ts);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    public static partial void ngtcp2_conn_update_pkt_tx_time(nint connection, ulong ts);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    public static partial nuint ngtcp2_conn_get_send_quantum(nint connection);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    public static partial nuint ngtcp2_conn_get_path_max_tx_udp_payload_size(nint connection);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    public static partial ulong ngtcp2_conn_get_expiry(nint connection);

    [LibraryImport(Library)]
    public static partial int ngtcp2_conn_handle_expiry(nint connection, ulong ts);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    public static partial void ngtcp2_conn_set_keep_alive_timeout(nint connection, ulong timeout);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    public static partial NgPath* ngtcp2_conn_get_path(nint connection);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    public static partial ulong ngtcp2_conn_get_pto(nint connection);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    public static partial void ngtcp2_conn_get_conn_info_versioned(nint connection, int version, NgConnInfo* info);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    public static partial NgTransportParams* ngtcp2_conn_get_remote_transport_params(nint connection);

    [LibraryImport(Library)]
    public static partial int ngtcp2_conn_open_bidi_stream(nint connection, long* streamId, void* userData);

    [LibraryImport(Library)]
    public static partial int ngtcp2_conn_extend_max_stream_offset(nint connection, long streamId, ulong bytes);

    [LibraryImport(Library)]
    public static partial void ngtcp2_conn_extend_max_offset(nint connection, ulong bytes);

    [LibraryImport(Library)]
    public static partial int ngtcp2_conn_initiate_key_update(nint connection, ulong ts);

    /// <summary>The ngtcp2_crypto_ctx of 1-RTT packets, which begins with its AEAD.</summary>
    [LibraryImport(Library)]
    public static partial NgAead* ngtcp2_conn_get_crypto_ctx(nint connection);

    [LibraryImport(Library)]
    public static partial byte ngtcp2_conn_get_tls_alert(nint connection);

    [LibraryImport(Library)]
    public static partial NgCcErr* ngtcp2_conn_get_ccerr(nint connection);

    [LibraryImport(Library)]
    public static partial void ngtcp2_ccerr_default(NgCcErr* error);

    [LibraryImport(Library)]
    public static partial void ngtcp2_ccerr_set_liberr(NgCcErr* error, int code, byte* reason, nuint length);

    [LibraryImport(Library)]
    public static partial void ngtcp2_ccerr_set_tls_alert(NgCcErr* error, byte alert, byte* reason, nuint length);

    [LibraryImport(Library)]
    public static partial void ngtcp2_ccerr_set_application_error(
        NgCcErr* error, ulong code, byte* reason, nuint length);

    [LibraryImport(Library)]
    public static partial byte* ngtcp2_strerror(int code);

    [LibraryImport(Library)]
    public static partial int ngtcp2_pkt_decode_version_cid(
        NgVersionCid* dest, byte* packet, nuint length, nuint shortDcidLength);

    [LibraryImport(Library)]
    public static partial int ngtcp2_accept(NgPktHd* dest, byte* packet, nuint length);

    [LibraryImport(Library)]
    public static partial nint ngtcp2_pkt_write_version_negotiation(
        byte* dest, nuint destLength, byte random, byte* dcid, nuint dcidLength, byte* scid, nuint scidLength,
        uint* versions, nuint count);

    [LibraryImport(Library)]
    public static partial nint ngtcp2_pkt_write_stateless_reset(
        byte* dest, nuint destLength, byte* token, byte* random, nuint randomLength);

    /// <summary>The library's sentence for an error code.</summary>
    public static string Describe(int code) =>
        Marshal.PtrToStringUTF8((nint)ngtcp2_strerror(code)) ?? $"error {code}";
}

/// <summary>ngtcp2_info.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NgInfo
{
    public int Age;
    public int VersionNumber;
    public byte* VersionText;
}
