using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Invites;

namespace VibePN.Host.Enrolment;

/// <summary>Inviting and joining, as control methods see it.</summary>
internal interface IOnboarding
{
    /// <summary>Gives an invite.</summary>
    /// <param name="order">For what.</param>
    /// <param name="dryRun">Whether only to check.</param>
    Task<InviteOutcome> InviteAsync(InviteOrder order, bool dryRun);

    /// <summary>Why nobody can be invited or let in, or null.</summary>
    string? Fault { get; }

    /// <summary>The invites that are remembered, the newest first.</summary>
    ImmutableArray<InviteRecord> Invites { get; }

    /// <summary>Takes an open invite back.</summary>
    /// <param name="id">Its id, or the beginning of it.</param>
    /// <param name="dryRun">Whether only to check.</param>
    Task<OnboardingOutcome> RevokeAsync(string id, bool dryRun);

    /// <summary>Redeems an invite of another node.</summary>
    Task<JoinOutcome> JoinAsync(Invite invite, string name, CancellationToken cancellationToken);

    /// <summary>Forgets a peer that joined by an invite.</summary>
    /// <param name="name">Its label.</param>
    /// <param name="dryRun">Whether only to check.</param>
    Task<OnboardingOutcome> RemovePeerAsync(string name, bool dryRun);
}

/// <summary>What an invite is to be.</summary>
/// <param name="Network">The network; null when there is only one.</param>
/// <param name="Addresses">Where we can be dialled; empty to guess.</param>
/// <param name="Name">What we call ourselves; null for the host's name.</param>
/// <param name="Life">How long it lasts.</param>
internal sealed record InviteOrder(string? Network, IReadOnlyList<string> Addresses, string? Name, TimeSpan Life);

/// <summary>An invite, or why there is none.</summary>
/// <param name="Error">None when there is one.</param>
/// <param name="Text">Why not, and what to do.</param>
internal sealed record InviteOutcome(ControlError Error, string Text)
{
    /// <summary>The invite.</summary>
    public Invite? Invite { get; init; }

    /// <summary>Its text; empty after a dry run.</summary>
    public string Code { get; init; } = "";

    /// <summary>Whether its addresses were guessed.</summary>
    public bool IsGuessed { get; init; }
}

/// <summary>What became of an order.</summary>
/// <param name="Error">None when it was done.</param>
/// <param name="Text">What was done, or why not and what to do.</param>
internal sealed record OnboardingOutcome(ControlError Error, string Text);
