using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Host.Trust;

namespace VibePN.Host.Control.Methods;

/// <summary>Who is believed, and an operator's say in it: the <c>trust</c> methods.</summary>
internal sealed class TrustMethods(ITrustDesk desk) : IMethodGroup
{
    private static readonly ControlField DryRun = new("dry_run", ControlValueKind.Boolean, "Only say what would change.");

    /// <inheritdoc/>
    public IEnumerable<MethodEntry> Methods =>
    [
        MethodEntry.Once(new("trust.list", "Lists pins, pending and conflicting certificates and denials, and the stores' health.", ControlRole.Admin)
            { Result = TrustJson.Book }, ListAsync),
        MethodEntry.Once(new("trust.pending", "Lists the certificates that wait for the operator.", ControlRole.Admin)
            { Result = TrustJson.Entry, ReturnsList = true }, PendingAsync),
        MethodEntry.Once(new("trust.show", "Shows what is known about a peer or a certificate.", ControlRole.Admin)
        {
            Parameters =
            [
                new("subject", ControlValueKind.String,
                    $"A peer's name, or the fingerprint of a certificate or key: all of it or its first {TrustOrders.ShortestPrefix} digits or more.",
                    Required: true),
            ],
            Result = TrustJson.Entry,
            ReturnsList = true,
        }, ShowAsync),
        Order(TrustAction.Accept, "trust.accept", "Pins a certificate to a configured peer.",
            new("fingerprint", ControlValueKind.String, "The certificate's fingerprint, all 64 digits.", Required: true),
            new("peer", ControlValueKind.String, "The peer of config.toml that it belongs to; not needed when that peer was dialled.")),
        Order(TrustAction.Deny, "trust.deny", "Denies a certificate or key from now on, and closes its sessions.",
            new ControlField("subject", ControlValueKind.String, "The fingerprint of a certificate or key, all 64 digits, or a peer's name.", Required: true)),
        Order(TrustAction.Replace, "trust.replace", "Replaces a peer's stored pin.",
            new("peer", ControlValueKind.String, "The peer's name.", Required: true),
            new("to", ControlValueKind.String, "The new fingerprint, all 64 digits.", Required: true),
            new("from", ControlValueKind.String, "The fingerprint it is pinned to now, all 64 digits.", Required: true)),
        Order(TrustAction.Forget, "trust.forget", "Forgets what is stored about a peer or a certificate, denials included.",
            new ControlField("subject", ControlValueKind.String, "A peer's name, or a fingerprint, all 64 digits.", Required: true)),
        Verify,
    ];

    private MethodEntry Verify => new(
        new ControlMethod("trust.verify", "Compares six digits with a peer's operator, who runs the same for this node within 2 minutes.", ControlRole.Admin, Streaming: true)
        {
            Parameters =
            [
                new("peer", ControlValueKind.String, "The peer's name.", Required: true),
                new("confirm", ControlValueKind.String, "The six digits, once both operators have found them alike.") { Secret = true },
                DryRun,
            ],
            Result =
            [
                new("digits", ControlValueKind.String, "Six digits to read to the other operator; null before there are some."),
                new("message", ControlValueKind.String, "What happens, and what to do.", Required: true),
                new("peer", ControlValueKind.String, "The peer's name.", Required: true),
                new("state", ControlValueKind.String, "waiting, digits or confirmed.", Required: true),
            ],
        },
        VerifyAsync);

    private MethodEntry Order(TrustAction action, string name, string help, params ReadOnlySpan<ControlField> parameters) => MethodEntry.Once(
        new ControlMethod(name, help, ControlRole.Admin) { Parameters = [.. parameters, DryRun], Result = TrustJson.Answer },
        (call, cancellationToken) => OrderAsync(action, call, cancellationToken));

    private async Task<ControlReply> ListAsync(ControlCall call, CancellationToken cancellationToken)
    {
        TrustBook book = await desk.GetBookAsync(cancellationToken);
        return JsonReply.OkObject(writer => TrustJson.WriteBook(writer, book));
    }

