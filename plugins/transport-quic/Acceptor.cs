using System.Security.Cryptography;
using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

/// <summary>
/// Judges datagrams that belong to no connection, cheapest check first: too short, unknown version, not an
/// Initial, from a source that sends too many, over a cap, address unproven (Retry), and only then a new connection
/// with its TLS session.
/// </summary>
/// <remarks>
/// Belongs to the loop's thread. Its answers are rate-limited and never longer than what they answer.
/// </remarks>
internal sealed unsafe class Acceptor(EventLoop loop)
{
    // RFC 9000 §14.1: a client pads its first packet to this.
    private const int MinInitialBytes = 1200;

    // A reset must look like an ordinary packet and be shorter than what it answers (RFC 9000 §10.3).
    private const int MinResetTrigger = 43;
    private const int LongestReset = 60;

    private readonly Admission _admission = loop.Shared.Admission;

    /// <summary>A short-header packet with an ID that nobody has.</summary>
    public void OnUnknownShort(UdpSocket socket, in SocketAddress28 remote, byte* packet, int length, ulong now)
    {
        if (length < MinResetTrigger || !_admission.TryReset(now))
            return;
        Span<byte> token = stackalloc byte[Ngtcp2.StatelessResetTokenLength];
        loop.Shared.Secrets.ResetToken(new ReadOnlySpan<byte>(packet + 1, ConnectionId.OwnLength), token);
        byte* dest = loop.Arena.Reserve(LongestReset);
        if (dest is null)
            return;
        int total = Math.Min(length - 1, LongestReset);
        Span<byte> random = stackalloc byte[LongestReset];
        random = random[..(total - Ngtcp2.StatelessResetTokenLength)];
        RandomNumberGenerator.Fill(random);
        fixed (byte* tokenBytes = token)
        fixed (byte* randomBytes = random)
        {
            nint written = Ngtcp2.ngtcp2_pkt_write_stateless_reset(
                dest, (nuint)total, tokenBytes, randomBytes, (nuint)random.Length);
            if (written <= 0)
                return;
            loop.Arena.Commit((int)written, socket, remote, loop.AskedAddress, null, SendAs.Alone);
            loop.Counters.Resets++;
        }
    }

    /// <summary>A long-header packet of a version that we do not speak.</summary>
    public void OnUnknownVersion(
        UdpSocket socket, in SocketAddress28 remote, in NgVersionCid ids, int length, ulong now)
    {
        if (length < MinInitialBytes || !_admission.TryNegotiate(now))
            return;
        byte* dest = loop.Arena.Reserve(MinInitialBytes);
        if (dest is null)
            return;
        uint version = Ngtcp2.ProtocolV1;
        nint written = Ngtcp2.ngtcp2_pkt_write_version_negotiation(
            dest, MinInitialBytes, (byte)RandomNumberGenerator.GetInt32(256), ids.Scid, ids.ScidLength, ids.Dcid,
            ids.DcidLength, &version, 1);
        if (written > 0)
            loop.Arena.Commit((int)written, socket, remote, loop.AskedAddress, null, SendAs.Alone);
    }

    /// <summary>A long-header packet with an ID that nobody has: perhaps a client's first.</summary>
    /// <returns>The connection that it begins, or null.</returns>
    public QuicConnection? OnUnknownLong(
        UdpSocket socket, in SocketAddress28 remote, byte* packet, int length, ulong now)
    {
        NgPktHd header;
        if (length < MinInitialBytes || Ngtcp2.ngtcp2_accept(&header, packet, (nuint)length) != 0)
            return null;
        if (header.Version != Ngtcp2.ProtocolV1 || loop.Stopping || socket.ClosesAt != ulong.MaxValue)
            return null;
        TransportCounters counters = loop.Counters;
        if (!_admission.TryArrive(remote, now))
        {
            counters.TooMany++;
            return null;
        }
        if (_admission.IsFull(ConnectionRole.Responder, loop.Settings))
        {
            counters.Full++;
            return null;
        }
        NgCid original = default;
        bool proven = header.TokenLength > 0 && _admission.TryCheckToken(now)
            && loop.Shared.Secrets.VerifyRetryToken(header, remote, now, out original);
        if (!proven && _admission.MustProve(remote, loop.Settings, now))
        {
            SendRetry(socket, remote, header, now);
            return null;
        }
        if (_admission.TryReserve(ConnectionRole.Responder, loop.Settings))
            return Accept(socket, remote, header, proven, original, now);
        counters.Full++;
        return null;
    }

    private QuicConnection? Accept(
        UdpSocket socket, in SocketAddress28 remote, NgPktHd header, bool proven, NgCid original, ulong now)
    {
        Span<byte> source = stackalloc byte[ConnectionId.OwnLength];
        Span<byte> token = stackalloc byte[Ngtcp2.StatelessResetTokenLength];
        loop.FillConnectionId(source);
        loop.Shared.Secrets.ResetToken(source, token);
        var named = new ReadOnlySpan<byte>(header.Dcid.Data, (int)header.Dcid.Length);
        ConnectionSeed seed = loop.Seed(ConnectionRole.Responder, socket, remote, now) with
        {
            SourceCid = source,
            DestinationCid = new ReadOnlySpan<byte>(header.Scid.Data, (int)header.Scid.Length),
            OriginalCid = proven ? new ReadOnlySpan<byte>(original.Data, (int)original.Length) : named,
            RetryCid = proven ? named : default,
            Token = proven ? new ReadOnlySpan<byte>(header.Token, (int)header.TokenLength) : default,
            ResetToken = token,
        };
        return loop.Begin(ConnectionRole.Responder, 0, socket, remote, seed);
    }

    private void SendRetry(UdpSocket socket, in SocketAddress28 remote, NgPktHd header, ulong now)
    {
        if (!_admission.TryRetry(now))
            return;
        Span<byte> fresh = stackalloc byte[ConnectionId.OwnLength];
        loop.FillConnectionId(fresh);
        var scid = NgCid.From(fresh);
        byte* token = stackalloc byte[Ngtcp2Crypto.MaxRetryTokenLength];
        int tokenLength = loop.Shared.Secrets.RetryToken(token, header, remote, &scid, now);
        byte* dest = loop.Arena.Reserve(MinInitialBytes);
        if (tokenLength == 0 || dest is null)
            return;
        nint written = Ngtcp2Crypto.ngtcp2_crypto_write_retry(
            dest, MinInitialBytes, header.Version, &header.Scid, &scid, &header.Dcid, token, (nuint)tokenLength);
        if (written <= 0)
            return;
        loop.Arena.Commit((int)written, socket, remote, loop.AskedAddress, null, SendAs.Alone);
        loop.Counters.Retries++;
    }
}
