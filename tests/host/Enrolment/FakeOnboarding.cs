using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Host.Enrolment;
using VibePN.Invites;

namespace VibePN.Host.Tests.Enrolment;

/// <summary>Says what it is told to say, and remembers what it was asked.</summary>
internal sealed class FakeOnboarding : IOnboarding
{
    public List<string> Calls { get; } = [];

    public string? Fault { get; set; }

    public ImmutableArray<InviteRecord> Invites { get; set; } = [];

    public InviteOutcome Invited { get; set; } = new(ControlError.NotFound, "no network");

    public JoinOutcome Joined { get; set; } = new(JoinResult.Granted, "", "node2");

    public OnboardingOutcome Done { get; set; } = new(ControlError.None, "done");

    public Task<InviteOutcome> InviteAsync(InviteOrder order, bool dryRun)
    {
        Calls.Add($"invite {order.Network} [{string.Join(',', order.Addresses)}] {order.Name} {order.Life.TotalSeconds} {dryRun}");
        return Task.FromResult(Invited);
    }

    public Task<OnboardingOutcome> RevokeAsync(string id, bool dryRun)
    {
        Calls.Add($"revoke {id} {dryRun}");
        return Task.FromResult(Done);
    }

    public Task<JoinOutcome> JoinAsync(Invite invite, string name, CancellationToken cancellationToken)
    {
        Calls.Add($"join {invite.Network} {name}");
        return Task.FromResult(Joined);
    }

    public Task<OnboardingOutcome> RemovePeerAsync(string name, bool dryRun)
    {
        Calls.Add($"remove {name} {dryRun}");
        return Task.FromResult(Done);
    }
}
