using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Engine.Events;
using VibePN.Host.Plugins;
using VibePN.Host.Running;

namespace VibePN.Host.Trust;

/// <summary>The desk of a running daemon: asks the trust plugins that run, and the engine.</summary>
/// <remarks>
/// An order goes to every trust plugin (docs/decisions/0023-trust-orders.md): all of them must accept a peer, and any of them may
/// refuse one. It is done when at least one plugin has carried it out; what the others said goes with the answer.
/// </remarks>
/// <param name="parts">What runs.</param>
/// <param name="self">This node.</param>
/// <param name="oneAtATime">Runs a change when no other one runs.</param>
internal sealed class TrustDesk(
    RunningParts parts, Fingerprint self, Func<Func<Task<TrustAnswer>>, CancellationToken, Task<TrustAnswer>> oneAtATime) : ITrustDesk
{
    private static readonly TimeSpan PluginLimit = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public async Task<TrustBook> GetBookAsync(CancellationToken cancellationToken)
    {
        TrustFacts facts = await parts.Engine.GetTrustAsync(cancellationToken);
        return TrustBook.Of(facts, [.. parts.Trust.Select(trust => (trust.Plugin.Entry.Name, List(trust)))]);
    }

    /// <inheritdoc/>
    public Task<TrustAnswer> OrderAsync(TrustWish wish, CancellationToken cancellationToken) =>
        oneAtATime(() => CarryOutAsync(wish), cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<VerifyStep> VerifyAsync(string peer, CancellationToken cancellationToken) =>
        parts.Engine.VerifyAsync(peer, cancellationToken);

    /// <inheritdoc/>
    public Task<TrustAnswer> ConfirmAsync(string peer, string digits, CancellationToken cancellationToken) => oneAtATime(
        async () =>
        {
            VerifyConfirmation confirmed = await parts.Engine.ConfirmAsync(peer, digits, CancellationToken.None);
            return confirmed.Problem.Length > 0
                ? new TrustAnswer(ControlError.Conflict, confirmed.Problem + ".") { Peer = peer }
                : await NoteAsync(peer, confirmed.Certificate);
        },
        cancellationToken);

    // The comparison stands whether or not a plugin keeps a note of it: a fingerprint in config.toml needs none.
    private async Task<TrustAnswer> NoteAsync(string peer, Fingerprint certificate)
    {
        TrustBook book = await GetBookAsync(CancellationToken.None);
        var order = new TrustOrder(TrustAction.Verify, peer, certificate) { PublicKey = book.KeyOf(certificate) };
        var answers = new List<PluginAnswer>();
        foreach (FailClosedTrust trust in parts.Trust)
            answers.Add(await AskAsync(trust, order, dryRun: false));
        string text = answers.Find(answer => answer.Done)?.Text ?? $"The digits are alike: '{peer}' is who it should be. Nothing keeps a note of it.";
        parts.Events.Publish(EventKinds.TrustChanged, new EventFacts(text) { Peer = peer, Reason = "verify" });
        return new TrustAnswer(ControlError.None, text) { Peer = peer, Fingerprints = [certificate], Plugins = [.. answers] };
    }

    private async Task<TrustAnswer> CarryOutAsync(TrustWish wish)
    {
        TrustBook book = await GetBookAsync(CancellationToken.None);
        ImmutableArray<TrustOrder> orders = TrustOrders.Of(wish, book, self, out TrustAnswer problem);
        if (orders.IsEmpty)
            return problem;
        var said = new List<(TrustOrder Order, PluginAnswer Answer)>();
        foreach (TrustOrder order in orders)
        {
            foreach (FailClosedTrust trust in parts.Trust)
                said.Add((order, await AskAsync(trust, order, wish.DryRun)));
        }
        ImmutableArray<PluginAnswer> answers = [.. said.Select(each => each.Answer)];
        var answer = new TrustAnswer(ControlError.None, "")
        {
            Peer = orders[0].Peer ?? "",
            Fingerprints = [.. orders.Select(order => order.Fingerprint).Where(fingerprint => !fingerprint.IsEmpty)],
            Plugins = answers,
        };
        // A fingerprint that nobody would refuse is not denied, whatever became of the peer's others.
        if (orders.Any(order => !said.Exists(each => each.Order == order && each.Answer.Done)))
            return answer with { Error = ErrorOf(book), Text = string.Join(' ', answers.Where(each => !each.Done).Select(Words).Distinct()) };
        if (!wish.DryRun && wish.Action is TrustAction.Accept or TrustAction.Replace or TrustAction.Forget
            && PeerOf(answer, book) is { Length: > 0 } peer)
            await parts.Engine.DialSoonAsync(peer, CancellationToken.None);
        ImmutableArray<SessionEnd> ended = wish.DryRun
            ? WouldEnd(orders, book)
            : await parts.Engine.JudgeTrustAsync(book.Facts.Ends, CancellationToken.None);
        answer = answer with
        {
            Ended = ended,
            Text = string.Join(' ', answers.Where(each => each.Done).Select(each => each.Text).Distinct()) + Follows(wish, book.FindPeer(answer.Peer), ended),
        };
        if (!wish.DryRun)
            parts.Events.Publish(EventKinds.TrustChanged, new EventFacts(answer.Text) { Peer = answer.Peer, Reason = wish.Action.ToString().ToLowerInvariant() });
        return answer;
    }

    // Whose certificate it is, also where the order names only the certificate: whoever may come back is dialled at once.
    private static string PeerOf(TrustAnswer answer, TrustBook book) => answer.Peer.Length > 0
        ? answer.Peer
        : book.Entries.FirstOrDefault(entry => entry.Peer.Length > 0 && answer.Fingerprints.Contains(entry.Fingerprint))?.Peer ?? "";

    private static async Task<PluginAnswer> AskAsync(FailClosedTrust trust, TrustOrder order, bool dryRun)
    {
        string name = trust.Plugin.Entry.Name;
        try
        {
            TrustResult result = dryRun
                ? trust.Plan(order)
                : await Task.Run(async () => await trust.ApplyAsync(order, CancellationToken.None)).WaitAsync(PluginLimit);
            return new PluginAnswer(name, result.Done, result.Text);
        }
        catch (TimeoutException)
        {
            return new PluginAnswer(name, Done: false,
                $"It has not answered within {PluginLimit.TotalSeconds:0} s, and may still do it: look with 'vpnctl trust list'.");
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // A plugin may throw anything; the others still get the order.
            return new PluginAnswer(name, Done: false, $"It failed: {exception.Message}");
        }
    }

    private static TrustListing List(FailClosedTrust trust)
    {
        try
        {
            return trust.List();
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // As above: what the others list is still worth showing.
            return new TrustListing(Healthy: false, $"It cannot list what it knows: {exception.Message}", []);
        }
    }

    private static ControlError ErrorOf(TrustBook book) => book.Problems.IsEmpty ? ControlError.Conflict : ControlError.Unavailable;

    private static string Words(PluginAnswer answer) => $"{answer.Plugin}: {answer.Text}";

    // Which of the live sessions rest on what an order takes away.
    private static ImmutableArray<SessionEnd> WouldEnd(ImmutableArray<TrustOrder> orders, TrustBook book) =>
    [
        .. from peer in book.Facts.Peers
           where peer is { Sessions: > 0, Shown: not null }
           from order in orders
           where IsHit(order, peer)
           select new SessionEnd(peer.Name, order.Action == TrustAction.Deny ? "it would be denied" : "its pin would be another one"),
    ];

    private static bool IsHit(TrustOrder order, PeerIdentity peer) => order.Action switch
    {
        TrustAction.Deny => order.Fingerprint == peer.Shown || order.Fingerprint == peer.PublicKey
            || (!order.PublicKey.IsEmpty && order.PublicKey == peer.PublicKey),
        TrustAction.Replace => order.Peer == peer.Name && order.Previous == peer.Shown,
        _ => false,
    };

    private static string Follows(TrustWish wish, PeerIdentity? peer, ImmutableArray<SessionEnd> ended)
    {
        string sessions = ended.IsEmpty ? ""
            : $" {ended.Length} session{(ended.Length == 1 ? "" : "s")} {(wish.DryRun ? "would be" : ended.Length == 1 ? "was" : "were")} closed, and "
                + $"the routes {(wish.DryRun ? "would go" : "are gone")}: {string.Join(", ", ended.Select(end => end.Peer))}.";
        string next = wish.Action is TrustAction.Accept or TrustAction.Replace && peer is not null && !wish.DryRun
            ? peer.Dialable ? " It is dialled now." : " It comes through when it dials again."
            : "";
        return sessions + next + (wish.DryRun ? " Nothing was changed." : "");
    }
}
