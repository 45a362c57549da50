using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Time;

namespace VibePN.Engine.Sessions;

/// <summary>One dial of a peer over all its addresses: tried best first, 250 ms apart, until one connects or all have failed.</summary>
/// <remarks>An address that fails lets the next one begin at once. What has begun is never cancelled: it ends by itself.</remarks>
/// <param name="addresses">Where to dial, best first; at least one.</param>
/// <param name="now">The time.</param>
internal sealed class AddressRace(ImmutableArray<string> addresses, Instant now)
{
    private readonly Dictionary<long, string> _underWay = [];
    private readonly List<(string Address, CloseReason Reason)> _failures = [];
    private int _begun;
    private bool _abandoned;

    /// <summary>When the next address wants to begin; never when all have.</summary>
    public Instant NextStart { get; private set; } = now;

    /// <summary>Whether nothing is under way and nothing will begin any more.</summary>
    public bool IsOver => _underWay.Count == 0 && NextStart == Instant.Never;

    /// <summary>The transport's dials that have not ended.</summary>
    public IReadOnlyCollection<long> UnderWay => _underWay.Keys;

    /// <summary>Whether this transport's dial is one of the race's, and has not ended.</summary>
    public bool Owns(long dialId) => _underWay.ContainsKey(dialId);

    /// <summary>Begins with the next address.</summary>
    /// <returns>The address.</returns>
    public string Start(long dialId, Instant now)
    {
        string address = addresses[_begun++];
        _underWay.Add(dialId, address);
        NextStart = _begun < addresses.Length ? now + SessionTimes.AddressStagger : Instant.Never;
        return address;
    }

    /// <summary>One address came to nothing: the next one's turn.</summary>
    public void OnFailed(long dialId, CloseReason reason, Instant now)
    {
        if (!_underWay.Remove(dialId, out string? address))
            return;
        _failures.Add((address, reason));
        if (NextStart != Instant.Never)
            NextStart = now;
    }

    /// <summary>Begins with no further address: there is a connection already.</summary>
    public void Abandon()
    {
        _abandoned |= NextStart != Instant.Never;
        NextStart = Instant.Never;
    }

    /// <summary>Why the whole dial failed; null when it did not, but was given up because it was not needed.</summary>
    public CloseReason? Failure
    {
        get
        {
            if (_abandoned || _failures.Count == 0)
                return null;
            if (_failures.Count == 1)
                return _failures[0].Reason;
            // A stranger at one of several addresses is no reason to wait for minutes: the others may come back.
            int mild = _failures.FindLastIndex(failure => failure.Reason.Code != CloseCode.TrustRefused);
            CloseReason main = _failures[Math.Max(mild, 0)].Reason;
            return main with { Text = string.Join("; ", _failures.Select(failure => $"{failure.Address}: {failure.Reason}")) };
        }
    }
}
