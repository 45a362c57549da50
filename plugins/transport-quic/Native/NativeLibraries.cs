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
    /// <param name="wanted">What encrypts packets.</param>
    /// <exception cref="PluginException">A library is missing, too old or laid out differently.</exception>
    public static CryptoCallbacks Load(PacketProtection wanted)
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
            return CryptoCallbacks.Resolve(crypto, $"ngtcp2 {version}, GnuTLS {tlsVersion}").With(wanted);
        }
        catch (EntryPointNotFoundException missing)
        {
            throw Unavailable($"a function is missing ({missing.Message})");
        }
    }

    internal static PluginException Unavailable(string cause) => Unavailable(
        cause,
        $"Install ngtcp2 1.11 or later with GnuTLS (Debian: apt install {Packages}; on Debian 12 from bookworm-backports).");

    internal static PluginException Unavailable(string cause, string remedy) =>
        new($"QUIC is not available: {cause}. {remedy}") { Fault = PluginFault.Unavailable };

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
