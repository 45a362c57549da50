using System.Runtime.InteropServices;

namespace VibePN.Plugins.TransportQuic;

/// <summary>Halves of split packets that wait for the other half: 16 of them, the oldest gives way.</summary>
/// <remarks>Belongs to the loop's thread. Its memory is taken when the first half arrives.</remarks>
internal sealed unsafe class HalfTable : IDisposable
{
    /// <summary>Halves kept at once.</summary>
    public const int Capacity = 16;

    private readonly Entry[] _entries = new Entry[Capacity];
    private readonly int _slotBytes;
    private byte* _memory;
    private int _next;

    /// <param name="slotBytes">The longest half that is kept; a longer one is lost.</param>
    public HalfTable(int slotBytes) => _slotBytes = slotBytes;

    /// <summary>Halves whose other half never came.</summary>
    public long Missing { get; private set; }

    /// <summary>Takes a half; when the other is there, writes the whole packet.</summary>
    /// <param name="header">The half's header.</param>
    /// <param name="half">Its bytes.</param>
    /// <param name="whole">Room for the packet; a packet that is longer is lost.</param>
    /// <returns>The packet's length, or 0 when it is not complete.</returns>
    public int Add(in DatagramHeader header, ReadOnlySpan<byte> half, Span<byte> whole)
    {
        if (half.Length > _slotBytes)
        {
            Missing++;
            return 0;
        }
        if (_memory is null)
            _memory = (byte*)NativeMemory.Alloc((nuint)(Capacity * _slotBytes));
        for (int i = 0; i < Capacity; i++)
        {
            ref Entry entry = ref _entries[i];
            if (!entry.Used || entry.Network != header.Network || entry.SplitId != header.SplitId)
                continue;
            if (entry.Part == header.Part)
            {
                // The number came round again: the older half has lost its other one.
                Missing++;
                Store(i, header, half);
                return 0;
            }
            entry.Used = false;
            return Join(i, header.Part, half, whole);
        }
        if (_entries[_next].Used)
            Missing++;
        Store(_next, header, half);
        _next = (_next + 1) % Capacity;
        return 0;
    }

    public void Dispose()
    {
        NativeMemory.Free(_memory);
        _memory = null;
    }

    private void Store(int index, in DatagramHeader header, ReadOnlySpan<byte> half)
    {
        _entries[index] = new Entry(true, header.Part, header.SplitId, header.Network, half.Length);
        half.CopyTo(Slot(index));
    }

    private int Join(int index, DatagramPart part, ReadOnlySpan<byte> half, Span<byte> whole)
    {
        int kept = _entries[index].Length;
        ReadOnlySpan<byte> other = Slot(index)[..kept];
        if (kept + half.Length > whole.Length)
        {
            Missing++;
            return 0;
        }
        bool first = part == DatagramPart.FirstHalf;
        half.CopyTo(whole[(first ? 0 : kept)..]);
        other.CopyTo(whole[(first ? half.Length : 0)..]);
        return kept + half.Length;
    }

    private Span<byte> Slot(int index) => new(_memory + index * _slotBytes, _slotBytes);

    private record struct Entry(bool Used, DatagramPart Part, byte SplitId, int Network, int Length);
}
