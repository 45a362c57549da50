using System.Runtime.InteropServices;
using System.Text;
using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

/// <summary>What all TLS sessions of this node share: identity, cipher order and protocol names.</summary>
/// <remarks>Made on the engine's control thread; sessions are made and freed on the loop's thread before Dispose.</remarks>
internal sealed unsafe class TlsCredentials : IDisposable
{
    // TLS 1.3 only; the compatibility mode's dummy records have no place in QUIC (RFC 9001 §8.4).
    private const string Priority =
        "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305"
        + ":-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:%DISABLE_TLS13_COMPAT_MODE";

    private readonly byte[][] _protocols;
    private readonly byte[][] _special;
    private nint _credentials;
    private nint _priority;

    /// <summary>Reads the identity.</summary>
    /// <param name="identity">Who we are; null shows no certificate, which every peer of ours refuses (tests).</param>
    /// <param name="protocols">Protocol names, best first.</param>
    /// <param name="special">Names accepted besides, and offered only where one is asked for.</param>
    /// <exception cref="PluginException">GnuTLS does not take the certificate or the key.</exception>
    public TlsCredentials(NodeIdentity? identity, IReadOnlyList<string> protocols, params IReadOnlyList<string> special)
    {
        _protocols = [.. protocols.Select(Encoding.ASCII.GetBytes)];
        _special = [.. special.Select(Encoding.ASCII.GetBytes)];
        try
        {
            InitialisePriority();
            LoadIdentity(identity);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>A new session that verifies through <see cref="ConnectionCallbacks.Verify"/>.</summary>
    /// <param name="protocol">Initiator: the one name to offer; empty for all but the special ones.</param>
    /// <param name="reference">Leads the callbacks to the connection; outlives the session.</param>
    /// <returns>The session, or 0 when memory ran out.</returns>
    public nint CreateSession(ConnectionRole role, string protocol, NgCryptoConnRef* reference)
    {
        // Tickets and early data would let a session begin without proving the key again.
        bool server = role == ConnectionRole.Responder;
        uint flags = server
            ? GnuTls.SERVER | GnuTls.NO_TICKETS | GnuTls.NO_AUTO_SEND_TICKET
            : GnuTls.CLIENT | GnuTls.NO_TICKETS;
        nint session = 0;
        if (GnuTls.gnutls_init(&session, flags) != 0)
            return 0;
        int failed = GnuTls.gnutls_priority_set(session, _priority)
            | GnuTls.gnutls_credentials_set(session, GnuTls.CRD_CERTIFICATE, _credentials)
            | SetProtocols(session, server, server ? [.. _protocols, .. _special] : Offered(protocol))
            | (server
                ? Ngtcp2Crypto.ngtcp2_crypto_gnutls_configure_server_session(session)
                : Ngtcp2Crypto.ngtcp2_crypto_gnutls_configure_client_session(session));
        if (failed != 0)
        {
            GnuTls.gnutls_deinit(session);
            return 0;
        }
        if (server)
            GnuTls.gnutls_certificate_server_set_request(session, GnuTls.CERT_REQUIRE);
        GnuTls.gnutls_session_set_ptr(session, reference);
        GnuTls.gnutls_session_set_verify_function(session, &ConnectionCallbacks.Verify);
        return session;
    }

    /// <summary>The protocol agreed on; empty when there is none yet, or none of ours.</summary>
    public string SelectedProtocol(nint session)
    {
        GnuTlsDatum name = default;
        if (GnuTls.gnutls_alpn_get_selected_protocol(session, &name) != 0)
            return "";
        var bytes = new ReadOnlySpan<byte>(name.Data, (int)name.Length);
        foreach (byte[] known in (ReadOnlySpan<byte[]>)[.. _protocols, .. _special])
        {
            if (bytes.SequenceEqual(known))
                return Encoding.ASCII.GetString(bytes);
        }
        return "";
    }

    /// <summary>RFC 9266: 32 bytes that only the two ends of this session can compute; empty when GnuTLS has none.</summary>
    public static byte[] ExportBinding(nint session)
    {
        ReadOnlySpan<byte> label = "EXPORTER-Channel-Binding"u8;
        byte[] binding = new byte[32];
        fixed (byte* text = label)
        fixed (byte* output = binding)
        {
            int error = GnuTls.gnutls_prf_rfc5705(
                session, (nuint)label.Length, text, 0, null, (nuint)binding.Length, output);
            return error == 0 ? binding : [];
        }
    }

    public void Dispose()
    {
        if (_credentials != 0)
            GnuTls.gnutls_certificate_free_credentials(_credentials);
        if (_priority != 0)
            GnuTls.gnutls_priority_deinit(_priority);
        _credentials = 0;
        _priority = 0;
    }

    private void InitialisePriority()
    {
        nint priority = 0;
        byte* position = null;
        int error;
        fixed (byte* text = Encoding.ASCII.GetBytes(Priority + "\0"))
            error = GnuTls.gnutls_priority_init(&priority, text, &position);
        if (error != 0)
            throw NativeLibraries.Unavailable($"GnuTLS cannot do TLS 1.3 with AES-GCM ({GnuTls.Describe(error)})");
        _priority = priority;
    }

    private void LoadIdentity(NodeIdentity? identity)
    {
        nint credentials = 0;
        int error = GnuTls.gnutls_certificate_allocate_credentials(&credentials);
        if (error == 0)
        {
            _credentials = credentials;
            if (identity is null)
                return;
            byte[] certificate = Encoding.ASCII.GetBytes(identity.CertificatePem);
            byte[] key = Encoding.ASCII.GetBytes(identity.PrivateKeyPem);
            fixed (byte* certificateBytes = certificate)
            fixed (byte* keyBytes = key)
            {
                var certificateDatum = new GnuTlsDatum { Data = certificateBytes, Length = (uint)certificate.Length };
                var keyDatum = new GnuTlsDatum { Data = keyBytes, Length = (uint)key.Length };
                error = GnuTls.gnutls_certificate_set_x509_key_mem(
                    credentials, &certificateDatum, &keyDatum, GnuTls.X509_FMT_PEM);
            }
            System.Security.Cryptography.CryptographicOperations.ZeroMemory(key);
        }
        if (error < 0)
            throw new PluginException(
                $"The node's certificate and key could not be loaded: {GnuTls.Describe(error)}. "
                + "Check that the identity file holds one certificate and its own private key.")
            { Fault = PluginFault.Configuration };
    }

    private byte[][] Offered(string protocol) => protocol.Length == 0 ? _protocols : [Encoding.ASCII.GetBytes(protocol)];

    private static int SetProtocols(nint session, bool server, byte[][] protocols)
    {
        GnuTlsDatum* names = stackalloc GnuTlsDatum[protocols.Length];
        byte** blocks = stackalloc byte*[protocols.Length];
        for (int i = 0; i < protocols.Length; i++)
        {
            blocks[i] = (byte*)NativeMemory.Alloc((nuint)protocols[i].Length);
            protocols[i].CopyTo(new Span<byte>(blocks[i], protocols[i].Length));
            names[i] = new GnuTlsDatum { Data = blocks[i], Length = (uint)protocols[i].Length };
        }
        uint flags = server ? GnuTls.ALPN_MANDATORY | GnuTls.ALPN_SERVER_PRECEDENCE : GnuTls.ALPN_MANDATORY;
        int error = GnuTls.gnutls_alpn_set_protocols(session, names, (uint)protocols.Length, flags);
        for (int i = 0; i < protocols.Length; i++)
            NativeMemory.Free(blocks[i]);
        return error;
    }
}
