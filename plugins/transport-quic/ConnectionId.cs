using System.Runtime.InteropServices;
using System.Security.Cryptography;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

/// <summary>A QUIC connection ID of up to 20 bytes as a value: the key that datagrams are told apart by.</summary>
internal readonly record struct ConnectionId
{
    /// <summary>Bytes of the IDs that we issue ourselves.</summary>
    public const int OwnLength = 8;

    /// <summary>The bit of a packet's first byte that tells a long header (RFC 9000 §17.2).</summary>
    public const int LongHeader = 0x80;

    /// <summary>Where the ID begins behind a long header's first byte, version and length.</summary>
    public const int LongPlace = 6;

    /// <summary>Where it begins behind a short header's first byte.</summary>
    public const int ShortPlace = 1;

    private readonly ulong _a;
    private readonly ulong _b;
    private readonly uint _c;
    private readonly int _length;

    /// <param name="bytes">At most 20.</param>
    public ConnectionId(ReadOnlySpan<byte> bytes)
    {
        Span<byte> padded = stackalloc byte[24];
        padded.Clear();
        bytes[..Math.Min(bytes.Length, NgCid.MaxLength)].CopyTo(padded);
        _a = MemoryMarshal.Read<ulong>(padded);
        _b = MemoryMarshal.Read<ulong>(padded[8..]);
        _c = MemoryMarshal.Read<uint>(padded[16..]);
        _length = bytes.Length;
    }

    /// <summary>Makes an ID of our own: random, but that its first byte names a loop.</summary>
    /// <param name="id">The bytes to fill.</param>
    /// <param name="loop">Number of the loop.</param>
    /// <param name="loops">How many there are, at most 256.</param>
    public static void Fill(Span<byte> id, int loop, int loops)
    {
        RandomNumberGenerator.Fill(id);
        int first = id[0] - (id[0] % loops) + loop;
        id[0] = (byte)(first < 256 ? first : first - loops);
    }

    /// <summary>Which loop a datagram's connection ID names: what <see cref="UdpSocket.TrySteer"/> tells the kernel.</summary>
    /// <remarks>A client's first ID is random and names a loop, too: the one that takes the client.</remarks>
    public static int LoopOf(ReadOnlySpan<byte> packet, int loops)
    {
        int place = packet.Length > 0 && (packet[0] & LongHeader) != 0 ? LongPlace : ShortPlace;
        return place < packet.Length ? packet[place] % loops : 0;
    }

    /// <summary>Writes the bytes.</summary>
    /// <param name="destination">At least 24 bytes.</param>
    /// <returns>How many count.</returns>
    public int CopyTo(Span<byte> destination)
    {
        MemoryMarshal.Write(destination, _a);
        MemoryMarshal.Write(destination[8..], _b);
        MemoryMarshal.Write(destination[16..], _c);
        return _length;
    }

    // Own IDs are random, so their bits need no mixing; a foreign first ID is the client's choice, and a client
    // that picks colliding ones only gathers its own half-open handshakes, whose number is bounded.
    public override int GetHashCode() => (_a ^ _b ^ _c).GetHashCode();
}
