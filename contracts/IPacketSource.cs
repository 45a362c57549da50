namespace VibePN.Contracts;

/// <summary>Something whose packets a transport's thread may fetch, so that they need no thread of their own.</summary>
/// <remarks>The engine makes one of an <see cref="IPollableDevice"/>.</remarks>
public interface IPacketSource
{
    /// <summary>A file descriptor that polls readable while there are packets.</summary>
    int ReadyDescriptor { get; }

    /// <summary>Takes a batch of what is there and forwards it, which may call Send of any connection. Never waits.</summary>
    /// <returns>False once nothing will ever come again: the source is to be served no more. Throws nothing.</returns>
    bool OnReady();
}

/// <summary>A device that can be read without a thread that waits for it.</summary>
public interface IPollableDevice : ITunDevice
{
    /// <summary>
    /// A file descriptor that polls readable while there are packets, valid until the device is disposed; or -1 when this
    /// one needs a thread after all.
    /// </summary>
    int ReadyDescriptor { get; }

    /// <summary>Fills a batch with the packets that are there, without waiting; otherwise as <see cref="ITunDevice.Read"/>.</summary>
    /// <param name="batch">Cleared first; the caller's.</param>
    /// <returns>Packets read, 0 to <c>batch.Capacity</c>.</returns>
    /// <exception cref="TunException">The kernel removed the interface.</exception>
    int TryRead(PacketBatch batch);
}

/// <summary>A transport whose own thread can fetch packets, too, besides its role's own interface.</summary>
/// <remarks>
/// A packet then needs no hand-over from one thread to another. Whether that pays depends on the machine, and is the
/// transport's to say.
/// </remarks>
public interface IPollingTransport : ITransportPlugin
{
    /// <summary>Asks the transport to serve a source from now on, or from <see cref="ITransportPlugin.Listen"/> on.</summary>
    /// <returns>False when it would rather not: the source needs a thread of its own.</returns>
    bool TryServe(IPacketSource source);

    /// <summary>Ends that. When it returns, no call to the source is under way, and none will come.</summary>
    void StopServing(IPacketSource source);
}
