using System.Net;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;

namespace VibePN.Engine.Trust;

/// <summary>Counts refused handshakes and logs one line a second of them at most: strangers cannot fill a disk.</summary>
internal sealed class RefusalLog(TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private long _total;
    private long _suppressed;
    private long _lastLine = long.MinValue;

    /// <summary>Refusals since start.</summary>
    public long Total => Interlocked.Read(ref _total);

    /// <summary>Counts one that is told of elsewhere.</summary>
    public void Count() => Interlocked.Increment(ref _total);

    /// <summary>Counts one, and logs it unless one was logged within the last second.</summary>
    public void Add(Fingerprint peer, TrustReason reason, string text, IPEndPoint remote)
    {
        Interlocked.Increment(ref _total);
        long suppressed;
        lock (_lock)
        {
            if (_lastLine != long.MinValue && time.GetElapsedTime(_lastLine) < Interval)
            {
                _suppressed++;
                return;
            }
            _lastLine = time.GetTimestamp();
            suppressed = _suppressed;
            _suppressed = 0;
        }
        string before = suppressed == 0 ? "" : $" ({suppressed} before it were not logged)";
        Log.HandshakeRefused(logger, remote, peer.IsEmpty ? "unreadable" : peer.ToString(), reason, text, before);
    }
}
