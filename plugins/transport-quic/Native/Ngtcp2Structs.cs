using System.Runtime.InteropServices;

namespace VibePN.Plugins.TransportQuic.Native;

// Layouts of ngtcp2 1.11 on 64-bit Linux. Later 1.x releases only append, and every call names the version it
// was compiled for, so the library reads and writes no more than these sizes. Native/NativeLibraries.cs checks
// known defaults at their offsets before the first connection.

/// <summary>ngtcp2_cid: a connection ID of 0 to 20 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 32)]
internal unsafe struct NgCid
{
    public const int MaxLength = 20;

    [FieldOffset(0)] public nuint Length;
    [FieldOffset(8)] public fixed byte Data[MaxLength];

    public static NgCid From(ReadOnlySpan<byte> bytes)
    {
        NgCid cid = default;
        cid.Length = (nuint)bytes.Length;
        bytes.CopyTo(new Span<byte>(cid.Data, MaxLength));
        return cid;
    }
}

/// <summary>ngtcp2_vec.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NgVec
{
    public byte* Base;
    public nuint Length;
}

/// <summary>ngtcp2_addr: a pointer to a sockaddr that the caller keeps.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal unsafe struct NgAddr
{
    [FieldOffset(0)] public SocketAddress28* Address;
    [FieldOffset(8)] public uint Length;
}

/// <summary>ngtcp2_path.</summary>
[StructLayout(LayoutKind.Explicit, Size = 40)]
internal unsafe struct NgPath
{
    [FieldOffset(0)] public NgAddr Local;
    [FieldOffset(16)] public NgAddr Remote;
    [FieldOffset(32)] public void* UserData;
}

/// <summary>ngtcp2_pkt_info.</summary>
[StructLayout(LayoutKind.Explicit, Size = 8)]
internal struct NgPktInfo
{
    [FieldOffset(0)] public byte Ecn;
}

/// <summary>ngtcp2_version_cid: the invariant header (RFC 8999).</summary>
[StructLayout(LayoutKind.Explicit, Size = 40)]
internal unsafe struct NgVersionCid
{
    [FieldOffset(0)] public uint Version;
    [FieldOffset(8)] public byte* Dcid;
    [FieldOffset(16)] public nuint DcidLength;
    [FieldOffset(24)] public byte* Scid;
    [FieldOffset(32)] public nuint ScidLength;
}

/// <summary>ngtcp2_pkt_hd: a decoded long header.</summary>
[StructLayout(LayoutKind.Explicit, Size = 112)]
internal unsafe struct NgPktHd
{
    [FieldOffset(0)] public NgCid Dcid;
    [FieldOffset(32)] public NgCid Scid;
    [FieldOffset(72)] public byte* Token;
    [FieldOffset(80)] public nuint TokenLength;
    [FieldOffset(104)] public uint Version;
    [FieldOffset(108)] public byte Type;
}

/// <summary>ngtcp2_crypto_aead.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NgAead
{
    public nint Handle;
    public nuint MaxOverhead;
}

/// <summary>ngtcp2_ccerr: why a connection is closed.</summary>
[StructLayout(LayoutKind.Explicit, Size = 40)]
internal unsafe struct NgCcErr
{
    [FieldOffset(0)] public int Type;
    [FieldOffset(8)] public ulong ErrorCode;
    [FieldOffset(16)] public ulong FrameType;
    [FieldOffset(24)] public byte* Reason;
    [FieldOffset(32)] public nuint ReasonLength;
}

/// <summary>ngtcp2_conn_info: durations in nanoseconds, sizes in bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 56)]
internal struct NgConnInfo
{
    [FieldOffset(0)] public ulong LatestRtt;
    [FieldOffset(16)] public ulong SmoothedRtt;
    [FieldOffset(24)] public ulong RttVariance;
    [FieldOffset(32)] public ulong Cwnd;
    [FieldOffset(48)] public ulong BytesInFlight;
}

