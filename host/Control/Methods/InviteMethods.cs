using System.Text.Json;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Host.Enrolment;
using VibePN.Invites;

namespace VibePN.Host.Control.Methods;

/// <summary>How nodes become peers: <c>invite.create</c>, <c>invite.list</c>, <c>invite.revoke</c>, <c>invite.redeem</c>, <c>peers.remove</c>.</summary>
internal sealed class InviteMethods(IDaemon daemon) : IMethodGroup
{
    private static readonly ControlField DryRun = new("dry_run", ControlValueKind.Boolean, "Only say what would be done.");

    private static readonly ControlField[] Sentence =
        [new("message", ControlValueKind.String, "What was done.", Required: true)];

    /// <inheritdoc/>
    public IEnumerable<MethodEntry> Methods =>
    [
        MethodEntry.Once(new("invite.create", "Gives an invite: signed, for one node, once, for a while.", ControlRole.Admin)
        {
            Parameters =
            [
                new("network", ControlValueKind.String, "The network; may be left out when there is only one."),
                new("addresses", ControlValueKind.Strings, "Where this node can be dialled, host:port, 4 at most; guessed when left out."),
                new("name", ControlValueKind.String, "What this node calls itself; the host's name when left out."),
                new("expires_s", ControlValueKind.Integer, "How long it lasts, s; 900 when left out, 604800 at most."),
                DryRun,
            ],
            Result =
            [
                new("addresses", ControlValueKind.Strings, "Where the joiner will dial.", Required: true),
                new("fingerprint", ControlValueKind.String, "This node's fingerprint.", Required: true),
                new("guessed", ControlValueKind.Boolean, "Whether the addresses were guessed.", Required: true),
                new("id", ControlValueKind.String, "The invite's id; no secret.", Required: true),
                new("invite", ControlValueKind.String, "The invite itself: a secret. Empty after a dry run.", Required: true),
                new("network", ControlValueKind.String, "The network.", Required: true),
                new("not_after", ControlValueKind.String, "Its last second, RFC 3339 UTC.", Required: true),
            ],
        }, CreateAsync),
        MethodEntry.Once(new("invite.list", "Lists the invites given, without their secrets.", ControlRole.Viewer)
        {
            Result =
            [
                new("bad_proofs", ControlValueKind.Integer, "Wrong proofs that came for it; 5 burn it.", Required: true),
                new("created", ControlValueKind.String, "When it was given, RFC 3339 UTC.", Required: true),
                new("id", ControlValueKind.String, "Its id.", Required: true),
                new("network", ControlValueKind.String, "The network.", Required: true),
                new("not_after", ControlValueKind.String, "Its last second, RFC 3339 UTC.", Required: true),
                new("state", ControlValueKind.String, "open, used, expired, burnt or revoked.", Required: true),
                new("used_by", ControlValueKind.String, "The fingerprint of who redeemed it."),
            ],
            ReturnsList = true,
        }, ListAsync),
        MethodEntry.Once(new("invite.revoke", "Takes an open invite back.", ControlRole.Admin)
        {
            Parameters = [new("id", ControlValueKind.String, "Its id, or at least 6 digits of it.", Required: true), DryRun],
            Result = Sentence,
        }, RevokeAsync),
        MethodEntry.Once(new("invite.redeem", "Redeems an invite of another node, which makes this node its peer.", ControlRole.Admin)
        {
            Parameters =
            [
                new("invite", ControlValueKind.String, "The invite's text.", Required: true),
                new("name", ControlValueKind.String, "What the other node shall call this one; the host's name when left out."),
                DryRun,
            ],
            Result =
            [
                new("name", ControlValueKind.String, "What the other node calls this one; empty after a dry run.", Required: true),
                new("network", ControlValueKind.String, "The network.", Required: true),
                new("peer", ControlValueKind.String, "The other node's fingerprint.", Required: true),
            ],
        }, RedeemAsync),
        MethodEntry.Once(new("peers.remove", "Forgets a peer that joined by an invite, and ends its session.", ControlRole.Admin)
        {
            Parameters = [new("name", ControlValueKind.String, "The peer's name.", Required: true), DryRun],
            Result = Sentence,
        }, RemoveAsync),
    ];

