namespace VibePN.Plugins.TransportQuic;

/// <summary>Something that is due at a time. Its place in the heap is kept in itself.</summary>
internal interface ITimed
{
    /// <summary>Index in the heap; -1 when not in it. Only the heap writes it.</summary>
    int HeapIndex { get; set; }

    /// <summary>When it is due, in nanoseconds. Only the heap writes it.</summary>
    ulong Due { get; set; }
}

/// <summary>A binary heap of due times whose entries can be moved. For the loop's thread.</summary>
internal sealed class TimerHeap<T> where T : class, ITimed
{
    private T[] _items = new T[64];

    /// <summary>Entries now.</summary>
    public int Count { get; private set; }

    /// <summary>The earliest due time; <see cref="ulong.MaxValue"/> when empty.</summary>
    public ulong Earliest => Count == 0 ? ulong.MaxValue : _items[0].Due;

    /// <summary>Puts the item at a time, or moves it there; <see cref="ulong.MaxValue"/> takes it out.</summary>
    public void Set(T item, ulong due)
    {
        if (due == ulong.MaxValue)
        {
            Remove(item);
            return;
        }
        if (item.HeapIndex < 0)
        {
            if (Count == _items.Length)
                Array.Resize(ref _items, Count * 2);
            item.Due = due;
            Place(item, Count++);
            Up(item.HeapIndex);
            return;
        }
        ulong old = item.Due;
        item.Due = due;
        if (due < old)
            Up(item.HeapIndex);
        else
            Down(item.HeapIndex);
    }

    /// <summary>Takes the item out, if it is in.</summary>
    public void Remove(T item)
    {
        int index = item.HeapIndex;
        if (index < 0)
            return;
        T last = _items[--Count];
        _items[Count] = null!;
        item.HeapIndex = -1;
        if (ReferenceEquals(last, item))
            return;
        Place(last, index);
        Up(index);
        Down(last.HeapIndex);
    }

    /// <summary>Takes out the earliest item if it is due.</summary>
    public bool TryPop(ulong now, out T? item)
    {
        item = Count > 0 && _items[0].Due <= now ? _items[0] : null;
        if (item is not null)
            Remove(item);
        return item is not null;
    }

    private void Up(int index)
    {
        while (index > 0)
        {
            int parent = (index - 1) / 2;
            if (_items[parent].Due <= _items[index].Due)
                return;
            Swap(parent, index);
            index = parent;
        }
    }

    private void Down(int index)
    {
        while (true)
        {
            int child = (2 * index) + 1;
            if (child >= Count)
                return;
            if (child + 1 < Count && _items[child + 1].Due < _items[child].Due)
                child++;
            if (_items[index].Due <= _items[child].Due)
                return;
            Swap(index, child);
            index = child;
        }
    }

    private void Swap(int a, int b)
    {
        T item = _items[a];
        Place(_items[b], a);
        Place(item, b);
    }

    private void Place(T item, int index)
    {
        _items[index] = item;
        item.HeapIndex = index;
    }
}
