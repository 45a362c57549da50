using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Host.Logging;
using VibePN.Invites;

namespace VibePN.Host.Enrolment;

/// <summary>The ways in which joining fails, each in words of its own, with what to do.</summary>
internal static class JoinAnswers
{
    private const string AskAnew = "Ask for a new invite.";

    /// <summary>The kind of failure.</summary>
    public static ControlError ErrorOf(JoinResult result) => result switch
    {
        JoinResult.Refused => ControlError.Denied,
        JoinResult.TimedOut => ControlError.Timeout,
        JoinResult.Unreachable or JoinResult.NotLetIn or JoinResult.Failed or JoinResult.ClockUntrusted or JoinResult.BadAnswer =>
            ControlError.Unavailable,
        _ => ControlError.Conflict,
    };

    /// <summary>A failure in a sentence or two.</summary>
    public static string Describe(JoinOutcome outcome, Invite invite)
    {
        string node = $"{invite.InviterName} ({string.Join(", ", invite.Addresses)})";
        string why = outcome.Text.Length > 0 ? $": {LogText.Escape(outcome.Text)}" : "";
        return outcome.Result switch
        {
            JoinResult.Refused => $"{node} does not accept the invite: it knows no such invite, or the secret is wrong. {AskAnew}",
            JoinResult.Expired => $"the invite expired at {invite.NotAfter.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}. {AskAnew}",
            JoinResult.Used => $"the invite was used by another node; each is good for one. {AskAnew} If nobody else should have had it, "
                + $"say so to whoever runs {invite.InviterName}: 'vpnctl invite list' there shows who used it.",
            JoinResult.UsedByYou => $"this node has used the invite before, so {invite.InviterName} knows it already. "
                + $"If this side lacks the peer: vpnctl add-peer --name {invite.InviterName} --address {invite.Addresses[0]} "
                + $"--fingerprint {invite.InviterFingerprint} --networks {invite.Network}",
            JoinResult.Burnt => $"too many wrong proofs came for the invite, so it was burnt: somebody tried to guess it. {AskAnew}",
            JoinResult.Revoked => $"the invite was revoked by {invite.InviterName}. {AskAnew}",
            JoinResult.ClockUntrusted => $"the clock of {invite.InviterName} is wrong, so it accepts no invite. Set it, then try again.",
            JoinResult.AlreadyPeer => $"this node stands in the config.toml of {invite.InviterName} already, without network "
                + $"'{invite.Network}': add the network to its [[peers]] entry there. The invite is unused.",
            JoinResult.Failed => $"{invite.InviterName} could not make this node its peer; its log says why. The invite is unused.",
            JoinResult.NotLetIn => $"no invite can be redeemed at {node}{why}. The invite may have ended long ago, or another node "
                + "answers there, or it was asked too often within a minute.",
            JoinResult.TimedOut => $"{node} did not answer in time{why}. 'vpnctl invite list' there says whether the invite was used.",
            JoinResult.Busy => "another invite is being redeemed at this moment. Try again in a few seconds.",
            JoinResult.BadAnswer => $"{node} gave no usable answer{why}.",
            _ => $"{node} cannot be reached{why}. Is its daemon running, and does its UDP port let packets through?",
        };
    }
}
