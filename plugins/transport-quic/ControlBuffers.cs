using System.Runtime.InteropServices;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

/// <summary>Bytes for the control stream: kept until the peer has acknowledged them.</summary>
/// <remarks>
/// Any thread appends; the loop's thread sends and forgets. ngtcp2 points into the ring for retransmissions, so
/// bytes never move while unacknowledged. The ring is taken at the first append.
/// </remarks>
internal sealed unsafe class ControlSendBuffer : IDisposable
{
    /// <summary>Most bytes that wait for sending or acknowledgement.</summary>
    public const int Capacity = 256 * 1024;

    private readonly Lock _lock = new();
    private byte* _ring;
    private ulong _acknowledged;
    private ulong _sent;
    private ulong _appended;
    private bool _closed;

    /// <summary>Whether bytes wait to be sent.</summary>
    public bool HasUnsent => Volatile.Read(ref _appended) != Volatile.Read(ref _sent);

    /// <summary>Whether everything appended has arrived at the peer.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_lock)
                return _acknowledged == _appended;
        }
    }

    /// <summary>Appends all or nothing.</summary>
    public bool TryAppend(ReadOnlySpan<byte> bytes)
    {
        lock (_lock)
        {
            if (_closed || (ulong)bytes.Length > Capacity - (_appended - _acknowledged))
                return false;
            if (_ring is null)
                _ring = (byte*)NativeMemory.Alloc(Capacity);
            int offset = (int)(_appended % Capacity);
            int first = Math.Min(bytes.Length, Capacity - offset);
            bytes[..first].CopyTo(new Span<byte>(_ring + offset, first));
            bytes[first..].CopyTo(new Span<byte>(_ring, bytes.Length - first));
            Volatile.Write(ref _appended, _appended + (ulong)bytes.Length);
            return true;
        }
    }

    /// <summary>What is still to be sent, as up to two pieces. For the loop's thread.</summary>
    /// <param name="parts">Room for two.</param>
    /// <returns>How many pieces.</returns>
    public int GetUnsent(NgVec* parts)
    {
        ulong sent = _sent;
        int length = (int)(Volatile.Read(ref _appended) - sent);
        if (length == 0)
            return 0;
        int offset = (int)(sent % Capacity);
        int first = Math.Min(length, Capacity - offset);
        parts[0] = new NgVec { Base = _ring + offset, Length = (nuint)first };
        if (first == length)
            return 1;
        parts[1] = new NgVec { Base = _ring, Length = (nuint)(length - first) };
        return 2;
    }

    /// <summary>ngtcp2 took bytes.</summary>
    public void OnSent(int bytes) => Volatile.Write(ref _sent, _sent + (ulong)bytes);

    /// <summary>The peer has everything before this offset of the stream.</summary>
    public void OnAcknowledged(ulong offset)
    {
        lock (_lock)
            _acknowledged = Math.Max(_acknowledged, Math.Min(offset, _sent));
    }

    /// <summary>Frees the ring; later appends are refused. Only after the ngtcp2 connection is gone.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _closed = true;
            NativeMemory.Free(_ring);
            _ring = null;
            Volatile.Write(ref _sent, _appended);
        }
    }
}

/// <summary>Control bytes received and not yet delivered; flow control bounds them. For the loop's thread.</summary>
internal sealed unsafe class ControlReceiveBuffer(int capacity) : IDisposable
{
    private byte* _memory;

    /// <summary>Bytes that wait.</summary>
    public int Count { get; private set; }

    /// <summary>Everything that waits. Valid until <see cref="Clear"/>.</summary>
    public ReadOnlySpan<byte> Bytes => new(_memory, Count);

    /// <summary>Appends.</summary>
    /// <returns>False when the peer went over the window, which ngtcp2 should have noticed.</returns>
    public bool TryAppend(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > capacity - Count)
            return false;
        if (_memory is null)
            _memory = (byte*)NativeMemory.Alloc((nuint)capacity);
        bytes.CopyTo(new Span<byte>(_memory + Count, bytes.Length));
        Count += bytes.Length;
        return true;
    }

    public void Clear() => Count = 0;

    public void Dispose()
    {
        NativeMemory.Free(_memory);
        _memory = null;
        Count = 0;
    }
}