    private async Task<ControlReply> CreateAsync(ControlCall call, CancellationToken cancellationToken)
    {
        long seconds = call.Integer("expires_s") ?? (long)Invite.StandardLife.TotalSeconds;
        // Out of range for a time span is out of range for an invite.
        TimeSpan life = TimeSpan.FromSeconds(Math.Clamp(seconds, 0, (long)Invite.LongestLife.TotalSeconds + 1));
        var order = new InviteOrder(call.Text("network"), call.Texts("addresses"), call.Text("name"), life);
        InviteOutcome outcome = await daemon.Onboarding.InviteAsync(order, call.Flag("dry_run"));
        return outcome.Invite is not { } invite ? JsonReply.Error(outcome.Error, outcome.Text) : JsonReply.OkObject(writer =>
        {
            writer.Strings("addresses", invite.Addresses);
            writer.WriteString("fingerprint", invite.InviterFingerprint);
            writer.WriteBoolean("guessed", outcome.IsGuessed);
            writer.WriteString("id", invite.Id);
            writer.WriteString("invite", outcome.Code);
            writer.WriteString("network", invite.Network);
            writer.Time("not_after", invite.NotAfter);
        });
    }

    private Task<ControlReply> ListAsync(ControlCall call, CancellationToken cancellationToken)
    {
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        return Task.FromResult(JsonReply.Array(daemon.Onboarding.Invites, (writer, invite) => Write(writer, invite, now)));
    }

    private async Task<ControlReply> RevokeAsync(ControlCall call, CancellationToken cancellationToken) =>
        Reply(await daemon.Onboarding.RevokeAsync(call.Text("id") ?? "", call.Flag("dry_run")));

    private async Task<ControlReply> RemoveAsync(ControlCall call, CancellationToken cancellationToken) =>
        Reply(await daemon.Onboarding.RemovePeerAsync(call.Text("name") ?? "", call.Flag("dry_run")));

    private async Task<ControlReply> RedeemAsync(ControlCall call, CancellationToken cancellationToken)
    {
        if (InviteText.Read(call.Text("invite") ?? "", out InviteProblem problem) is not { } invite)
            return JsonReply.Error(ControlError.BadRequest, InviteText.Describe(problem));
        if (invite.InviterFingerprint == daemon.Node.ToString())
            return JsonReply.Error(ControlError.Conflict, "this invite is our own: redeem it on another node.");
        if (TimeProvider.System.GetUtcNow() > invite.NotAfter)
            return JsonReply.Error(ControlError.Conflict, JoinAnswers.Describe(new JoinOutcome(JoinResult.Expired), invite));
        JoinOutcome outcome = call.Flag("dry_run")
            ? new JoinOutcome(JoinResult.Granted)
            : await daemon.Onboarding.JoinAsync(invite, call.Text("name") ?? System.Net.Dns.GetHostName(), cancellationToken);
        if (outcome.Result != JoinResult.Granted)
            return JsonReply.Error(JoinAnswers.ErrorOf(outcome.Result), JoinAnswers.Describe(outcome, invite));
        return JsonReply.OkObject(writer =>
        {
            writer.WriteString("name", outcome.PeerName);
            writer.WriteString("network", invite.Network);
            writer.WriteString("peer", invite.InviterFingerprint);
        });
    }

    private static void Write(Utf8JsonWriter writer, InviteRecord invite, DateTimeOffset now)
    {
        bool isExpired = invite.State == InviteState.Open && now > invite.NotAfter;
        writer.WriteNumber("bad_proofs", invite.BadProofs);
        writer.Time("created", invite.Created);
        writer.WriteString("id", invite.Id);
        writer.WriteString("network", invite.Network);
        writer.Time("not_after", invite.NotAfter);
        writer.WriteString("state", isExpired ? "expired" : invite.State.ToString().ToLowerInvariant());
        if (invite.UsedBy is { } user)
            writer.WriteString("used_by", user.ToString());
        else
            writer.WriteNull("used_by");
    }

    private static ControlReply Reply(OnboardingOutcome outcome) => outcome.Error == ControlError.None
        ? JsonReply.Message(outcome.Text)
        : JsonReply.Error(outcome.Error, outcome.Text);
}
