using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Host.Trust;
using static VibePN.Host.Tests.Trust.TrustBookTests;

namespace VibePN.Host.Tests.Trust;

/// <summary>What becomes of an operator's words.</summary>
public sealed class TrustOrdersTests
{
    private static readonly Fingerprint Self = Print('f');

    private static readonly TrustBook Known = Book(
        [Peer("hub", Print('1')), Peer("n2"), Peer("n3")],
        Record(TrustState.Pinned, "n2", '2'), Record(TrustState.Pending, "", '7'), Record(TrustState.Pending, "n3", '6'),
        Record(TrustState.Conflict, "n2", '8'), Record(TrustState.Denied, "", '9'));

    [Fact]
    public void A_stranger_must_be_given_to_a_peer_and_the_answer_names_those_without_a_pin()
    {
        Assert.Contains("Peers without a pin: n3.", Refused(Accept('7'), ControlError.BadRequest), StringComparison.Ordinal);
        TrustOrder order = Single(Accept('7') with { Peer = "n3" });
        Assert.Equal((TrustAction.Accept, "n3", Print('7')), (order.Action, order.Peer, order.Fingerprint));
    }

    [Fact]
    public void A_pending_certificate_that_a_dialled_peer_showed_needs_no_name() => Assert.Equal("n3", Single(Accept('6')).Peer);

    [Fact]
    public void Nothing_shorter_than_the_whole_fingerprint_changes_trust()
    {
        string part = new('7', 63);
        foreach (TrustWish wish in new[]
        {
            new TrustWish(TrustAction.Accept, part, false) { Peer = "n3" },
            new TrustWish(TrustAction.Replace, "n2", false) { To = part, From = new string('2', 64) },
            new TrustWish(TrustAction.Replace, "n2", false) { To = new string('8', 64), From = part },
        })
            Assert.Contains("all 64", Refused(wish, ControlError.BadRequest), StringComparison.Ordinal);
        Assert.Contains("whole fingerprint", Refused(new TrustWish(TrustAction.Deny, part, false), ControlError.NotFound), StringComparison.Ordinal);
        Assert.Contains("whole fingerprint", Refused(new TrustWish(TrustAction.Forget, part, false), ControlError.NotFound), StringComparison.Ordinal);
    }

    [Fact]
    public void A_fingerprint_in_the_configuration_cannot_be_overruled_by_an_order()
    {
        string text = Refused(Accept('7') with { Peer = "hub" }, ControlError.Conflict);
        Assert.Contains($"Set fingerprint = \"{Print('7')}\" there and reload.", text, StringComparison.Ordinal);
        Refused(new TrustWish(TrustAction.Replace, "hub", false) { To = new string('7', 64), From = new string('1', 64) }, ControlError.Conflict);
        Assert.Contains("already", Refused(Accept('1') with { Peer = "hub" }, ControlError.Conflict), StringComparison.Ordinal);
    }

    [Fact]
    public void A_replacement_carries_both_fingerprints()
    {
        TrustOrder order = Single(new TrustWish(TrustAction.Replace, "n2", false) { To = new string('8', 64), From = new string('2', 64) });
        Assert.Equal(("n2", Print('8'), Print('2')), (order.Peer, order.Fingerprint, order.Previous!.Value));
        Refused(new TrustWish(TrustAction.Replace, "n2", false) { To = new string('2', 64), From = new string('2', 64) }, ControlError.BadRequest);
    }

    [Fact]
    public void A_name_is_denied_by_every_certificate_the_peer_is_known_by_and_its_key()
    {
        TrustOrder order = Single(new TrustWish(TrustAction.Deny, "n2", false));
        Assert.Equal((Print('2'), Print('b')), (order.Fingerprint, order.PublicKey));
        TrustBook met = Book([Peer("n2") with { Shown = Print('5'), PublicKey = Print('c'), Sessions = 1 }], Record(TrustState.Pinned, "n2", '2'));
        Assert.Equal([Print('2'), Print('5')], Orders(new TrustWish(TrustAction.Deny, "n2", false), met).Select(each => each.Fingerprint));
        Assert.Contains("nothing to deny", Refused(new TrustWish(TrustAction.Deny, "n3", false), ControlError.NotFound), StringComparison.Ordinal);
    }

