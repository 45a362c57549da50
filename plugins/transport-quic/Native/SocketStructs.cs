using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
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

    /// <summary>CMSG_ALIGN on 64-bit Linux.</summary>
    public static int Align(int bytes) => (bytes + 7) & ~7;
}

/// <summary>poll.h: struct pollfd.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PollFd
{
    public int Fd;
    public short Events;
    public short Revents;
}

/// <summary>linux/filter.h: struct sock_filter, 8 bytes, with the few instructions used.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SockFilter
{
    /// <summary>BPF_LD | BPF_B | BPF_ABS; beyond the end the program returns 0.</summary>
    public const ushort LoadByte = 0x30;

    /// <summary>BPF_JMP | BPF_JSET | BPF_K.</summary>
    public const ushort JumpIfSet = 0x45;

    /// <summary>BPF_JMP | BPF_JA.</summary>
    public const ushort Jump = 0x05;

    /// <summary>BPF_ALU | BPF_MOD | BPF_K.</summary>
    public const ushort Modulo = 0x94;

    /// <summary>BPF_RET | BPF_A.</summary>
    public const ushort Return = 0x16;

    public ushort Code;
    public byte IfTrue;
    public byte IfFalse;
    public uint K;
}

/// <summary>linux/filter.h: struct sock_fprog, 16 bytes on 64-bit Linux.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct SockFprog
{
    public ushort Length;
    public SockFilter* Filter;
}

/// <summary>time.h: struct timespec.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct TimeSpec(ulong nanoseconds)
{
    public readonly long Seconds = (long)(nanoseconds / 1_000_000_000);
    public readonly long Nanoseconds = (long)(nanoseconds % 1_000_000_000);
}

/// <summary>The local address that a datagram was sent to: what an answer on a wildcard socket must come from.</summary>
/// <param name="Family">AF_INET, AF_INET6, or 0 for "let the kernel choose".</param>
/// <param name="V4">The IPv4 address as it stands in memory.</param>
/// <param name="V6">The IPv6 address as it stands in memory.</param>
internal readonly record struct LocalAddress(int Family, uint V4, UInt128 V6)
{
    /// <summary>CMSG_SPACE of the larger of in_pktinfo (12 bytes) and in6_pktinfo (20 bytes).</summary>
    public const int ControlBytes = 40;

    private const int V4InfoBytes = 12;
    private const int V6InfoBytes = 20;

    // in_pktinfo: interface, address to answer from, header's address. in6_pktinfo: address, interface.
    private const int V4AnswerOffset = 4;

    /// <summary>The address of a bound socket.</summary>
    public static LocalAddress Of(in SocketAddress28 address)
    {
        Span<ulong> halves = [address.V6High, address.V6Low];
        return address.Family == LibC.AF_INET
            ? new LocalAddress(LibC.AF_INET, address.V4, 0)
            : new LocalAddress(LibC.AF_INET6, 0, MemoryMarshal.Cast<ulong, UInt128>(halves)[0]);
    }

    /// <summary>Reads the control message if it is one of these.</summary>
    public static unsafe bool TryRead(CMsgHdr* control, out LocalAddress address)
    {
        byte* data = (byte*)(control + 1);
        address = control->Level switch
        {
            LibC.SOL_IP when control->Type == LibC.IP_PKTINFO =>
                new LocalAddress(LibC.AF_INET, Unsafe.ReadUnaligned<uint>(data + V4AnswerOffset), 0),
            LibC.SOL_IPV6 when control->Type == LibC.IPV6_PKTINFO =>
                new LocalAddress(LibC.AF_INET6, 0, Unsafe.ReadUnaligned<UInt128>(data)),
            _ => default,
        };
        return address.Family != 0;
    }

    /// <summary>Writes the control message that makes the kernel send from this address.</summary>
    /// <param name="control">At least <see cref="ControlBytes"/> bytes.</param>
    /// <returns>Bytes used; 0 when the kernel is to choose.</returns>
    public unsafe int Write(CMsgHdr* control)
    {
        if (Family == 0)
            return 0;
        byte* data = (byte*)(control + 1);
        new Span<byte>(control, ControlBytes).Clear();
        bool v4 = Family == LibC.AF_INET;
        int bytes = sizeof(CMsgHdr) + (v4 ? V4InfoBytes : V6InfoBytes);
        *control = new CMsgHdr
        {
            Length = (nuint)bytes,
            Level = v4 ? LibC.SOL_IP : LibC.SOL_IPV6,
            Type = v4 ? LibC.IP_PKTINFO : LibC.IPV6_PKTINFO,
        };
        if (v4)
            Unsafe.WriteUnaligned(data + V4AnswerOffset, V4);
        else
            Unsafe.WriteUnaligned(data, V6);
        return CMsgHdr.Align(bytes);
    }
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

    /// <summary>Whether it stands for every address of its family.</summary>
    public readonly bool IsWildcard => Family == LibC.AF_INET ? V4 == 0 : (V6High | V6Low) == 0;

    /// <summary>127.0.0.0/8 or ::1.</summary>
    public readonly bool IsLoopback => Family == LibC.AF_INET
        ? (byte)V4 == 127
        : V6High == 0 && V6Low == BinaryPrimitives.ReverseEndianness(1UL);

    /// <summary>The same address with any port.</summary>
    public readonly bool SameHost(SocketAddress28 other)
    {
        other.PortBigEndian = PortBigEndian;
        return Equals(other);
    }

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
