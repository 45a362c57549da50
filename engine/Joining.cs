using System.Net;
using VibePN.Contracts;
using VibePN.Invites;

namespace VibePN.Engine;

/// <summary>Keeps invites and decides over those that are redeemed; the host's, because it owns files.</summary>
public interface IJoinAuthority
{
    /// <summary>Whether any invite can be redeemed now: strangers are let in for nothing else. Any thread, at once.</summary>
    bool IsOpen { get; }

    /// <summary>Verifies a claim, and when it is right makes its sender a peer, durably and in the running engine.</summary>
    /// <remarks>Any thread, several at once. Of several claims for one invite at most one is granted.</remarks>
    Task<JoinDecision> RedeemAsync(JoinClaim claim, CancellationToken cancellationToken);
}

/// <summary>What somebody who wants to join has sent, and over which connection.</summary>
/// <param name="InviteId">Which invite, 32 hexadecimal digits.</param>
/// <param name="Proof">What should prove that the sender has it (<see cref="InviteProof"/>).</param>
/// <param name="ChannelBinding">Of the connection; empty when the transport has none.</param>
/// <param name="Joiner">Who the handshake says it is.</param>
/// <param name="Name">The label it wishes for; printable ASCII without blanks.</param>
/// <param name="Remote">Where from, for the log.</param>
/// <param name="Now">The wall clock.</param>
/// <param name="ClockTrusted">Whether the wall clock is believed.</param>
public sealed record JoinClaim(
    string InviteId, ReadOnlyMemory<byte> Proof, ReadOnlyMemory<byte> ChannelBinding, Fingerprint Joiner, string Name,
    IPEndPoint Remote, DateTimeOffset Now, bool ClockTrusted);

/// <summary>How a redemption ends. Numbers below 64 travel (docs/wire-format.md §10).</summary>
public enum JoinResult
{
    /// <summary>The joiner is a peer now.</summary>
    Granted = 0,

    /// <summary>There is no such invite, or the proof is wrong: which of the two is nobody's business who proved nothing.</summary>
    Refused = 1,

    /// <summary>The invite's time is over.</summary>
    Expired = 2,

    /// <summary>Another node has redeemed it.</summary>
    Used = 3,

    /// <summary>This very node has redeemed it before.</summary>
    UsedByYou = 4,

    /// <summary>Too many wrong proofs came for it.</summary>
    Burnt = 5,

    /// <summary>The inviter took it back.</summary>
    Revoked = 6,

    /// <summary>The inviter's clock is wrong, so it cannot tell whether the invite has expired.</summary>
    ClockUntrusted = 7,

    /// <summary>The joiner is a peer already; the invite is unused.</summary>
    AlreadyPeer = 8,

    /// <summary>The inviter could not make it durable, or could not apply it; the invite is unused.</summary>
    Failed = 9,

    /// <summary>No connection came about.</summary>
    Unreachable = 64,

    /// <summary>Whoever answers at the address is not the inviter, or does not let strangers in now.</summary>
    NotLetIn = 65,

    /// <summary>The inviter said nothing in time.</summary>
    TimedOut = 66,

    /// <summary>This node joins with another invite at the moment.</summary>
    Busy = 67,

    /// <summary>The answer makes no sense.</summary>
    BadAnswer = 68,
}

/// <summary>The inviter's decision.</summary>
/// <param name="Result">Which.</param>
/// <param name="PeerName">The label given to the joiner, when granted.</param>
public readonly record struct JoinDecision(JoinResult Result, string PeerName = "");

/// <summary>What became of joining.</summary>
/// <param name="Result">Which.</param>
/// <param name="Text">More about it, for people; empty when there is nothing to add.</param>
/// <param name="PeerName">What the inviter calls us, when granted.</param>
public sealed record JoinOutcome(JoinResult Result, string Text = "", string PeerName = "");

/// <summary>An invite to redeem.</summary>
/// <param name="Invite">Read and verified.</param>
/// <param name="Name">The label we wish for, 1 to 64 printable ASCII characters without blanks.</param>
public sealed record JoinRequest(Invite Invite, string Name);
