using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic;

/// <summary>Interfaces that the loop reads for the engine.</summary>
/// <remarks>Any thread adds and removes; only the loop serves. A source that was removed is not being served any more.</remarks>
internal sealed class PacketSources
{
    private readonly Lock _gate = new();
    private IPacketSource[] _sources = []; // replaced, never changed
    private Action? _onChanged;

    /// <summary>Those that there are now. Any thread.</summary>
    public IPacketSource[] All => Volatile.Read(ref _sources);

    /// <summary>What to call when they are others; on whatever thread.</summary>
    public void Notify(Action onChanged) => _onChanged = onChanged;

    /// <summary>Adds one.</summary>
    public void Add(IPacketSource source)
    {
        lock (_gate)
            Volatile.Write(ref _sources, [.. _sources, source]);
        _onChanged?.Invoke();
    }

    /// <summary>Removes one, waiting for the call that is under way to it.</summary>
    public void Remove(IPacketSource source)
    {
        lock (_gate)
            Volatile.Write(ref _sources, [.. _sources.Where(other => other != source)]);
        _onChanged?.Invoke();
    }

    /// <summary>Lets a source forward a batch, if it is still one of ours. The loop's thread.</summary>
    public void Serve(IPacketSource source)
    {
        bool isOver;
        lock (_gate)
            isOver = Array.IndexOf(_sources, source) >= 0 && !source.OnReady();
        if (isOver)
            Remove(source);
    }
}
