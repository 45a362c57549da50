using System.Runtime.InteropServices;

namespace VibePN.Plugins.TransportQuic.Native;

/// <summary>gnutls_datum_t.</summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
internal unsafe struct GnuTlsDatum
{
    public byte* Data;
    public uint Length;
}

/// <summary>libgnutls: names and types follow gnutls.h of 3.7; nothing here decides.</summary>
internal static unsafe partial class GnuTls
{
    public const string Library = "libgnutls.so.30";

    public const uint SERVER = 1;
    public const uint CLIENT = 1 << 1;
    public const uint NO_TICKETS = 1 << 10;
    public const uint NO_AUTO_SEND_TICKET = 1 << 21;

    public const int X509_FMT_PEM = 1;
    public const int CRD_CERTIFICATE = 1;
    public const int CERT_REQUIRE = 2;
    public const uint ALPN_MANDATORY = 1;
    public const uint ALPN_SERVER_PRECEDENCE = 2;

    [LibraryImport(Library)]
    public static partial byte* gnutls_check_version(byte* required);

    [LibraryImport(Library)]
    public static partial byte* gnutls_strerror(int error);

    [LibraryImport(Library)]
    public static partial int gnutls_certificate_allocate_credentials(nint* credentials);

    [LibraryImport(Library)]
    public static partial void gnutls_certificate_free_credentials(nint credentials);

    [LibraryImport(Library)]
    public static partial int gnutls_certificate_set_x509_key_mem(
        nint credentials, GnuTlsDatum* certificate, GnuTlsDatum* key, int format);

    [LibraryImport(Library)]
    public static partial int gnutls_priority_init(nint* priority, byte* text, byte** errorPosition);

    [LibraryImport(Library)]
    public static partial void gnutls_priority_deinit(nint priority);

    [LibraryImport(Library)]
    public static partial int gnutls_init(nint* session, uint flags);

    [LibraryImport(Library)]
    public static partial void gnutls_deinit(nint session);

    [LibraryImport(Library)]
    public static partial int gnutls_priority_set(nint session, nint priority);

    [LibraryImport(Library)]
    public static partial int gnutls_credentials_set(nint session, int type, nint credentials);

    [LibraryImport(Library)]
    public static partial int gnutls_alpn_set_protocols(nint session, GnuTlsDatum* names, uint count, uint flags);

    [LibraryImport(Library)]
    public static partial int gnutls_alpn_get_selected_protocol(nint session, GnuTlsDatum* name);

    [LibraryImport(Library)]
    public static partial void gnutls_certificate_server_set_request(nint session, int request);

    [LibraryImport(Library)]
    public static partial void gnutls_session_set_verify_function(
        nint session, delegate* unmanaged[Cdecl]<nint, int> function);

    [LibraryImport(Library)]
    public static partial GnuTlsDatum* gnutls_certificate_get_peers(nint session, uint* count);

    [LibraryImport(Library)]
    public static partial void gnutls_session_set_ptr(nint session, void* pointer);

    [LibraryImport(Library)]
    public static partial void* gnutls_session_get_ptr(nint session);

    [LibraryImport(Library)]
    public static partial int gnutls_prf_rfc5705(
        nint session, nuint labelLength, byte* label, nuint contextLength, byte* context, nuint length, byte* output);

    /// <summary>GnuTLS's sentence for an error code.</summary>
    public static string Describe(int error) =>
        Marshal.PtrToStringUTF8((nint)gnutls_strerror(error)) ?? $"error {error}";
}
