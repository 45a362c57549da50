using System.Runtime.InteropServices;

namespace VibePN.Plugins.TransportQuic.Native;

/// <summary>libngtcp2_crypto_gnutls: the TLS side of ngtcp2, for GnuTLS.</summary>
internal static unsafe partial class Ngtcp2Crypto
{
    public const string Library = "libngtcp2_crypto_gnutls.so.8";

    /// <summary>Room for any Retry token: type, CID, time, tag and random bytes.</summary>
    public const int MaxRetryTokenLength = 128;

    /// <summary>First byte of a Retry token.</summary>
    public const byte RetryTokenMagic = 0xb6;

    [LibraryImport(Library)]
    public static partial int ngtcp2_crypto_gnutls_configure_server_session(nint session);

    [LibraryImport(Library)]
    public static partial int ngtcp2_crypto_gnutls_configure_client_session(nint session);

    [LibraryImport(Library)]
    public static partial int ngtcp2_crypto_generate_stateless_reset_token(
        byte* token, byte* secret, nuint secretLength, NgCid* cid);

    [LibraryImport(Library)]
    public static partial nint ngtcp2_crypto_generate_retry_token(
        byte* token, byte* secret, nuint secretLength, uint version, void* remote, uint remoteLength,
        NgCid* retryScid, NgCid* odcid, ulong ts);

    [LibraryImport(Library)]
    public static partial int ngtcp2_crypto_verify_retry_token(
        NgCid* odcid, byte* token, nuint tokenLength, byte* secret, nuint secretLength, uint version,
        void* remote, uint remoteLength, NgCid* dcid, ulong timeout, ulong ts);

    [LibraryImport(Library)]
    public static partial nint ngtcp2_crypto_write_retry(
        byte* dest, nuint destLength, uint version, NgCid* dcid, NgCid* scid, NgCid* odcid, byte* token,
        nuint tokenLength);

    [LibraryImport(Library)]
    public static partial int ngtcp2_crypto_update_key(
        nint connection, byte* rxSecret, byte* txSecret, nint* rxContext, byte* rxKey, byte* rxIv, nint* txContext,
        byte* txKey, byte* txIv, byte* currentRxSecret, byte* currentTxSecret, nuint secretLength);

    [LibraryImport(Library)]
    public static partial nuint ngtcp2_crypto_aead_keylen(NgAead* aead);

    [LibraryImport(Library)]
    public static partial void ngtcp2_crypto_aead_ctx_free(nint* context);
}
