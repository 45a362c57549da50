using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Host.Trust;

namespace VibePN.Host.Tests.Trust;

public sealed class TrustBookTests
{
    internal static readonly DateTimeOffset Noon = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_configured_pin_is_listed_with_what_the_engine_has_seen()
    {
        TrustBook book = Book([Peer("n2", Print('2')) with { Shown = Print('2'), PublicKey = Print('a'), Sessions = 1, LastSeen = Noon, Remote = "192.0.2.2:1" }]);
        TrustEntry entry = Assert.Single(book.Entries);
        Assert.Equal((TrustState.Pinned, "n2", Print('2'), "configured"), (entry.State, entry.Peer, entry.Fingerprint, entry.How));
        Assert.Equal((Print('a'), 1, Noon, "192.0.2.2:1"), (entry.PublicKey, entry.Sessions, entry.LastSeen!.Value, entry.Remote));
        Assert.Null(entry.FirstSeen);
    }

    [Fact]
    public void A_verified_pin_of_a_configured_peer_is_one_entry_with_both_words()
    {
        TrustBook book = Book([Peer("n2", Print('2'))], Record(TrustState.Pinned, "n2", '2', "verified"));
        Assert.Equal("configured, verified", Assert.Single(book.Entries).How);
    }

    [Fact]
    public void A_stored_pin_that_counts_for_nothing_says_why()
    {
        TrustBook book = Book([Peer("n2", Print('9'))], Record(TrustState.Pinned, "n2", '2'), Record(TrustState.Pinned, "gone", '3'));
        Assert.Equal(
            [("gone", "config.toml has no such peer"), ("n2", "config.toml has another fingerprint for it"), ("n2", "")],
            book.Entries.Select(entry => (entry.Peer, entry.Void)));
        Assert.Equal([Print('9')], book.CertificatesOf(book.FindPeer("n2")!));
    }

    [Fact]
    public void What_two_plugins_list_is_one_entry_from_the_first_to_the_last_sight()
    {
        var early = Record(TrustState.Pending, "", '7') with { FirstSeen = Noon.AddHours(-1), LastSeen = Noon.AddHours(-1) };
        TrustBook book = TrustBook.Of(new TrustFacts([], 0), [("a", Listing(early)), ("b", Listing(Record(TrustState.Pending, "", '7')))]);
        TrustEntry entry = Assert.Single(book.Entries);
        Assert.Equal((Noon.AddHours(-1), Noon), (entry.FirstSeen, entry.LastSeen));
        Assert.Equal(["a", "b"], entry.Plugins);
    }

    [Fact]
    public void A_conflict_names_the_pin_and_a_denial_the_peer_whose_key_it_is()
    {
        TrustBook book = Book([Peer("n2")],
            Record(TrustState.Pinned, "n2", '2'), Record(TrustState.Conflict, "n2", '8'), Record(TrustState.Denied, "", 'b'));
        Assert.Equal(Print('2'), book.Entries.Single(entry => entry.State == TrustState.Conflict).Pinned);
        Assert.Equal("n2", book.Entries.Single(entry => entry.State == TrustState.Denied).Peer);
    }

    [Fact]
    public void Entries_are_sorted_and_an_unhealthy_store_is_named()
    {
        TrustBook book = TrustBook.Of(
            new TrustFacts([Peer("b", Print('2')), Peer("a", Print('3'))], 0),
            [("tofu", new TrustListing(false, "the store is damaged", [Record(TrustState.Denied, "", '1'), Record(TrustState.Pending, "", '4')]))]);
        Assert.Equal(["Pinned a", "Pinned b", "Pending ", "Denied "], book.Entries.Select(entry => $"{entry.State} {entry.Peer}"));
        Assert.Equal(["tofu: the store is damaged"], book.Problems);
    }

    internal static TrustBook Book(ImmutableArray<PeerIdentity> peers, params TrustRecord[] records) =>
        TrustBook.Of(new TrustFacts(peers, 0), [("tofu", Listing(records))]);

    internal static PeerIdentity Peer(string name, Fingerprint? configured = null, bool dialable = true) => new(name, configured, dialable);

    /// <summary>A record whose public key is one digit further on.</summary>
    internal static TrustRecord Record(TrustState state, string peer, char digit, string how = "first use") => new(
        state, peer, Print(digit), digit == '2' ? Print('b') : default, Noon, Noon, how, "");

    internal static Fingerprint Print(char digit) => Fingerprint.Parse(new string(digit, 64));

    private static TrustListing Listing(params TrustRecord[] records) => new(true, "ok", [.. records]);
}
