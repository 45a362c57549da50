using System.Runtime.InteropServices;
using VibePN.Contracts;
using VibePN.Plugins.TunLinux.Native;
using VibePN.Plugins.TunLinux.Offload;

namespace VibePN.Plugins.TunLinux;

/// <summary>One TUN interface of the kernel. It lives at most as long as its descriptor: closing removes it.</summary>
internal sealed unsafe class LinuxTunDevice : IPollableDevice, IPacketSink
{
    private const int PollForever = -1;
    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(1);

    private readonly FileDescriptor _tun;
    private readonly WakeEvent _wake;
    private readonly InterfaceSettings _settings;
    private readonly Action<LinuxTunDevice> _remove;
    private readonly Lock _configuring = new();
    private readonly DriverFeatures _driver;
    private readonly IKernelReader? _reader; // both, or none: whether packets begin with a virtio header
    private readonly SegmentCoalescer? _coalescer;
    private readonly KernelRead _read;
    private DeviceCounters _counters;
    private volatile int _mtu;
    private volatile int _largestMtu;
    private int _disposed;

    /// <summary>Takes over an interface that has its first settings already.</summary>
    /// <param name="identity">Its names and number.</param>
    /// <param name="tun">Its descriptor; owned from here on.</param>
    /// <param name="wake">What ends a waiting read; owned from here on.</param>
    /// <param name="settings">What changes it.</param>
    /// <param name="mtu">Its MTU, in bytes.</param>
    /// <param name="driver">What its packets are like.</param>
    /// <param name="wanted">What the engine can take beyond ordinary packets.</param>
    /// <param name="remove">Takes the interface from the kernel; called once, on Dispose.</param>
    public LinuxTunDevice(
        DeviceIdentity identity, FileDescriptor tun, WakeEvent wake, InterfaceSettings settings, int mtu,
        DriverFeatures driver, OffloadCapabilities wanted, Action<LinuxTunDevice> remove)
    {
        Identity = identity;
        _tun = tun;
        _wake = wake;
        _settings = settings;
        _mtu = mtu;
        _largestMtu = mtu;
        _remove = remove;
        _read = ReadInto;
        _driver = driver;
        if (!driver.HasHeaders)
            return;
        // Whole packets only for an engine that takes all there are: what it could not take would have to be cut anyway.
        if (driver.Offloads != OffloadCapabilities.None && (driver.Offloads & ~wanted) == OffloadCapabilities.None)
            Offloads = driver.Offloads;
        _reader = Offloads == OffloadCapabilities.None ? new CuttingReader() : new WholeReader();
        _coalescer = new SegmentCoalescer(this, driver.WhyNotUdp);
    }

    /// <summary>Names and number.</summary>
    public DeviceIdentity Identity { get; }

    /// <inheritdoc/>
    public string Name => Identity.Name;

    /// <inheritdoc/>
    public int Mtu => _mtu;

    /// <inheritdoc/>
    public OffloadCapabilities Offloads { get; }

    /// <inheritdoc/>
    public string OffloadText => OffloadWords.Of(_driver, Offloads, _coalescer);

    /// <summary>The counts so far. Each is exact; together they may be of slightly different moments.</summary>
    public ref readonly DeviceCounters Counters => ref _counters;

    private bool IsDisposed => Volatile.Read(ref _disposed) != 0;

    // Read: kernel → batch. One thread per device.
    //   1. take    non-blocking reads, until the kernel has no more or the batch is full
    //   2. wait    if there was nothing: poll for a packet or for Dispose
    /// <inheritdoc/>
    public int Read(PacketBatch batch)
    {
        batch.Clear();
        if (!_tun.TryEnter())
            return 0;
        try
        {
            while (!IsDisposed)
            {
                int count = Take(batch);
                if (count > 0)
                    return count;
                Wait();
            }
            return 0;
        }
        finally
        {
            _tun.Leave();
        }
    }

    /// <inheritdoc/>
    /// <remarks>What was cut and did not fit the batch is no longer the kernel's to announce.</remarks>
    public int ReadyDescriptor => _reader is CuttingReader ? -1 : _tun.Number;

    /// <inheritdoc/>
    public int TryRead(PacketBatch batch)
    {
        batch.Clear();
        if (!_tun.TryEnter())
            return 0;
        try
        {
            return Take(batch);
        }
        finally
        {
            _tun.Leave();
        }
    }

    /// <inheritdoc/>
    public int Write(PacketBatch batch, int first, int count)
    {
        if (!_tun.TryEnter())
            return 0;
        long bytes;
        int accepted = _coalescer is null ? WriteEach(batch, first, count, out bytes) : _coalescer.Write(batch, first, count, out bytes);
        _tun.Leave();
        if (_coalescer is not null)
            Volatile.Write(ref _counters.Joined, _coalescer.Joined);
        Count(ref _counters.Written, accepted);
        Count(ref _counters.WrittenBytes, bytes);
        Count(ref _counters.Refused, count - accepted);
        return accepted;
    }

