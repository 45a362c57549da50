using VibePN.Contracts;
using VibePN.Engine.Time;

namespace VibePN.Engine.Addressing;

/// <summary>Our address of one family in one network: keeps it, or moves on when another node has the better claim.</summary>
/// <remarks>
/// Takes events with the time and says when it wants to be called next. It moves only to addresses that nobody is known
/// to claim, after a random wait, so that nodes which collided once do not collide again, and at most
/// <see cref="MaxMoves"/> times a minute, so that no peer can chase it.
/// </remarks>
/// <param name="network">The network's name.</param>
/// <param name="self">Our fingerprint.</param>
/// <param name="prefix">The subnet.</param>
/// <param name="address">The address that the configuration gives, to begin with.</param>
/// <param name="isAuto">Whether it may change.</param>
internal sealed class OwnAddress(string network, Fingerprint self, IpPrefix prefix, IpAddress address, bool isAuto)
{
    /// <summary>Moves within <see cref="MoveWindow"/>, at most.</summary>
    public const int MaxMoves = 8;

    /// <summary>What <see cref="MaxMoves"/> is counted over.</summary>
    public static readonly TimeSpan MoveWindow = TimeSpan.FromMinutes(1);

    /// <summary>Longest wait before a move.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);

    private readonly Queue<Instant> _moves = new();

    /// <summary>The address at present.</summary>
    public IpAddress Address { get; private set; } = address;

    /// <summary>The subnet it lies in.</summary>
    public IpPrefix Prefix { get; } = prefix;

    /// <summary>Our claim to it.</summary>
    public AddressClaim Claim { get; } = new(isAuto, self);

    /// <summary>Which candidate of the chain it is; -1 when an operator wrote it down.</summary>
    public int Index => Claim.IsAuto ? Candidates.Index().FirstOrDefault(candidate => candidate.Item == Address).Index : -1;

    /// <summary>Who has the better claim and keeps it, since when we know; null when nobody has.</summary>
    public Fingerprint? LostTo { get; private set; }

    /// <summary>When <see cref="TryMove"/> wants to be called next.</summary>
    public Instant MoveAt { get; private set; } = Instant.Never;

    // Lazy: thousands of hashes, of which the first will do but for a few nodes.
    private IEnumerable<IpAddress> Candidates => AutoAddress.Candidates(network, self.ToString(), Prefix);

    /// <summary>Another node claims our address.</summary>
    /// <param name="theirs">Its claim.</param>
    /// <param name="now">The time.</param>
    /// <param name="random">For the wait.</param>
    /// <returns>True when ours is the better claim: the other node has to move.</returns>
    public bool OnContested(AddressClaim theirs, Instant now, Random random)
    {
        if (theirs.Node == Claim.Node || Claim.Beats(theirs))
            return true;
        LostTo = theirs.Node;
        if (Claim.IsAuto && MoveAt == Instant.Never)
            MoveAt = now + (LongestWait * random.NextDouble());
        return false;
    }

    /// <summary>Moves when the time has come.</summary>
    /// <param name="now">The time.</param>
    /// <param name="isClaimed">Whether another node is known to claim an address.</param>
    /// <returns>True when <see cref="Address"/> has changed.</returns>
    public bool TryMove(Instant now, Func<IpAddress, bool> isClaimed)
    {
        if (now < MoveAt)
            return false;
        MoveAt = Instant.Never;
        if (!isClaimed(Address))
        {
            LostTo = null; // whoever had it has moved, or has left
            return false;
        }
        while (_moves.TryPeek(out Instant oldest) && now - oldest >= MoveWindow)
            _moves.Dequeue();
        if (_moves.Count >= MaxMoves)
        {
            MoveAt = _moves.Peek() + MoveWindow;
            return false;
        }
        IpAddress[] chain = [.. Candidates];
        int current = Array.IndexOf(chain, Address);
        for (int step = 1; step < chain.Length; step++)
        {
            IpAddress candidate = chain[(current + step) % chain.Length];
            if (candidate == Address || isClaimed(candidate))
                continue;
            Address = candidate;
            LostTo = null;
            _moves.Enqueue(now);
            return true;
        }
        // The subnet is full: looked at again, for somebody may leave.
        MoveAt = now + MoveWindow;
        return false;
    }
}
