using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace VibePN.Plugins.TransportQuic.Native;

/// <summary>bits/types/struct_iovec.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct IoVec
{
    public byte* Base;
    public nuint Length;
}

/// <summary>bits/socket.h: struct msghdr, 56 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct MsgHdr
{
    public void* Name;
    public uint NameLength;
    public IoVec* Vectors;
    public nuint VectorCount;
    public byte* Control;
    public nuint ControlLength;
    public int Flags;
}

/// <summary>bits/socket.h: struct mmsghdr, 64 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MMsgHdr
{
    public MsgHdr Header;
    public uint Length;
}

/// <summary>bits/socket.h: struct cmsghdr, 16 bytes; data follows, the next header is aligned to 8.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CMsgHdr
{
    public nuint Length;
    public int Level;
    public int Type;
}

/// <summary>poll.h: struct pollfd.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PollFd
{
    public int Fd;
    public short Events;
    public short Revents;
}

/// <summary>time.h: struct timespec.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TimeSpec
{
    public long Seconds;
    public long Nanoseconds;
}

/// <summary>A sockaddr_in or sockaddr_in6 as a value: what the kernel and ngtcp2 compare addresses by.</summary>
[StructLayout(LayoutKind.Explicit, Size = Size)]
internal struct SocketAddress28 : IEquatable<SocketAddress28>
{
    /// <summary>sizeof(struct sockaddr_in6), the larger of the two.</summary>
    public const int Size = 28;

    [FieldOffset(0)] public ushort Family;
    [FieldOffset(2)] public ushort PortBigEndian;
    [FieldOffset(4)] public uint V4;
    [FieldOffset(8)] public ulong V6High;
    [FieldOffset(16)] public ulong V6Low;
    [FieldOffset(24)] public uint ScopeId;

    /// <summary>Bytes that the kernel wants: 16 for IPv4, 28 for IPv6.</summary>
    public readonly uint Length => Family == LibC.AF_INET ? 16u : Size;

    public static SocketAddress28 From(IPEndPoint endPoint)
    {
        SocketAddress28 result = default;
        result.PortBigEndian = BinaryPrimitives.ReverseEndianness((ushort)endPoint.Port);
        Span<byte> bytes = stackalloc byte[16];
        endPoint.Address.TryWriteBytes(bytes, out _);
        if (endPoint.AddressFamily == AddressFamily.InterNetwork)
        {
            result.Family = LibC.AF_INET;
            result.V4 = MemoryMarshal.Read<uint>(bytes);
            return result;
        }
        result.Family = LibC.AF_INET6;
        result.V6High = MemoryMarshal.Read<ulong>(bytes);
        result.V6Low = MemoryMarshal.Read<ulong>(bytes[8..]);
        result.ScopeId = (uint)endPoint.Address.ScopeId;
        return result;
    }

    public readonly IPEndPoint ToEndPoint()
    {
        int port = BinaryPrimitives.ReverseEndianness(PortBigEndian);
        if (Family == LibC.AF_INET)
            return new IPEndPoint(new IPAddress(V4), port);
        Span<byte> bytes = stackalloc byte[16];
        MemoryMarshal.Write(bytes, V6High);
        MemoryMarshal.Write(bytes[8..], V6Low);
        return new IPEndPoint(new IPAddress(bytes, ScopeId), port);
    }

    // sin_zero and sin6_flowinfo carry no meaning and are never compared.
    public readonly bool Equals(SocketAddress28 other) =>
        Family == other.Family && PortBigEndian == other.PortBigEndian && (Family == LibC.AF_INET
            ? V4 == other.V4
            : V6High == other.V6High && V6Low == other.V6Low && ScopeId == other.ScopeId);

    public override readonly bool Equals(object? obj) => obj is SocketAddress28 other && Equals(other);

    public override readonly int GetHashCode() => Family == LibC.AF_INET
        ? HashCode.Combine(V4, PortBigEndian)
        : HashCode.Combine(V6High, V6Low, PortBigEndian);
}
