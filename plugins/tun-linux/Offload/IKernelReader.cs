using VibePN.Contracts;

namespace VibePN.Plugins.TunLinux.Offload;

/// <summary>Reads an interface whose packets begin with a virtio header. Belongs to the reader's thread.</summary>
internal interface IKernelReader : IDisposable
{
    /// <summary>Packets dropped because the kernel made them larger than the MTU allows, or not as it said; the caller's to take over.</summary>
    long Oversize { get; set; }

    /// <summary>Super packets read so far.</summary>
    long Supers { get; }

    /// <summary>Bytes that an empty batch must have room for behind its headroom.</summary>
    /// <param name="limit">Largest packet wanted, in bytes.</param>
    int RoomFor(int limit);

    /// <summary>Adds to a batch what one read brings, or what is left of the last one.</summary>
    /// <param name="batch">Where to add packets.</param>
    /// <param name="limit">Largest packet wanted, in bytes.</param>
    /// <param name="read">Reads into a buffer of some bytes; returns how many came, 0 for none.</param>
    /// <returns>False when the kernel has no more now, or the batch no room.</returns>
    bool TryFill(PacketBatch batch, int limit, KernelRead read);
}

/// <summary>Reads one packet of an interface.</summary>
/// <param name="buffer">Where to.</param>
/// <param name="size">Its bytes.</param>
/// <returns>Bytes that came; 0 when there is nothing now.</returns>
internal unsafe delegate int KernelRead(byte* buffer, int size);
