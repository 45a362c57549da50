using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Plugins.TunLinux.Native;
using VibePN.Plugins.TunLinux.Netlink;

namespace VibePN.Plugins.TunLinux;

/// <summary>Hears the kernel's announcements: tells the engine of lost devices and of changes around them.</summary>
/// <remarks>
/// One thread of its own, from construction to Stop. Changes of our own interfaces are no news. Changes of
/// others are gathered for <see cref="Gathering"/>, so that a burst (link, address, route) is one event that
/// finds the machine settled.
/// </remarks>
internal sealed unsafe class NetworkMonitor : IDisposable
{
    /// <summary>How long after the first change the engine is told of it and of all that followed.</summary>
    public static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(250);

    private const uint Groups = Rtnetlink.RTMGRP_LINK | Rtnetlink.RTMGRP_IPV4_IFADDR | Rtnetlink.RTMGRP_IPV6_IFADDR
        | Rtnetlink.RTMGRP_IPV4_ROUTE | Rtnetlink.RTMGRP_IPV6_ROUTE;

    private static readonly TimeSpan JoinStep = TimeSpan.FromMilliseconds(20);

    private readonly RouteTables _tables;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly NetlinkSocket _socket = NetlinkSocket.OpenForAnnouncements(Groups);
    private readonly WakeEvent _wake = new();
    private readonly Thread _thread;
    private readonly Lock _gate = new();
    private readonly Dictionary<int, Watched> _own = [];          // guarded by _gate
    private readonly Dictionary<int, uint> _linkFlags = [];       // the thread's
    private readonly List<Watched> _lost = [];                    // the thread's
    private long? _changedAt;                                     // the thread's
    private volatile bool _stopping;

    /// <summary>Begins to listen in the network namespace of the calling thread.</summary>
    /// <exception cref="NetlinkException">The kernel has no such socket for us.</exception>
    /// <exception cref="IOException">Out of descriptors.</exception>
    public NetworkMonitor(RouteTables tables, ILogger logger, TimeProvider time)
    {
        _tables = tables;
        _logger = logger;
        _time = time;
        _thread = new Thread(Run) { IsBackground = true, Name = "tun-linux monitor" };
        _thread.Start();
    }

    /// <summary>Makes an interface of ours and watches it from its first moment.</summary>
    /// <param name="create">Makes it; its announcements are not looked at before this returns.</param>
    /// <param name="events">Who is told.</param>
    /// <returns>What <paramref name="create"/> returned.</returns>
    public DeviceIdentity Watch(Func<DeviceIdentity> create, ITunEvents events)
    {
        lock (_gate)
        {
            DeviceIdentity identity = create();
            _own[identity.Index] = new Watched(identity.Name, events);
            return identity;
        }
    }

    /// <summary>Says that we are about to remove an interface ourselves, which then is no news.</summary>
    public void Expect(int index)
    {
        lock (_gate)
            if (_own.TryGetValue(index, out Watched? watched))
                watched.Closing = true;
    }

    /// <summary>Ends the thread and releases everything.</summary>
    /// <exception cref="OperationCanceledException">
    /// The thread is held up by a listener and was left behind; it ends when the listener lets it go.
    /// </exception>
    public void Stop(CancellationToken patience)
    {
        _stopping = true;
        _wake.Set();
        while (!_thread.Join(JoinStep))
            patience.ThrowIfCancellationRequested();
        Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _socket.Dispose();
        _wake.Dispose();
    }

    private void Run()
    {
        PollFd* fds = stackalloc PollFd[2];
        fds[0] = new PollFd { fd = _socket.Descriptor.Number, events = LibC.POLLIN };
        fds[1] = new PollFd { fd = _wake.Descriptor.Number, events = LibC.POLLIN };
        while (!_stopping)
        {
            _ = LibC.poll(fds, 2, PollTimeout()); // whatever woke us, even EINTR: what follows finds out
            if (_stopping)
                return;
            int errno = Drain();
            TellLost();
            TellChanged();
            if (errno == 0)
                continue;
            Log.WatchEnded(_logger, $"recvfrom returned {KernelError.Describe(errno)}.");
            return;
        }
    }

    private int PollTimeout()
    {
        if (_changedAt is not { } changedAt)
            return -1;
        TimeSpan left = Gathering - _time.GetElapsedTime(changedAt);
        return left <= TimeSpan.Zero ? 0 : (int)Math.Ceiling(left.TotalMilliseconds);
    }

