using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace VibePN.Plugins.TransportQuic.Native;

/// <summary>What ngtcp2 tells a connection from within a call. The receiver stores and counts; it calls nothing.</summary>
internal interface IConnectionCallbacks
{
    /// <summary>The TLS handshake is complete on our side.</summary>
    void OnHandshakeCompleted();

    /// <summary>The peer's part of the TLS handshake is complete and valid; of ours, the last message is unsent.</summary>
    void OnKeysReady();

    /// <summary>The client learned that the server took its certificate. Never called on a server.</summary>
    void OnHandshakeConfirmed();

    /// <summary>Bytes of a stream, in order. Borrowed.</summary>
    /// <returns>False to fail the connection.</returns>
    bool OnStreamData(long streamId, ReadOnlySpan<byte> data, bool finished);

    /// <summary>The peer has bytes up to this offset of a stream; they may be forgotten.</summary>
    void OnStreamAcknowledged(long streamId, ulong offset);

    /// <summary>A stream ended or was reset.</summary>
    void OnStreamEnded(long streamId);

    /// <summary>One datagram. Borrowed.</summary>
    void OnDatagram(ReadOnlySpan<byte> data);

    /// <summary>A datagram was declared lost.</summary>
    /// <param name="id">What it was written with.</param>
    void OnDatagramLost(ulong id);

    /// <summary>Fill in a new connection ID of our own and its reset token.</summary>
    void OnNewConnectionId(Span<byte> cid, Span<byte> token);

    /// <summary>A connection ID of our own is retired.</summary>
    void OnRemoveConnectionId(ReadOnlySpan<byte> cid);

    /// <summary>A reset token of the peer came into use or out of it.</summary>
    void OnResetToken(ReadOnlySpan<byte> token, bool active);

    /// <summary>The peer has lost the connection's state.</summary>
    void OnStatelessReset();

    /// <summary>Judges the peer's certificates.</summary>
    /// <returns>False to refuse the handshake.</returns>
    bool OnVerify(ReadOnlySpan<byte> leafDer, int certificates);
}

/// <summary>The functions that ngtcp2 and GnuTLS call. Each finds its object, lets no exception out, returns a status.</summary>
internal static unsafe class ConnectionCallbacks
{
    private const int Ok = 0;

    /// <summary>Puts our callbacks among the stock ones.</summary>
    public static void Install(ref NgCallbacks table)
    {
        table[NgCallbacks.HandshakeCompleted] = (nint)(delegate* unmanaged[Cdecl]<nint, void*, int>)&HandshakeCompleted;
        table[NgCallbacks.HandshakeConfirmed] = (nint)(delegate* unmanaged[Cdecl]<nint, void*, int>)&HandshakeConfirmed;
        table[NgCallbacks.RecvTxKey] = (nint)(delegate* unmanaged[Cdecl]<nint, int, void*, int>)&RecvTxKey;
        table[NgCallbacks.RecvStreamData] =
            (nint)(delegate* unmanaged[Cdecl]<nint, uint, long, ulong, byte*, nuint, void*, void*, int>)&RecvStreamData;
        table[NgCallbacks.AckedStreamDataOffset] =
            (nint)(delegate* unmanaged[Cdecl]<nint, long, ulong, ulong, void*, void*, int>)&AckedStreamData;
        table[NgCallbacks.StreamClose] =
            (nint)(delegate* unmanaged[Cdecl]<nint, uint, long, ulong, void*, void*, int>)&StreamClose;
        table[NgCallbacks.StreamReset] =
            (nint)(delegate* unmanaged[Cdecl]<nint, long, ulong, ulong, void*, void*, int>)&StreamReset;
        table[NgCallbacks.RecvStatelessReset] =
            (nint)(delegate* unmanaged[Cdecl]<nint, void*, void*, int>)&StatelessReset;
        table[NgCallbacks.Rand] = (nint)(delegate* unmanaged[Cdecl]<byte*, nuint, void*, void>)&Rand;
        table[NgCallbacks.GetNewConnectionId] =
            (nint)(delegate* unmanaged[Cdecl]<nint, NgCid*, byte*, nuint, void*, int>)&NewConnectionId;
        table[NgCallbacks.RemoveConnectionId] =
            (nint)(delegate* unmanaged[Cdecl]<nint, NgCid*, void*, int>)&RemoveConnectionId;
        table[NgCallbacks.DcidStatus] =
            (nint)(delegate* unmanaged[Cdecl]<nint, int, ulong, NgCid*, byte*, void*, int>)&DcidStatus;
        table[NgCallbacks.RecvDatagram] =
            (nint)(delegate* unmanaged[Cdecl]<nint, uint, byte*, nuint, void*, int>)&RecvDatagram;
        table[NgCallbacks.LostDatagram] = (nint)(delegate* unmanaged[Cdecl]<nint, ulong, void*, int>)&LostDatagram;
    }

    /// <summary>gnutls_certificate_verify_function: non-zero fails the handshake with bad_certificate.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static int Verify(nint session)
    {
        try
        {
            var reference = (NgCryptoConnRef*)GnuTls.gnutls_session_get_ptr(session);
            uint count = 0;
            GnuTlsDatum* certificates = GnuTls.gnutls_certificate_get_peers(session, &count);
            if (certificates is null || count == 0)
                return -1;
            var leaf = new ReadOnlySpan<byte>(certificates->Data, (int)certificates->Length);
            return Find((void*)reference->Owner).OnVerify(leaf, (int)count) ? Ok : -1;
        }
        catch (Exception)
        {
            // Nothing may cross into C; a verdict that cannot be had is a refusal.
            return -1;
        }
    }

