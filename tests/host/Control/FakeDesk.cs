using System.Runtime.CompilerServices;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Host.Trust;

namespace VibePN.Host.Tests.Control;

/// <summary>Notes what is wished, and knows one peer with a pin and a conflict.</summary>
internal sealed class FakeDesk : ITrustDesk
{
    private static readonly Fingerprint Node = Fingerprint.Parse(new string('1', 64));
    private static readonly Fingerprint Other = Fingerprint.Parse(new string('2', 64));
    private static readonly DateTimeOffset Noon = new(2026, 11, 22, 13, 0, 0, TimeSpan.FromHours(1));

    public List<TrustWish> Wishes { get; } = [];

    public Task<TrustBook> GetBookAsync(CancellationToken cancellationToken) => Task.FromResult(TrustBook.Of(
        new TrustFacts([new PeerIdentity("a", null, true)], 0),
        [
            ("tofu", new TrustListing(false, "damaged",
            [
                new TrustRecord(TrustState.Pinned, "a", Other, Node, Noon, Noon, "first use", ""),
                new TrustRecord(TrustState.Conflict, "a", Node, default, Noon, Noon, "dialled", "192.0.2.1:1"),
            ])),
        ]));

    public Task<TrustAnswer> OrderAsync(TrustWish wish, CancellationToken cancellationToken)
    {
        Wishes.Add(wish);
        return Task.FromResult(new TrustAnswer(ControlError.None, "Done.")
        {
            Peer = "a",
            Fingerprints = [Other],
            Plugins = [new PluginAnswer("tofu", true, "Done."), new PluginAnswer("pinned", false, "Set it.")],
            Ended = [new SessionEnd("a", "denied")],
        });
    }

    public VerifyStep[] Steps { get; set; } =
        [new(VerifyState.Waiting, "wait"), new(VerifyState.Digits, "read") { Digits = "012345" }];

    public List<string> Confirmed { get; } = [];

    public async IAsyncEnumerable<VerifyStep> VerifyAsync(
        string peer, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (VerifyStep step in Steps)
        {
            await Task.Yield();
            yield return step;
        }
    }

    public Task<TrustAnswer> ConfirmAsync(string peer, string digits, CancellationToken cancellationToken)
    {
        Confirmed.Add($"{peer} {digits}");
        return Task.FromResult(new TrustAnswer(ControlError.None, "Verified."));
    }
}
