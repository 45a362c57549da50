using VibePN.Contracts;
using VibePN.Engine.Control;
using VibePN.Engine.Time;

namespace VibePN.Engine.Trust;

/// <summary>The comparisons of all configured peers: at most one under way for each, and not one after the other without end.</summary>
internal sealed class VerificationDesk(Fingerprint self, Action<byte[]> fillNonce)
{
    /// <summary>Comparisons that an operator can begin with one peer within a minute.</summary>
    public const int Burst = 5;

    private readonly Dictionary<string, Entry> _peers = new(StringComparer.Ordinal);

    /// <summary>When <see cref="OnTimer"/> wants to be called next.</summary>
    public Instant NextTimer
    {
        get
        {
            Instant next = Instant.Never;
            foreach (Entry entry in _peers.Values)
                next = Instant.Min(next, entry.Verification.NextTimer);
            return next;
        }
    }

    /// <summary>Begins one.</summary>
    public void Start(string peer, VerifyChannel? channel, Action<VerifyStep> tell, Instant now)
    {
        if (channel is null)
            tell(new VerifyStep(VerifyState.Failed, "there is no session with this peer: it has to be connected"));
        else if (channel.Binding.IsEmpty)
            tell(new VerifyStep(VerifyState.Failed, "this transport gives no channel binding, without which digits prove nothing"));
        else if (!Of(peer).TryBegin(now))
            tell(new VerifyStep(VerifyState.Failed, $"{Burst} comparisons with this peer were begun within a minute: wait a little"));
        else
            Of(peer).Verification.Start(channel, tell, now);
    }

    /// <summary>The operator gives up.</summary>
    public void Cancel(string peer) => Find(peer)?.Cancel();

    /// <summary>The digits have been compared; see <see cref="Verification.Confirm"/>.</summary>
    public string? Confirm(string peer, string digits, out Fingerprint certificate)
    {
        certificate = default;
        return Find(peer) is { } verification
            ? verification.Confirm(digits, out certificate)
            : "there are no digits to confirm: run the comparison on both nodes first";
    }

    /// <summary>Whether the peer's operator waits for ours.</summary>
    public bool IsAwaited(string peer) => Find(peer)?.IsAwaited ?? false;

    /// <summary>A message came in from a configured peer.</summary>
    /// <returns>What is wrong with its form, or null.</returns>
    public string? OnMessage(string peer, VerifyChannel channel, ControlFrame frame, Instant now) =>
        channel.Binding.IsEmpty ? null : Of(peer).Verification.OnMessage(channel, frame, now);

    /// <summary>A connection is gone.</summary>
    public void OnGone(string peer, long channelId) => Find(peer)?.OnGone(channelId);

    /// <summary>Another connection is in use now.</summary>
    public void OnActive(string peer, VerifyChannel channel) => Find(peer)?.OnActive(channel);

    /// <summary>Ends what has waited too long.</summary>
    public void OnTimer(Instant now)
    {
        foreach (Entry entry in _peers.Values)
            entry.Verification.OnTimer(now);
    }

    /// <summary>A peer left the configuration.</summary>
    public void Remove(string peer)
    {
        if (_peers.Remove(peer, out Entry? entry))
            entry.Verification.Stop();
    }

    private Verification? Find(string peer) => _peers.GetValueOrDefault(peer)?.Verification;

    private Entry Of(string peer)
    {
        if (!_peers.TryGetValue(peer, out Entry? entry))
            _peers.Add(peer, entry = new Entry(new Verification(self, fillNonce)));
        return entry;
    }

    private sealed class Entry(Verification verification)
    {
        private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

        private readonly Queue<Instant> _starts = new();

        public Verification Verification { get; } = verification;

        public bool TryBegin(Instant now)
        {
            while (_starts.Count > 0 && now - _starts.Peek() >= Window)
                _starts.Dequeue();
            if (_starts.Count >= Burst)
                return false;
            _starts.Enqueue(now);
            return true;
        }
    }
}
