namespace VibePN.Plugins.TransportQuic;

/// <summary>How long a peer has owed an acknowledgement, from the bytes that ngtcp2 counts as under way.</summary>
/// <remarks>
/// They become fewer while packets are read only when an acknowledgement has arrived that passed decryption; they may
/// also become fewer when a timer runs, which says nothing of the peer. Belongs to the loop's thread but for
/// <see cref="WaitingAt"/>.
/// </remarks>
internal sealed class FlightWatch
{
    private ulong _inFlight;
    private ulong _since;

    /// <summary>Packets have been read.</summary>
    public void OnRead(ulong inFlight, ulong now)
    {
        if (inFlight < _inFlight)
            Volatile.Write(ref _since, inFlight == 0 ? 0 : now);
        _inFlight = inFlight;
    }

    /// <summary>A timer has run: what it declared lost was not acknowledged, but where nothing is left, nothing is owed.</summary>
    public void OnTimer(ulong inFlight)
    {
        if (inFlight == 0)
            Volatile.Write(ref _since, 0);
        _inFlight = inFlight;
    }

    /// <summary>Packets have been written.</summary>
    public void OnWritten(ulong inFlight, ulong now)
    {
        if (inFlight > 0 && _since == 0)
            Volatile.Write(ref _since, now);
        _inFlight = inFlight;
    }

    /// <summary>For how long something has been under way without any acknowledgement. Any thread.</summary>
    public TimeSpan WaitingAt(ulong now)
    {
        ulong since = Volatile.Read(ref _since);
        return since == 0 || now <= since ? TimeSpan.Zero : TimeSpan.FromTicks((long)((now - since) / 100));
    }
}
