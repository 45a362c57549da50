using System.Runtime.InteropServices;

namespace VibePN.Plugins.TunLinux.Native;

/// <summary>An eventfd that ends a poll for good: once set it stays readable.</summary>
internal sealed unsafe class WakeEvent : IDisposable
{
    /// <summary>Makes the event, not set.</summary>
    /// <exception cref="IOException">Out of descriptors.</exception>
    public WakeEvent()
    {
        int fd = LibC.eventfd(0, LibC.EFD_NONBLOCK | LibC.EFD_CLOEXEC);
        if (fd < 0)
            throw new IOException($"eventfd returned {KernelError.Describe(Marshal.GetLastPInvokeError())}.");
        Descriptor = new FileDescriptor(fd);
    }

    /// <summary>What to poll for POLLIN.</summary>
    public FileDescriptor Descriptor { get; }

    /// <summary>Wakes whoever polls, now and later. From any thread; harmless after Dispose.</summary>
    public void Set()
    {
        if (!Descriptor.TryEnter())
            return;
        ulong one = 1;
        _ = LibC.write(Descriptor.Number, (byte*)&one, sizeof(ulong)); // EAGAIN means: set already
        Descriptor.Leave();
    }

    /// <inheritdoc/>
    public void Dispose() => Descriptor.Dispose();
}
