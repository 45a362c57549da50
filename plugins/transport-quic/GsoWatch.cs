namespace VibePN.Plugins.TransportQuic;

/// <summary>Notices when datagrams that leave in runs (UDP_SEGMENT) are lost because they leave in runs.</summary>
/// <remarks>
/// <para>
/// Linux 7.0 to 7.1.4, and hosts of virtual machines that run them, write wrong lengths or checksums into runs whose
/// segments are all equally long, depending on the network card: the other end drops them. The version tells neither
/// whether this machine's card is concerned nor what its host runs, so it is not asked: what counts is what arrives.
/// </para>
/// <para>
/// Losing half of such runs is a suspicion, no more: a burst may be what a shallow queue on the way drops. So datagrams
/// leave alone for a while, and runs are tried again after it. Only when runs are lost, single ones are not, and both a
/// second time, are runs to blame; where single ones are lost as well, runs come back and are not suspected again for
/// ten minutes. The loop's thread; looked at once a second.
/// </para>
/// </remarks>
internal sealed class GsoWatch
{
    // Of this many packets, the last ones, it is remembered how they left.
    private const ulong Window = 4096;
    private const int FewestLosses = 8;
    private const int Enough = 32;
    private const int Rounds = 2;
    private const ulong Peace = 600_000_000_000;

    private readonly ulong[] _inRuns = new ulong[Window / 64];
    private ulong _written;
    private ulong _told;
    private double _runsSent;
    private double _runsLost;
    private ulong _trialFrom;
    private int _aloneSent;
    private int _aloneLost;
    private bool _isTrial;
    private bool _isTrialComplete;
    private int _confirmed;
    private ulong _peaceUntil;

    /// <summary>Whether runs are to blame: from now on every datagram leaves alone.</summary>
    public bool IsCorrupt { get; set; }

    /// <summary>Whether the next packets must leave alone.</summary>
    public bool MustBeAlone => IsCorrupt || _isTrial;

    /// <summary>Number of the packet that is written next, from 1 on.</summary>
    public ulong NextPacket => _written + 1;

    /// <summary>That packet is written.</summary>
    public void OnWritten() => _written++;

    /// <summary>The oldest of the written packets have left, or were refused, in one message.</summary>
    /// <param name="packets">How many.</param>
    /// <param name="isEqualRun">Whether as a run of several that are all equally long.</param>
    public void OnLeft(int packets, bool isEqualRun)
    {
        for (int i = 0; i < packets; i++)
        {
            ulong place = ++_told % Window;
            if (isEqualRun)
                _inRuns[place / 64] |= 1ul << (int)(place % 64);
            else
                _inRuns[place / 64] &= ~(1ul << (int)(place % 64));
        }
        if (isEqualRun)
            _runsSent += packets;
        else if (_isTrial && _told >= _trialFrom)
            _aloneSent += packets;
    }

    /// <summary>A packet is lost.</summary>
    /// <param name="packet">Its number; one that is long ago, or 0, says nothing.</param>
    public void OnLost(ulong packet)
    {
        if (packet == 0 || packet > _told || packet + Window <= _told)
            return;
        ulong place = packet % Window;
        if ((_inRuns[place / 64] >> (int)(place % 64) & 1) != 0)
            _runsLost++;
        else if (_isTrial && packet >= _trialFrom)
            _aloneLost++;
    }

    /// <summary>Draws the conclusion.</summary>
    /// <param name="now">The time, in nanoseconds.</param>
    /// <returns>What has changed with this look.</returns>
    public GsoFinding Look(ulong now)
    {
        if (IsCorrupt)
            return GsoFinding.Nothing;
        return _isTrial ? LookAtTrial(now) : LookAtRuns(now);
    }

    private GsoFinding LookAtRuns(ulong now)
    {
        bool isBad = _runsLost > 0 && _runsLost >= _runsSent / 2;
        if (isBad && _runsLost >= FewestLosses && now >= _peaceUntil)
        {
            (_isTrial, _isTrialComplete) = (true, false);
            (_aloneSent, _aloneLost) = (0, 0);
            _trialFrom = NextPacket;
            return GsoFinding.Suspicion;
        }
        if (_runsSent >= Enough && _runsLost < _runsSent / 4)
            _confirmed = 0;
        // The old counts half as much as the new: losses are known a while after the sending. A sender whose packets are
        // all lost sends hardly any, so what is bad adds up.
        if (!isBad)
            (_runsSent, _runsLost) = (_runsSent / 2, _runsLost / 2);
        return GsoFinding.Nothing;
    }

    private GsoFinding LookAtTrial(ulong now)
    {
        if (_aloneSent < Enough)
            return GsoFinding.Nothing;
        if (!_isTrialComplete)
        {
            _isTrialComplete = true; // what of it is lost is known at the next look
            return GsoFinding.Nothing;
        }
        _isTrial = false;
        (_runsSent, _runsLost) = (0, 0);
        if (_aloneLost > _aloneSent / 10)
        {
            _confirmed = 0;
            _peaceUntil = now + Peace;
            return GsoFinding.Nothing;
        }
        IsCorrupt = ++_confirmed == Rounds;
        return IsCorrupt ? GsoFinding.Corrupt : GsoFinding.Nothing;
    }
}

/// <summary>What a look at the losses of runs has shown.</summary>
internal enum GsoFinding
{
    /// <summary>Nothing new.</summary>
    Nothing,

    /// <summary>Runs are lost: whether because they are runs is now tried out.</summary>
    Suspicion,

    /// <summary>Runs are lost and single datagrams arrive.</summary>
    Corrupt,
}