    /// <inheritdoc/>
    int IPacketSink.Give(IoVec* parts, int count)
    {
        while (LibC.writev(_tun.Number, parts, count) < 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            if (errno != KernelError.EINTR)
                return errno;
        }
        return 0;
    }

    /// <inheritdoc/>
    public void Configure(TunConfiguration configuration)
    {
        lock (_configuring)
        {
            ObjectDisposedException.ThrowIf(IsDisposed, this);
            InterfaceSettings.Check(Name, configuration);
            // The reader must have room for the larger packets before the first of them can come.
            _largestMtu = Math.Max(_largestMtu, configuration.Mtu);
            _settings.Apply(configuration);
            _mtu = configuration.Mtu;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        _wake.Set();
        _remove(this);
        _tun.Dispose();
        // Closing alone removes the interface, too, but only when the reader has left (which the wake-up makes it
        // do at once) and no child process of this one holds a copy between its fork and its exec.
        if (_tun.WaitUntilClosed(CloseLimit))
        {
            // Nobody reads or writes any more. Else the memory is lost, which is better than somebody using it.
            _reader?.Dispose();
            _coalescer?.Dispose();
        }
        _wake.Dispose();
    }

    private int Take(PacketBatch batch)
    {
        // One byte more than the largest packet shows packets that somebody made possible by raising the MTU
        // behind our back: they would arrive cut.
        int limit = _largestMtu;
        int room = _reader?.RoomFor(limit) ?? Math.Min(limit + 1, PacketBatch.MaxPacketSize);
        long oversize = _reader is null ? TakeEach(batch, room, limit) : TakeSupers(batch, limit, _reader);
        if (batch.Count == 0 && batch.ArenaBytes - batch.Headroom < room)
            throw new ArgumentException(
                $"An arena of {batch.ArenaBytes} bytes has no room for one packet of {room}.", nameof(batch));
        Count(ref _counters.Read, batch.Count);
        Count(ref _counters.ReadBytes, batch.TotalBytes);
        Count(ref _counters.Oversize, oversize);
        return batch.Count;
    }

    private long TakeEach(PacketBatch batch, int room, int limit)
    {
        long oversize = 0;
        while (batch.TryReserve(room, out Span<byte> buffer))
        {
            int length;
            fixed (byte* bytes = buffer)
                length = ReadInto(bytes, buffer.Length);
            if (length <= 0)
                break;
            if (length <= limit)
                batch.Commit(length);
            else
                oversize++;
        }
        return oversize;
    }

    private long TakeSupers(PacketBatch batch, int limit, IKernelReader reader)
    {
        while (reader.TryFill(batch, limit, _read))
        {
        }
        Volatile.Write(ref _counters.Supers, reader.Supers);
        long oversize = reader.Oversize;
        reader.Oversize = 0;
        return oversize;
    }

    /// <returns>Bytes that came; 0 when there is nothing now.</returns>
    /// <exception cref="TunException">The interface is gone.</exception>
    private int ReadInto(byte* buffer, int size)
    {
        while (true)
        {
            nint length = LibC.read(_tun.Number, buffer, (nuint)size);
            if (length >= 0)
                return (int)length;
            switch (Marshal.GetLastPInvokeError())
            {
                case KernelError.EINTR:
                    continue;
                case KernelError.EAGAIN or KernelError.ENOMEM or KernelError.ENOBUFS:
                    return 0;
                case int when IsDisposed:
                    return 0; // we removed it ourselves
                case int errno:
                    throw TunFailure.Lost(Name, errno);
            }
        }
    }

    private void Wait()
    {
        if (!_wake.Descriptor.TryEnter())
            return;
        PollFd* fds = stackalloc PollFd[2];
        fds[0] = new PollFd { fd = _tun.Number, events = LibC.POLLIN };
        fds[1] = new PollFd { fd = _wake.Descriptor.Number, events = LibC.POLLIN };
        _ = LibC.poll(fds, 2, PollForever); // whatever woke us, even EINTR: the next read tells
        _wake.Descriptor.Leave();
    }

    private int WriteEach(PacketBatch batch, int first, int count, out long bytes)
    {
        int accepted = 0;
        bytes = 0;
        for (int i = first; i < first + count; i++)
        {
            int length = batch.LengthOf(i);
            if (!Give((byte*)batch.AddressOf(i), length))
                continue;
            accepted++;
            bytes += length;
        }
        return accepted;
    }

    // Whatever the kernel says against a packet (queue full, interface down, nonsense in it), the answer is
    // the same: the packet is dropped and counted.
    private bool Give(byte* packet, int length)
    {
        while (LibC.write(_tun.Number, packet, (nuint)length) < 0)
            if (Marshal.GetLastPInvokeError() != KernelError.EINTR)
                return false;
        return true;
    }

    // Each count has one writing thread; the write is volatile for those who look.
    private static void Count(ref long counter, long more) => Volatile.Write(ref counter, counter + more);
}

/// <summary>What an interface is called, and by whom.</summary>
/// <param name="Name">The interface's name.</param>
/// <param name="Network">The overlay network it serves.</param>
/// <param name="Index">The kernel's number for it.</param>
internal sealed record DeviceIdentity(string Name, string Network, int Index);