    /// <summary>Reads what is there, at most until the events so far are due.</summary>
    /// <returns>0, or an errno after which nothing more will come.</returns>
    private int Drain()
    {
        while (!_stopping && PollTimeout() != 0)
            // Receive and understand under the lock: between the two, an interface of ours may come to be.
            lock (_gate)
                switch (_socket.Receive(out ReadOnlySpan<byte> datagram))
                {
                    case 0:
                        Hear(datagram);
                        break;
                    case KernelError.EAGAIN:
                        return 0;
                    case KernelError.ENOBUFS:
                        LookAfterLoss();
                        break;
                    case int errno:
                        return errno;
                }
        return 0;
    }

    private void Hear(ReadOnlySpan<byte> datagram)
    {
        var messages = new NetlinkMessages(datagram);
        while (messages.TryNext(out NetlinkMessage message))
            if (LinkRecord.TryRead(message, out LinkRecord link))
                HearLink(link, isGone: message.Type == Rtnetlink.RTM_DELLINK);
            else if (AddressRecord.TryRead(message, out AddressRecord address))
                HearChange(address.Index);
            else if (RouteRecord.TryRead(message, out RouteRecord route))
                HearChange(route.Index);
    }

    private void HearLink(LinkRecord link, bool isGone)
    {
        if (link.Family != Rtnetlink.AF_UNSPEC)
            return; // a bridge or another subsystem talks of its ports
        if (isGone)
        {
            _linkFlags.Remove(link.Index);
            // This is the last that is ever heard of the interface; its number does not come back.
            if (!_own.Remove(link.Index, out Watched? watched))
                NoteChange();
            else if (!watched.Closing)
                _lost.Add(watched);
            return;
        }
        // Drivers repeat RTM_NEWLINK for statistics and scans; what matters here is whether the link works.
        uint flags = link.Flags & (Rtnetlink.IFF_UP | Rtnetlink.IFF_RUNNING);
        bool isKnown = _linkFlags.TryGetValue(link.Index, out uint before);
        if (isKnown && before == flags)
            return;
        _linkFlags[link.Index] = flags;
        HearChange(link.Index);
    }

    private void HearChange(int index)
    {
        if (!_own.ContainsKey(index))
            NoteChange();
    }

    private void NoteChange() => _changedAt ??= _time.GetTimestamp();

    // The socket's buffer was full and announcements are lost: look what became of our own, and suppose a change.
    private void LookAfterLoss()
    {
        NoteChange();
        _linkFlags.Clear();
        foreach ((int index, Watched watched) in _own)
            if (IsGone(index))
            {
                _own.Remove(index);
                if (!watched.Closing)
                    _lost.Add(watched);
            }
    }

    private bool IsGone(int index)
    {
        try
        {
            _tables.GetLink(index);
            return false;
        }
        catch (NetlinkException e)
        {
            return e.Errno == KernelError.ENODEV; // anything else tells nothing about the interface
        }
    }

    // Outside the lock: the engine may open or close devices at the same time.
    private void TellLost()
    {
        foreach (Watched watched in _lost)
        {
            const string Reason = "the interface was removed by the kernel or by somebody on this machine.";
            Log.Lost(_logger, watched.Name, Reason);
            string text = $"TUN device '{watched.Name}' is gone: {Reason}";
            Tell(watched.Events, events => events.OnDeviceLost(watched.Name, text));
        }
        _lost.Clear();
    }

    private void TellChanged()
    {
        if (_changedAt is null || PollTimeout() != 0)
            return;
        _changedAt = null;
        Log.NetworkChanged(_logger);
        ITunEvents[] listeners;
        lock (_gate)
            listeners =
                [.. _own.Values.Where(watched => !watched.Closing).Select(watched => watched.Events).Distinct()];
        foreach (ITunEvents listener in listeners)
            Tell(listener, static events => events.OnMachineNetworkChanged());
    }

    private void Tell(ITunEvents events, Action<ITunEvents> tell)
    {
        try
        {
            tell(events);
        }
        catch (Exception e)
        {
            // A listener's bug, whatever its type, must not end the thread that the other listeners need.
            Log.EventFailed(_logger, e);
        }
    }

    private sealed class Watched(string name, ITunEvents events)
    {
        public string Name { get; } = name;

        public ITunEvents Events { get; } = events;

        public bool Closing { get; set; }
    }
}