    /// <summary>ngtcp2_crypto_get_conn.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static nint GetConn(NgCryptoConnRef* reference) => reference->Connection;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int HandshakeCompleted(nint connection, void* user)
    {
        try
        {
            Find(user).OnHandshakeCompleted();
            return Ok;
        }
        catch (Exception)
        {
            return Ngtcp2.ERR_CALLBACK_FAILURE;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int HandshakeConfirmed(nint connection, void* user)
    {
        try
        {
            Find(user).OnHandshakeConfirmed();
            return Ok;
        }
        catch (Exception)
        {
            return Ngtcp2.ERR_CALLBACK_FAILURE;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int RecvTxKey(nint connection, int level, void* user)
    {
        try
        {
            if (level == Ngtcp2.ENCRYPTION_LEVEL_1RTT)
                Find(user).OnKeysReady();
            return Ok;
        }
        catch (Exception)
        {
            return Ngtcp2.ERR_CALLBACK_FAILURE;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int RecvStreamData(
        nint connection, uint flags, long streamId, ulong offset, byte* data, nuint length, void* user, void* stream)
    {
        try
        {
            bool finished = (flags & Ngtcp2.STREAM_DATA_FLAG_FIN) != 0;
            var bytes = new ReadOnlySpan<byte>(data, (int)length);
            return Find(user).OnStreamData(streamId, bytes, finished) ? Ok : Ngtcp2.ERR_CALLBACK_FAILURE;
        }
        catch (Exception)
        {
            return Ngtcp2.ERR_CALLBACK_FAILURE;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int AckedStreamData(
        nint connection, long streamId, ulong offset, ulong length, void* user, void* stream)
    {
        try
        {
            Find(user).OnStreamAcknowledged(streamId, offset + length);
            return Ok;
        }
        catch (Exception)
        {
            return Ngtcp2.ERR_CALLBACK_FAILURE;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int StreamClose(nint connection, uint flags, long streamId, ulong code, void* user, void* stream)
    {
        try
        {
            Find(user).OnStreamEnded(streamId);
            return Ok;
        }
        catch (Exception)
        {
            return Ngtcp2.ERR_CALLBACK_FAILURE;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int StreamReset(nint connection, long streamId, ulong size, ulong code, void* user, void* stream)
    {
        try
        {
            Find(user).OnStreamEnded(streamId);
            return Ok;
        }
        catch (Exception)
        {
            return Ngtcp2.ERR_CALLBACK_FAILURE;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int StatelessReset(nint connection, void* packet, void* user)
    {
        try
        {
            Find(user).OnStatelessReset();
            return Ok;
        }
        catch (Exception)
        {
            return Ngtcp2.ERR_CALLBACK_FAILURE;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Rand(byte* dest, nuint length, void* context)
    {
        try
        {
            RandomNumberGenerator.Fill(new Span<byte>(dest, (int)length));
        }
        catch (CryptographicException)
        {
            // ngtcp2 asks here only for what need not be secret: probe bytes and packet-number gaps.
            new Span<byte>(dest, (int)length).Clear();
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int NewConnectionId(nint connection, NgCid* cid, byte* token, nuint length, void* user)
    {
        try
        {
            cid->Length = length;
            Find(user).OnNewConnectionId(
                new Span<byte>(cid->Data, (int)length), new Span<byte>(token, Ngtcp2.StatelessResetTokenLength));
            return Ok;
        }
        catch (Exception)
        {
            return Ngtcp2.ERR_CALLBACK_FAILURE;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int RemoveConnectionId(nint connection, NgCid* cid, void* user)
    {
        try
        {
            Find(user).OnRemoveConnectionId(new ReadOnlySpan<byte>(cid->Data, (int)cid->Length));
            return Ok;
        }
        catch (Exception)
        {
            return Ngtcp2.ERR_CALLBACK_FAILURE;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int DcidStatus(nint connection, int type, ulong sequence, NgCid* cid, byte* token, void* user)
    {
        try
        {
            if (token is not null)
                Find(user).OnResetToken(
                    new ReadOnlySpan<byte>(token, Ngtcp2.StatelessResetTokenLength), active: type == 0);
            return Ok;
        }
        catch (Exception)
        {
            return Ngtcp2.ERR_CALLBACK_FAILURE;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int RecvDatagram(nint connection, uint flags, byte* data, nuint length, void* user)
    {
        try
        {
            Find(user).OnDatagram(new ReadOnlySpan<byte>(data, (int)length));
            return Ok;
        }
        catch (Exception)
        {
            return Ngtcp2.ERR_CALLBACK_FAILURE;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int LostDatagram(nint connection, ulong id, void* user)
    {
        try
        {
            Find(user).OnDatagramLost(id);
            return Ok;
        }
        catch (Exception)
        {
            return Ngtcp2.ERR_CALLBACK_FAILURE;
        }
    }

    private static IConnectionCallbacks Find(void* handle) =>
        (IConnectionCallbacks)GCHandle.FromIntPtr((nint)handle).Target!;
}
