using System.Runtime.InteropServices;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

/// <summary>A QUIC connection ID of up to 20 bytes as a value: the key that datagrams are told apart by.</summary>
internal readonly record struct ConnectionId
{
    /// <summary>Bytes of the IDs that we issue ourselves.</summary>
    public const int OwnLength = 8;

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
