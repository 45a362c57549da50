using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

/// <summary>How much strangers may cause: one set of limits for all loops of a transport.</summary>
/// <remarks>Any thread. Asked for first packets of handshakes and what resembles them, never for packets of connections.</remarks>
/// <param name="start">The time now.</param>
internal sealed class Admission(ulong start)
{
    // From so many first packets a second on, clients must prove their addresses for a second.
    private const int UnprovenPerSecond = 100;
    private const ulong RetryTime = 1_000_000_000;

    // Checking a token is work that anybody can cause.
    private const int TokensPerSecond = 5000;

    private readonly Lock _gate = new();
    private readonly SourceLimits _sources = new();
    private ulong _latest = start;
    private ulong _retryUntil;
    private RateLimit _tokens = new(TokensPerSecond, start);
    private RateLimit _unproven = new(UnprovenPerSecond, start);
    private RateLimit _resets = new(100, start);
    private RateLimit _negotiations = new(100, start);
    private RateLimit _retries = new(2000, start);
    private int _known;
    private int _halfOpen;
    private long _lastId;

    /// <summary>A number for a connection that no other has.</summary>
    public long NextId() => Interlocked.Increment(ref _lastId);

    /// <summary>Counts a first packet of a source.</summary>
    /// <returns>False when the source has sent too many.</returns>
    public bool TryArrive(in SocketAddress28 remote, ulong now)
    {
        lock (_gate)
            return _sources.TryArrive(remote, Latest(now));
    }

    /// <summary>Whether there is no room for a connection of this role.</summary>
    public bool IsFull(ConnectionRole role, QuicSettings settings)
    {
        lock (_gate)
            return IsFullCore(role, settings);
    }

    /// <summary>Takes the room for a connection; <see cref="EndHandshake"/> and <see cref="Forget"/> give it back.</summary>
    /// <returns>False when there is none.</returns>
    public bool TryReserve(ConnectionRole role, QuicSettings settings)
    {
        lock (_gate)
        {
            if (IsFullCore(role, settings))
                return false;
            _known++;
            _halfOpen += role == ConnectionRole.Responder ? 1 : 0;
            return true;
        }
    }

    /// <summary>A handshake that others began is over, one way or the other.</summary>
    public void EndHandshake()
    {
        lock (_gate)
            _halfOpen--;
    }

    /// <summary>A connection is forgotten.</summary>
    public void Forget()
    {
        lock (_gate)
            _known--;
    }

    /// <summary>Whether a client must prove its address: many at once are a flood, or a crowd behind one address.</summary>
    /// <remarks>A flood cannot prove its addresses, a crowd can.</remarks>
    public bool MustProve(in SocketAddress28 remote, QuicSettings settings, ulong now)
    {
        lock (_gate)
        {
            now = Latest(now);
            if (!_unproven.TryTake(now))
                _retryUntil = now + RetryTime;
            return now < _retryUntil || _halfOpen >= settings.RetryAbove || !_sources.TryBeginUnproven(remote, now);
        }
    }

    /// <summary>Whether one more token may be checked.</summary>
    public bool TryCheckToken(ulong now) => TryTake(ref _tokens, now);

    /// <summary>Whether one more stateless reset may be sent.</summary>
    public bool TryReset(ulong now) => TryTake(ref _resets, now);

    /// <summary>Whether one more version negotiation may be sent.</summary>
    public bool TryNegotiate(ulong now) => TryTake(ref _negotiations, now);

    /// <summary>Whether one more Retry may be sent.</summary>
    public bool TryRetry(ulong now) => TryTake(ref _retries, now);

    private bool TryTake(ref RateLimit limit, ulong now)
    {
        lock (_gate)
            return limit.TryTake(Latest(now));
    }

    private bool IsFullCore(ConnectionRole role, QuicSettings settings) =>
        _known >= settings.MaxConnections || (role == ConnectionRole.Responder && _halfOpen >= settings.MaxHalfOpen);

    // Loops read the clock each for itself, and buckets must not see it go back.
    private ulong Latest(ulong now) => _latest = Math.Max(_latest, now);
}
