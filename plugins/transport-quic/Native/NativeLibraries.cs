using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic.Native;

/// <summary>Loads ngtcp2 and GnuTLS, and refuses versions whose structs are not the ones this plugin knows.</summary>
internal static unsafe class NativeLibraries
{
    private const string Packages = "libngtcp2-16 libngtcp2-crypto-gnutls8";

    // At most this much longer than known; a newer library that wrote past its stated version would land here.
    private const int Slack = 64;

    private const int OldestVersion = 0x010b00;
    private const int FirstUnknownVersion = 0x020000;

    /// <summary>Checks everything once, before the first connection.</summary>
    /// <returns>Addresses of the stock callbacks, and the versions in one line for the log.</returns>
    /// <exception cref="PluginException">A library is missing, too old or laid out differently.</exception>
    public static StockCallbacks Load()
    {
        // GnuTLS would write every session's secrets to the file this names.
        LibC.unsetenv("SSLKEYLOGFILE");
        // The handles are never freed: connections hold addresses inside these libraries.
        _ = Open(GnuTls.Library);
        _ = Open(Ngtcp2.Library);
        nint crypto = Open(Ngtcp2Crypto.Library);
        try
        {
            string version = CheckVersion();
            CheckLayout();
            string tlsVersion = Marshal.PtrToStringUTF8((nint)GnuTls.gnutls_check_version(null)) ?? "?";
            return StockCallbacks.Resolve(crypto, $"ngtcp2 {version}, GnuTLS {tlsVersion}");
        }
        catch (EntryPointNotFoundException missing)
        {
            throw Unavailable($"a function is missing ({missing.Message})");
        }
    }

    internal static PluginException Unavailable(string cause) => new(
        $"QUIC is not available: {cause}. Install ngtcp2 1.11 or later with GnuTLS (Debian: apt install {Packages}; "
        + "on Debian 12 from bookworm-backports).")
    { Fault = PluginFault.Unavailable };

    private static nint Open(string name) => NativeLibrary.TryLoad(name, out nint handle)
        ? handle
        : throw Unavailable($"{name} could not be loaded");

    private static string CheckVersion()
    {
        NgInfo* info = Ngtcp2.ngtcp2_version(0);
        string text = Marshal.PtrToStringUTF8((nint)info->VersionText) ?? "?";
        return info->VersionNumber is >= OldestVersion and < FirstUnknownVersion
            ? text
            : throw Unavailable($"{Ngtcp2.Library} is version {text}, but 1.11 or a later 1.x is needed");
    }

    private static void CheckLayout()
    {
        byte* memory = stackalloc byte[sizeof(NgTransportParams) + Slack];
        Unsafe.InitBlock(memory, 0, (uint)(sizeof(NgTransportParams) + Slack));
        var parameters = (NgTransportParams*)memory;
        Ngtcp2.ngtcp2_transport_params_default_versioned(Ngtcp2.TransportParamsVersion, parameters);
        bool known = parameters->MaxAckDelay == 25_000_000 && parameters->AckDelayExponent == 3
            && parameters->ActiveConnectionIdLimit == 2 && parameters->MaxUdpPayloadSize == 65_527;

        Unsafe.InitBlock(memory, 0, (uint)(sizeof(NgTransportParams) + Slack));
        var settings = (NgSettings*)memory;
        Ngtcp2.ngtcp2_settings_default_versioned(Ngtcp2.SettingsVersion, settings);
        known &= settings->MaxTxUdpPayloadSize == 1452 && settings->AckThresh == 2
            && settings->CcAlgo == Ngtcp2.CC_ALGO_CUBIC;
        if (!known)
            throw Unavailable($"{Ngtcp2.Library} lays its structs out in a way this plugin does not know");
    }
}

/// <summary>
/// Addresses of the callbacks that ngtcp2's crypto library offers ready-made, so that encryption never enters
/// managed code.
/// </summary>
internal sealed record StockCallbacks(string Versions, NgCallbacks Table)
{
    public static StockCallbacks Resolve(nint crypto, string versions)
    {
        NgCallbacks table = default;
        table[NgCallbacks.ClientInitial] = Export(crypto, "ngtcp2_crypto_client_initial_cb");
        table[NgCallbacks.RecvClientInitial] = Export(crypto, "ngtcp2_crypto_recv_client_initial_cb");
        table[NgCallbacks.RecvCryptoData] = Export(crypto, "ngtcp2_crypto_recv_crypto_data_cb");
        table[NgCallbacks.Encrypt] = Export(crypto, "ngtcp2_crypto_encrypt_cb");
        table[NgCallbacks.Decrypt] = Export(crypto, "ngtcp2_crypto_decrypt_cb");
        table[NgCallbacks.HpMask] = Export(crypto, "ngtcp2_crypto_hp_mask_cb");
        table[NgCallbacks.RecvRetry] = Export(crypto, "ngtcp2_crypto_recv_retry_cb");
        table[NgCallbacks.UpdateKey] = Export(crypto, "ngtcp2_crypto_update_key_cb");
        table[NgCallbacks.DeleteAeadCtx] = Export(crypto, "ngtcp2_crypto_delete_crypto_aead_ctx_cb");
        table[NgCallbacks.DeleteCipherCtx] = Export(crypto, "ngtcp2_crypto_delete_crypto_cipher_ctx_cb");
        table[NgCallbacks.GetPathChallengeData] = Export(crypto, "ngtcp2_crypto_get_path_challenge_data_cb");
        table[NgCallbacks.VersionNegotiation] = Export(crypto, "ngtcp2_crypto_version_negotiation_cb");
        return new StockCallbacks(versions, table);
    }

    private static nint Export(nint library, string name) => NativeLibrary.TryGetExport(library, name, out nint address)
        ? address
        : throw NativeLibraries.Unavailable($"{Ngtcp2Crypto.Library} has no {name}");
}
