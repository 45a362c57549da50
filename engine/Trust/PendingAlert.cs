using VibePN.Contracts;

namespace VibePN.Engine.Trust;

/// <summary>Tells of unknown certificates that wait for an operator: once an hour of each, and of so many at most.</summary>
/// <remarks>A stranger makes new certificates for nothing: what is told and remembered has a bound. Any thread.</remarks>
internal sealed class PendingAlert(TimeProvider time)
{
    /// <summary>Certificates that are told of within an hour; how many there are stands in the trust plugins' lists.</summary>
    public const int MostPerHour = 32;

    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly HashSet<Fingerprint> _told = [];
    private long _since = long.MinValue;

    /// <summary>Told of each: the verdict. Set before the first handshake.</summary>
    public Action<string>? Seen { get; set; }

    /// <summary>A certificate was shown that waits.</summary>
    /// <param name="certificate">Its fingerprint.</param>
    /// <param name="text">The verdict.</param>
    public void Add(Fingerprint certificate, string text)
    {
        lock (_lock)
        {
            if (_since == long.MinValue || time.GetElapsedTime(_since) >= Hour)
            {
                _since = time.GetTimestamp();
                _told.Clear();
            }
            if (_told.Count == MostPerHour || !_told.Add(certificate))
                return;
        }
        Seen?.Invoke(text);
    }
}
