using Microsoft.Extensions.Logging;

namespace VibePN.Engine.Trust;

/// <summary>Counts peers that show another certificate than the pinned one, and says so once a minute for each peer.</summary>
/// <remarks>
/// Bounded by the configured peers. Apart from <see cref="RefusalLog"/>, so that a flood of strangers cannot keep the
/// operator from hearing of it. Any thread.
/// </remarks>
internal sealed class ConflictAlert(TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (long At, long Suppressed)> _told = new(StringComparer.Ordinal);
    private long _total;

    /// <summary>Conflicts since start.</summary>
    public long Total => Interlocked.Read(ref _total);

    /// <summary>Told of what is logged: the peer, and the verdict.</summary>
    public Action<string, string>? Seen { get; set; }

    /// <summary>Counts one, and says it unless this peer's was said within the last minute.</summary>
    /// <param name="peer">The configured peer in whose place the certificate was shown.</param>
    /// <param name="text">The verdict, which names both fingerprints.</param>
    public void Add(string peer, string text)
    {
        Interlocked.Increment(ref _total);
        long suppressed = 0;
        lock (_lock)
        {
            if (_told.TryGetValue(peer, out (long At, long Suppressed) last))
            {
                if (time.GetElapsedTime(last.At) < Interval)
                {
                    _told[peer] = last with { Suppressed = last.Suppressed + 1 };
                    return;
                }
                suppressed = last.Suppressed;
            }
            _told[peer] = (time.GetTimestamp(), 0);
        }
        Seen?.Invoke(peer, text);
        Log.TrustConflict(logger, peer, text, suppressed == 0 ? "" : $" (and {suppressed} times before, not logged)");
    }

    /// <summary>Forgets peers that left the configuration.</summary>
    public void KeepOnly(IReadOnlySet<string> peers)
    {
        lock (_lock)
        {
            foreach (string gone in _told.Keys.Where(peer => !peers.Contains(peer)).ToArray())
                _told.Remove(gone);
        }
    }
}
