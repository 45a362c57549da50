using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Invites;

namespace VibePN.Host.Enrolment;

/// <summary>What has become of an invite.</summary>
internal enum InviteState
{
    /// <summary>It can be redeemed while its time lasts.</summary>
    Open = 0,

    /// <summary>Somebody has redeemed it.</summary>
    Used = 1,

    /// <summary>Too many wrong proofs came for it.</summary>
    Burnt = 2,

    /// <summary>The operator took it back.</summary>
    Revoked = 3,
}

/// <summary>One invite that this node gave.</summary>
internal sealed record InviteRecord
{
    /// <summary>32 hexadecimal digits.</summary>
    public required string Id { get; init; }

    /// <summary>Into which network.</summary>
    public required string Network { get; init; }

    /// <summary>128 secret bits as 32 hexadecimal digits.</summary>
    public required string Secret { get; init; }

    /// <summary>When it was given.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>Its last second.</summary>
    public required DateTimeOffset NotAfter { get; init; }

    /// <summary>What has become of it.</summary>
    public InviteState State { get; init; }

    /// <summary>Wrong proofs so far.</summary>
    public int BadProofs { get; init; }

    /// <summary>Who redeemed it.</summary>
    public Fingerprint? UsedBy { get; init; }

    /// <summary>Without the secret: this may reach a log.</summary>
    public override string ToString() => $"invite {Id} to {Network}, {State}";
}

/// <summary>A peer that joined by an invite: what a <c>[[peers]]</c> entry without an address says.</summary>
internal sealed record EnrolledPeer(string Name, Fingerprint Fingerprint, ImmutableArray<string> Networks, DateTimeOffset Since);

/// <summary>All invites this node gave and remembers, and all peers that joined by them. Immutable and pure.</summary>
internal sealed record EnrolmentBook(ImmutableArray<InviteRecord> Invites, ImmutableArray<EnrolledPeer> Peers)
{
    /// <summary>Wrong proofs that burn an invite.</summary>
    public const int MaxBadProofs = 5;

    /// <summary>Invites remembered.</summary>
    public const int MaxInvites = 1_024;

    /// <summary>Peers remembered.</summary>
    public const int MaxPeers = 4_096;

    /// <summary>An invite is remembered so long after its end, so that a clock set back cannot revive it.</summary>
    public static readonly TimeSpan Memory = TimeSpan.FromDays(30);

    // Whoever comes a little late, or second, is told why, and is not sent away as a stranger.
    private static readonly TimeSpan Courtesy = TimeSpan.FromMinutes(10);

    /// <summary>Nothing yet.</summary>
    public static EnrolmentBook Empty { get; } = new([], []);

    /// <summary>Until when somebody may come for an invite.</summary>
    public DateTimeOffset OpenUntil =>
        Invites.IsEmpty ? DateTimeOffset.MinValue : Invites.Max(invite => invite.NotAfter) + Courtesy;

    /// <summary>The invite of an id, or null.</summary>
    public InviteRecord? Find(string id) => Invites.FirstOrDefault(invite => invite.Id == id);

    /// <summary>Decides over a claim, and remembers wrong proofs. Grants nothing yet: <see cref="Grant"/> does.</summary>
    /// <param name="claim">Hostile until its proof is verified.</param>
    /// <param name="next">The book afterwards.</param>
    public JoinResult Judge(JoinClaim claim, out EnrolmentBook next)
    {
        next = this;
        if (Find(claim.InviteId) is not { } invite)
            return JoinResult.Refused;
        bool isProved = InviteProof.Verify(
            claim.Proof.Span, Convert.FromHexString(invite.Secret), claim.ChannelBinding.Span, invite.Id, claim.Joiner.ToString());
        if (!isProved)
        {
            if (invite.State == InviteState.Open)
                next = With(invite, WithBadProof(invite));
            return JoinResult.Refused;
        }
        return invite.State switch
        {
            InviteState.Used => invite.UsedBy == claim.Joiner ? JoinResult.UsedByYou : JoinResult.Used,
            InviteState.Burnt => JoinResult.Burnt,
            InviteState.Revoked => JoinResult.Revoked,
            _ when !claim.ClockTrusted => JoinResult.ClockUntrusted,
            _ when claim.Now > invite.NotAfter => JoinResult.Expired,
            _ => JoinResult.Granted,
        };
    }

    /// <summary>Marks an invite as used, and adds or extends the peer, both in one.</summary>
    /// <param name="claim">Judged as granted.</param>
    /// <param name="peer">What the joiner is from now on; null when it is a peer without this.</param>
    public EnrolmentBook Grant(JoinClaim claim, EnrolledPeer? peer)
    {
        InviteRecord invite = Find(claim.InviteId)!;
        EnrolmentBook used = With(invite, invite with { State = InviteState.Used, UsedBy = claim.Joiner });
        return peer is null
            ? used
            : used with { Peers = [.. Peers.Where(known => known.Fingerprint != peer.Fingerprint), peer] };
    }

    /// <summary>Adds an invite; what nobody needs to remember any more makes room.</summary>
    /// <returns>Null when there is no room.</returns>
    public EnrolmentBook? Add(InviteRecord invite, DateTimeOffset now)
    {
        ImmutableArray<InviteRecord> kept = Invites.RemoveAll(old => now > old.NotAfter + Memory);
        if (kept.Length >= MaxInvites)
            kept = kept.RemoveAll(old => old.State == InviteState.Revoked || (old.State == InviteState.Open && now > old.NotAfter));
        return kept.Length >= MaxInvites || Peers.Length >= MaxPeers ? null : this with { Invites = kept.Add(invite) };
    }

    /// <summary>Takes an open invite back.</summary>
    public EnrolmentBook Revoke(InviteRecord invite) => With(invite, invite with { State = InviteState.Revoked });

    /// <summary>Forgets a peer.</summary>
    public EnrolmentBook Remove(EnrolledPeer peer) => this with { Peers = Peers.Remove(peer) };

    private static InviteRecord WithBadProof(InviteRecord invite) => invite with
    {
        BadProofs = invite.BadProofs + 1,
        State = invite.BadProofs + 1 >= MaxBadProofs ? InviteState.Burnt : InviteState.Open,
    };

    private EnrolmentBook With(InviteRecord before, InviteRecord after) => this with { Invites = Invites.Replace(before, after) };
}
