using System.Runtime.InteropServices;
using unsafe GcmCall = delegate* unmanaged[Cdecl, SuppressGCTransition]<
    byte*, byte*, byte*, byte*, ulong, byte*, byte*, ulong, byte*, ulong, void>;
using unsafe GcmPrepare = delegate* unmanaged[Cdecl, SuppressGCTransition]<byte*, byte*, void>;

namespace VibePN.Plugins.TransportQuic.Native;

/// <summary>AES-128-GCM (NIST SP 800-38D) with a key that was prepared once.</summary>
/// <remarks>
/// The functions read their key and write their context, so one key and context at a time; they neither block nor
/// call back. <see cref="Decrypt"/> computes the tag and compares nothing.
/// </remarks>
internal readonly unsafe struct GcmFunctions
{
    /// <summary>Room for a prepared key: gcm_key_data has 1,008 bytes in version 1.3 and 1,264 in 2.0. Aligned to 64.</summary>
    public const int KeyBytes = 1280;

    /// <summary>Room for what a call keeps while it runs: gcm_context_data has 88 bytes.</summary>
    public const int ContextBytes = 128;

    public const int TagBytes = 16;

    /// <summary>(16 bytes of key, prepared key).</summary>
    public required GcmPrepare Prepare { get; init; }

    /// <summary>(prepared key, context, out, in, length, 12 bytes of nonce, associated data, its length, tag, its length).</summary>
    public required GcmCall Encrypt { get; init; }

    /// <summary>As <see cref="Encrypt"/>; the tag is that of what came in, for the caller to compare.</summary>
    public required GcmCall Decrypt { get; init; }
}

/// <summary>
/// libIPSec_MB, Intel's Multi-Buffer Crypto for IPsec: of its manager struct (IMB_MGR of intel-ipsec-mb.h) the three
/// functions are taken that it chose for this processor.
/// </summary>
/// <remarks>
/// The offsets are the same in 1.3 and 2.0. They are believed only where the three addresses are those that the
/// library exports under the names of one variant, and the functions only where they compute what .NET computes.
/// </remarks>
internal static unsafe class IpsecMb
{
    public const string Packages = "libipsec-mb2, on Debian 12 libipsec-mb1";

    private const int EncryptOffset = 256;
    private const int DecryptOffset = 280;
    private const int PrepareOffset = 448;

    private static readonly string[] Libraries = ["libIPSec_MB.so.2", "libIPSec_MB.so.1"];

    // Variants for older processors (sse, avx_gen2) are no faster than GnuTLS (docs/decisions/0030).
    private static readonly string[] Variants = ["vaes_avx512", "vaes_avx2", "avx512", "avx_gen4"];

    /// <summary>Loads what the system has. The library is never unloaded: keys in use hold addresses inside it.</summary>
    /// <param name="gcm">The functions, when true.</param>
    /// <param name="text">What was loaded, or why nothing was; half a sentence.</param>
    public static bool TryLoad(out GcmFunctions gcm, out string text) => TryLoad(Libraries, out gcm, out text);

    /// <summary>The same from the first of these libraries that there is.</summary>
    internal static bool TryLoad(string[] libraries, out GcmFunctions gcm, out string text)
    {
        gcm = default;
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            text = "ipsec-mb is for x86-64 only";
            return false;
        }
        nint library = 0;
        if (!Array.Exists(libraries, name => NativeLibrary.TryLoad(name, out library)))
        {
            text = $"libIPSec_MB is not installed (apt install {Packages})";
            return false;
        }
        return TryChoose(library, out gcm, out text);
    }

    private static bool TryChoose(nint library, out GcmFunctions gcm, out string text)
    {
        gcm = default;
        if (!NativeLibrary.TryGetExport(library, "alloc_mb_mgr", out nint allocate)
            || !NativeLibrary.TryGetExport(library, "init_mb_mgr_auto", out nint initialise)
            || !NativeLibrary.TryGetExport(library, "free_mb_mgr", out nint free)
            || !NativeLibrary.TryGetExport(library, "imb_get_version_str", out nint versionText))
        {
            text = "libIPSec_MB lacks a function that this plugin needs";
            return false;
        }
        string version = Marshal.PtrToStringUTF8((nint)((delegate* unmanaged[Cdecl]<byte*>)versionText)()) ?? "?";
        byte* manager = ((delegate* unmanaged[Cdecl]<ulong, byte*>)allocate)(0);
        if (manager is null)
        {
            text = $"ipsec-mb {version} found no memory";
            return false;
        }
        ((delegate* unmanaged[Cdecl]<byte*, int*, void>)initialise)(manager, null);
        string? variant = Array.Find(Variants, name => IsVariant(library, name, manager));
        if (variant is not null)
            gcm = new GcmFunctions
            {
                Prepare = (GcmPrepare)At(manager, PrepareOffset),
                Encrypt = (GcmCall)At(manager, EncryptOffset),
                Decrypt = (GcmCall)At(manager, DecryptOffset),
            };
        ((delegate* unmanaged[Cdecl]<byte*, void>)free)(manager);
        return IsTrusted(variant, gcm, $"ipsec-mb {version}", out text);
    }

    private static bool IsTrusted(string? variant, in GcmFunctions gcm, string name, out string text)
    {
        if (variant is null)
        {
            text = $"{name} has no faster code for this processor";
            return false;
        }
        bool right = GcmSelfTest.Passes(gcm);
        text = right ? $"{name} ({variant})" : $"{name} ({variant}) does not compute AES-128-GCM as .NET does";
        return right;
    }

    private static bool IsVariant(nint library, string name, byte* manager) =>
        IsExport(library, $"aes_gcm_enc_128_{name}", At(manager, EncryptOffset))
        && IsExport(library, $"aes_gcm_dec_128_{name}", At(manager, DecryptOffset))
        && IsExport(library, $"aes_gcm_pre_128_{name}", At(manager, PrepareOffset));

    private static bool IsExport(nint library, string name, nint address) =>
        NativeLibrary.TryGetExport(library, name, out nint exported) && exported == address;

    private static nint At(byte* manager, int offset) => *(nint*)(manager + offset);
}
