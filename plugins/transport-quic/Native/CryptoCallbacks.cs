using System.Runtime.InteropServices;

namespace VibePN.Plugins.TransportQuic.Native;

/// <summary>What encrypts 1-RTT packets; the setting packet_protection.</summary>
internal enum PacketProtection
{
    /// <summary>ipsec-mb where it is there and can do it, else GnuTLS.</summary>
    Auto,
    GnuTls,
    IpsecMb,
}

/// <summary>The callbacks that encrypt: those that ngtcp2's crypto library offers ready-made, and what stands in for some.</summary>
/// <param name="Versions">Of the libraries, in one line for the log.</param>
/// <param name="Table">The callbacks; those that are not about cryptography are empty.</param>
internal sealed record CryptoCallbacks(string Versions, NgCallbacks Table)
{
    /// <summary>What encrypts packets and, where it is not the fastest, why; half a sentence for the status.</summary>
    public string ProtectionText { get; private init; } = "GnuTLS";

    /// <summary>Whether a connection changes its keys as soon as it may, since the first are still GnuTLS's.</summary>
    public bool ChangesFirstKeys { get; private init; }

    public static CryptoCallbacks Resolve(nint crypto, string versions)
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
        return new CryptoCallbacks(versions, table);
    }

    /// <summary>The same with 1-RTT packets protected as asked.</summary>
    /// <exception cref="PluginException">ipsec-mb is asked for and cannot be used.</exception>
    public CryptoCallbacks With(PacketProtection wanted)
    {
        if (wanted == PacketProtection.GnuTls)
            return this with { ProtectionText = "GnuTLS, as the setting says (packet_protection = \"gnutls\")" };
        return IpsecMb.TryLoad(out GcmFunctions gcm, out string text) ? With(gcm, text) : Without(wanted, text);
    }

    /// <summary>The same where ipsec-mb cannot be used.</summary>
    /// <exception cref="PluginException">It is asked for.</exception>
    internal CryptoCallbacks Without(PacketProtection wanted, string reason) => wanted == PacketProtection.Auto
        ? this with { ProtectionText = $"GnuTLS: {reason}" }
        : throw NativeLibraries.Unavailable(
            $"packet_protection is \"ipsec-mb\", but {reason}",
            "Mend that, or set packet_protection = \"auto\" in plugins.toml.");

    private CryptoCallbacks With(in GcmFunctions gcm, string text)
    {
        NgCallbacks table = Table;
        PacketKeys.Install(ref table, gcm);
        return this with { Versions = $"{Versions}, {text}", Table = table, ProtectionText = text, ChangesFirstKeys = true };
    }

    private static nint Export(nint library, string name) => NativeLibrary.TryGetExport(library, name, out nint address)
        ? address
        : throw NativeLibraries.Unavailable($"{Ngtcp2Crypto.Library} has no {name}");
}