    [Fact]
    public void This_node_itself_is_neither_accepted_nor_denied()
    {
        Refused(Accept('f') with { Peer = "n3" }, ControlError.BadRequest);
        Refused(new TrustWish(TrustAction.Deny, new string('f', 64), false), ControlError.BadRequest);
        Refused(new TrustWish(TrustAction.Replace, "n2", false) { To = new string('f', 64), From = new string('2', 64) }, ControlError.BadRequest);
    }

    [Fact]
    public void A_name_is_forgotten_with_its_pin_and_its_conflicts()
    {
        ImmutableArray<TrustOrder> orders = Orders(new TrustWish(TrustAction.Forget, "n2", false), Known);
        Assert.Equal([("n2", default), (null, Print('8'))], orders.Select(order => (order.Peer, order.Fingerprint)));
        Assert.Contains("config.toml", Refused(new TrustWish(TrustAction.Forget, "hub", false), ControlError.NotFound), StringComparison.Ordinal);
        Assert.Contains("whole fingerprint", Refused(new TrustWish(TrustAction.Forget, "nobody", false), ControlError.NotFound), StringComparison.Ordinal);
        Assert.Equal(Print('9'), Single(new TrustWish(TrustAction.Forget, new string('9', 64), false)).Fingerprint);
    }

    [Fact]
    public void An_unknown_peer_is_refused_with_a_guess_and_cannot_forge_a_line()
    {
        Assert.Contains("did you mean 'hub'?", Refused(Accept('7') with { Peer = "hubb" }, ControlError.NotFound), StringComparison.Ordinal);
        Assert.DoesNotContain("\n", Refused(Accept('7') with { Peer = "a\nb" }, ControlError.NotFound), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("n2", 2)]
    [InlineData("7777777777777777", 1)]
    [InlineData("bbbbbbbbbbbbbbbbbb", 1)] // the key of n2
    [InlineData("777777777777777", 0)] // 15 digits
    [InlineData("n3x", 0)]
    [InlineData("eeeeeeeeeeeeeeee", 0)]
    public void Something_is_shown_by_name_or_by_the_beginning_of_a_fingerprint(string text, int expected)
    {
        ImmutableArray<TrustEntry> found = TrustOrders.Find(text, Known, out TrustAnswer problem);
        Assert.Equal(expected, found.Length);
        Assert.Equal(expected == 0, problem.Error != ControlError.None);
    }

    [Fact]
    public void A_beginning_that_two_certificates_share_is_not_guessed()
    {
        TrustRecord one = Record(TrustState.Pending, "", '7');
        TrustRecord other = one with { Fingerprint = Fingerprint.Parse(new string('7', 63) + "0") };
        Assert.Empty(TrustOrders.Find(new string('7', 63), Book([], one, other), out TrustAnswer problem));
        Assert.Equal(ControlError.Conflict, problem.Error);
        Assert.Single(TrustOrders.Find(new string('7', 64), Book([], one, other), out _));
    }

    private static TrustWish Accept(char digit) => new(TrustAction.Accept, new string(digit, 64), false);

    private static TrustOrder Single(TrustWish wish) => Assert.Single(Orders(wish, Known));

    private static ImmutableArray<TrustOrder> Orders(TrustWish wish, TrustBook book)
    {
        ImmutableArray<TrustOrder> orders = TrustOrders.Of(wish, book, Self, out TrustAnswer problem);
        Assert.Equal("", problem.Text);
        return orders;
    }

    private static string Refused(TrustWish wish, ControlError error)
    {
        Assert.Empty(TrustOrders.Of(wish, Known, Self, out TrustAnswer problem));
        Assert.Equal(error, problem.Error);
        return problem.Text;
    }
}
