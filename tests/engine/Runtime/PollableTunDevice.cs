using VibePN.Contracts;
using VibePN.Testkit;

namespace VibePN.Engine.Tests.Runtime;

/// <summary>A fake interface that can be read without waiting, too.</summary>
internal sealed class PollableTunDevice : IPollableDevice
{
    private readonly Queue<byte[]> _waiting = new();

    public FakeTunDevice Inner { get; } = new();

    /// <summary>What the next read throws instead of reading.</summary>
    public Exception? Failure { get; set; }

    /// <summary>Called when the owner closes it.</summary>
    public Action? OnDispose { get; set; }

    public int Disposals { get; private set; }

    public int ReadyDescriptor => 4711;

    public string Name => Inner.Name;

    public int Mtu => Inner.Mtu;

    public OffloadCapabilities Offloads => Inner.Offloads;

    /// <summary>Lets a read that does not wait return these.</summary>
    public void Arrive(params byte[][] packets)
    {
        foreach (byte[] packet in packets)
            _waiting.Enqueue(packet);
    }

    public int TryRead(PacketBatch batch)
    {
        ObjectDisposedException.ThrowIf(Disposals > 0, this);
        batch.Clear();
        if (Failure is not null)
            throw Failure;
        while (_waiting.TryPeek(out byte[]? packet) && batch.TryAdd(packet))
            _waiting.Dequeue();
        return batch.Count;
    }

    public int Read(PacketBatch batch) => Inner.Read(batch);

    public int Write(PacketBatch batch, int first, int count) => Inner.Write(batch, first, count);

    public void Configure(TunConfiguration configuration) => Inner.Configure(configuration);

    public void Dispose()
    {
        OnDispose?.Invoke();
        Disposals++;
        Inner.Dispose();
    }
}