/// <summary>ngtcp2_settings, version 2: the members that are used.</summary>
[StructLayout(LayoutKind.Explicit, Size = 184)]
internal unsafe struct NgSettings
{
    [FieldOffset(8)] public int CcAlgo;
    [FieldOffset(16)] public ulong InitialTs;
    [FieldOffset(24)] public ulong InitialRtt;
    [FieldOffset(40)] public nuint MaxTxUdpPayloadSize;
    [FieldOffset(48)] public byte* Token;
    [FieldOffset(56)] public nuint TokenLength;
    [FieldOffset(64)] public int TokenType;
    [FieldOffset(80)] public ulong MaxWindow;
    [FieldOffset(88)] public ulong MaxStreamWindow;
    [FieldOffset(96)] public nuint AckThresh;
    [FieldOffset(104)] public byte NoTxUdpPayloadSizeShaping;
    [FieldOffset(112)] public ulong HandshakeTimeout;
    [FieldOffset(156)] public byte NoPmtud;
    [FieldOffset(168)] public ushort* PmtudProbes;
    [FieldOffset(176)] public nuint PmtudProbesLength;
}

/// <summary>ngtcp2_transport_params, version 1: the members that are used.</summary>
[StructLayout(LayoutKind.Explicit, Size = 344)]
internal unsafe struct NgTransportParams
{
    [FieldOffset(96)] public NgCid OriginalDcid;
    [FieldOffset(128)] public NgCid InitialScid;
    [FieldOffset(160)] public NgCid RetryScid;
    [FieldOffset(192)] public ulong InitialMaxStreamDataBidiLocal;
    [FieldOffset(200)] public ulong InitialMaxStreamDataBidiRemote;
    [FieldOffset(208)] public ulong InitialMaxStreamDataUni;
    [FieldOffset(216)] public ulong InitialMaxData;
    [FieldOffset(224)] public ulong InitialMaxStreamsBidi;
    [FieldOffset(232)] public ulong InitialMaxStreamsUni;
    [FieldOffset(240)] public ulong MaxIdleTimeout;
    [FieldOffset(248)] public ulong MaxUdpPayloadSize;
    [FieldOffset(256)] public ulong ActiveConnectionIdLimit;
    [FieldOffset(264)] public ulong AckDelayExponent;
    [FieldOffset(272)] public ulong MaxAckDelay;
    [FieldOffset(280)] public ulong MaxDatagramFrameSize;
    [FieldOffset(288)] public byte StatelessResetTokenPresent;
    [FieldOffset(289)] public byte DisableActiveMigration;
    [FieldOffset(290)] public byte OriginalDcidPresent;
    [FieldOffset(292)] public byte RetryScidPresent;
    [FieldOffset(294)] public fixed byte StatelessResetToken[16];
}

/// <summary>ngtcp2_callbacks, version 1: 40 function pointers, reached by their index in the C struct.</summary>
[StructLayout(LayoutKind.Sequential, Size = Count * 8)]
internal unsafe struct NgCallbacks
{
    public const int Count = 40;
    public const int ClientInitial = 0;
    public const int RecvClientInitial = 1;
    public const int RecvCryptoData = 2;
    public const int HandshakeCompleted = 3;
    public const int Encrypt = 5;
    public const int Decrypt = 6;
    public const int HpMask = 7;
    public const int RecvStreamData = 8;
    public const int AckedStreamDataOffset = 9;
    public const int StreamClose = 11;
    public const int RecvStatelessReset = 12;
    public const int RecvRetry = 13;
    public const int Rand = 16;
    public const int GetNewConnectionId = 17;
    public const int RemoveConnectionId = 18;
    public const int UpdateKey = 19;
    public const int StreamReset = 22;
    public const int DcidStatus = 26;
    public const int HandshakeConfirmed = 27;
    public const int DeleteAeadCtx = 29;
    public const int DeleteCipherCtx = 30;
    public const int RecvDatagram = 31;
    public const int LostDatagram = 33;
    public const int GetPathChallengeData = 34;
    public const int VersionNegotiation = 36;
    public const int RecvTxKey = 38;

    private fixed ulong _pointers[Count];

    public nint this[int index]
    {
        readonly get => (nint)_pointers[index];
        set => _pointers[index] = (ulong)value;
    }
}

/// <summary>
/// ngtcp2_crypto_conn_ref (get_conn, user_data) with two words of ours behind it: GnuTLS's session pointer
/// leads the TLS callbacks to the connection through it. Lives in unmanaged memory as long as the session.
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = 32)]
internal struct NgCryptoConnRef
{
    public nint GetConn;
    public nint UserData;

    /// <summary>The ngtcp2_conn; 0 before it exists.</summary>
    public nint Connection;

    /// <summary>GCHandle of the managed owner.</summary>
    public nint Owner;
}
