using System.Security.Cryptography;
using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

/// <summary>Keys for what is sent without a connection: reset tokens and Retry tokens.</summary>
/// <remarks>Any thread.</remarks>
internal sealed unsafe class NodeSecrets
{
    private const int KeyBytes = 32;
    private const ulong RetryTokenLife = 10_000_000_000;

    private readonly byte[] _reset;
    private readonly byte[] _retry = RandomNumberGenerator.GetBytes(KeyBytes);

    public NodeSecrets(NodeIdentity identity)
    {
        // From the private key, so that a node that restarts can still reset its peers' old connections.
        PemFields pem = PemEncoding.Find(identity.PrivateKeyPem);
        byte[] key = Convert.FromBase64String(identity.PrivateKeyPem[pem.Base64Data]);
        _reset = HKDF.DeriveKey(
            HashAlgorithmName.SHA256, key, KeyBytes, info: "vibepn transport-quic stateless reset 1"u8.ToArray());
        CryptographicOperations.ZeroMemory(key);
    }

    /// <summary>The token that says that we have forgotten the connection with this ID of ours.</summary>
    /// <param name="token">16 bytes to fill.</param>
    public void ResetToken(ReadOnlySpan<byte> cid, Span<byte> token)
    {
        var id = NgCid.From(cid);
        fixed (byte* secret = _reset)
        fixed (byte* output = token)
        {
            if (Ngtcp2Crypto.ngtcp2_crypto_generate_stateless_reset_token(output, secret, KeyBytes, &id) != 0)
                throw new CryptographicException("No stateless reset token could be computed.");
        }
    }

    /// <summary>A token that proves, when it comes back, that the client receives at its address.</summary>
    /// <param name="token">At least <see cref="Ngtcp2Crypto.MaxRetryTokenLength"/> bytes.</param>
    /// <returns>Its length; 0 when none could be made.</returns>
    public int RetryToken(byte* token, in NgPktHd packet, in SocketAddress28 remote, NgCid* retryScid, ulong now)
    {
        SocketAddress28 address = remote;
        NgCid original = packet.Dcid;
        fixed (byte* secret = _retry)
        {
            nint length = Ngtcp2Crypto.ngtcp2_crypto_generate_retry_token(
                token, secret, KeyBytes, packet.Version, &address, address.Length, retryScid, &original, now);
            return (int)Math.Max(0, length);
        }
    }

    /// <summary>Checks a token that a client brought back.</summary>
    /// <param name="original">The first destination ID of the client's try.</param>
    public bool VerifyRetryToken(in NgPktHd packet, in SocketAddress28 remote, ulong now, out NgCid original)
    {
        original = default;
        if (packet.TokenLength == 0 || packet.Token[0] != Ngtcp2Crypto.RetryTokenMagic)
            return false;
        SocketAddress28 address = remote;
        NgCid found = default;
        NgCid named = packet.Dcid;
        fixed (byte* secret = _retry)
        {
            int result = Ngtcp2Crypto.ngtcp2_crypto_verify_retry_token(
                &found, packet.Token, packet.TokenLength, secret, KeyBytes, packet.Version, &address, address.Length,
                &named, RetryTokenLife, now);
            original = found;
            return result == 0;
        }
    }
}

/// <summary>A token bucket: so many a second, and as many at once unless told otherwise.</summary>
internal struct RateLimit(int perSecond, ulong now, int atOnce = 0)
{
    private const ulong Second = 1_000_000_000;
    private readonly int _most = atOnce == 0 ? perSecond : atOnce;
    private double _tokens = atOnce == 0 ? perSecond : atOnce;
    private ulong _last = now;

    public bool TryTake(ulong now)
    {
        if (IsEmpty(now))
            return false;
        _tokens--;
        return true;
    }

    public bool IsEmpty(ulong now)
    {
        _tokens = Math.Min(_most, _tokens + ((double)(now - _last) / Second * perSecond));
        _last = now;
        return _tokens < 1;
    }
}