    private async Task<ControlReply> PendingAsync(ControlCall call, CancellationToken cancellationToken)
    {
        TrustBook book = await desk.GetBookAsync(cancellationToken);
        return JsonReply.Array(book.Entries.Where(entry => entry.State is TrustState.Pending or TrustState.Conflict), TrustJson.WriteEntry) with
        {
            Warnings = book.Problems,
        };
    }

    private async Task<ControlReply> ShowAsync(ControlCall call, CancellationToken cancellationToken)
    {
        TrustBook book = await desk.GetBookAsync(cancellationToken);
        ImmutableArray<TrustEntry> found = TrustOrders.Find(call.Text("subject") ?? "", book, out TrustAnswer problem);
        return found.IsEmpty
            ? JsonReply.Error(problem.Error, problem.Text)
            : JsonReply.Array(found, TrustJson.WriteEntry) with { Warnings = book.Problems };
    }

    private async Task<ControlReply> OrderAsync(TrustAction action, ControlCall call, CancellationToken cancellationToken)
    {
        bool dryRun = call.Flag("dry_run");
        string subject = call.Text(action switch
        {
            TrustAction.Accept => "fingerprint",
            TrustAction.Replace => "peer",
            _ => "subject",
        }) ?? "";
        var wish = new TrustWish(action, subject, dryRun)
        {
            Peer = action == TrustAction.Accept ? call.Text("peer") : null,
            To = call.Text("to") ?? "",
            From = call.Text("from") ?? "",
        };
        TrustAnswer answer = await desk.OrderAsync(wish, cancellationToken);
        if (answer.Error != ControlError.None)
            return JsonReply.Error(answer.Error, answer.Text);
        // All plugins must accept a peer, so what one could not do is still to be done; to refuse, one is enough.
        bool needsAll = action is TrustAction.Accept or TrustAction.Replace;
        return JsonReply.OkObject(writer => TrustJson.WriteAnswer(writer, answer, dryRun)) with
        {
            Warnings = needsAll ? [.. answer.Plugins.Where(plugin => !plugin.Done).Select(plugin => $"{plugin.Plugin}: {plugin.Text}").Distinct()] : [],
        };
    }

    private async IAsyncEnumerable<ControlReply> VerifyAsync(ControlCall call, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string name = call.Text("peer") ?? "";
        TrustBook book = await desk.GetBookAsync(cancellationToken);
        if (TrustOrders.WhyNoPeer(name, book) is { } problem)
        {
            yield return JsonReply.Error(ControlError.NotFound, problem);
        }
        else if (call.Flag("dry_run"))
        {
            bool isUp = book.FindPeer(name)!.Sessions > 0;
            yield return isUp
                ? Step("waiting", name, "The comparison would begin. Nothing was changed.")
                : JsonReply.Error(ControlError.Conflict, $"There is no session with '{name}': it has to be connected.");
        }
        else if (call.Text("confirm") is { } digits)
        {
            TrustAnswer answer = await desk.ConfirmAsync(name, digits, cancellationToken);
            yield return answer.Error == ControlError.None ? Step("confirmed", name, answer.Text) : JsonReply.Error(answer.Error, answer.Text);
        }
        else
        {
            await foreach (VerifyStep step in desk.VerifyAsync(name, cancellationToken))
                yield return ReplyOf(step, name);
        }
    }

    private static ControlReply ReplyOf(VerifyStep step, string peer) => step.State switch
    {
        VerifyState.Waiting => Step("waiting", peer, step.Text),
        VerifyState.Digits => Step("digits", peer, step.Text, step.Digits),
        VerifyState.Expired => JsonReply.Error(ControlError.Timeout, $"{step.Text}."),
        _ => JsonReply.Error(ControlError.Conflict, $"{step.Text}."),
    };

    private static ControlReply Step(string state, string peer, string text, string? digits = null) => JsonReply.OkObject(writer =>
    {
        writer.WriteString("digits", digits);
        writer.WriteString("message", text);
        writer.WriteString("peer", peer);
        writer.WriteString("state", state);
    });
}
