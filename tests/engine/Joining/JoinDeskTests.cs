using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Contracts;
using VibePN.Engine.Events;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Joining;
using VibePN.Engine.Node;
using VibePN.Engine.Tests.Time;
using VibePN.Engine.Time;
using VibePN.Engine.Trust;
using VibePN.Testkit;

namespace VibePN.Engine.Tests.Joining;

public sealed class JoinDeskTests
{
    private static readonly Fingerprint Self = Fingerprint.Of("self"u8);

    private readonly Driver _driver = new();
    private readonly EventRing _events = new(TimeProvider.System);
    private readonly JoinDesk _desk;

    public JoinDeskTests()
    {
        var gate = new TrustGate(Self, [], new ManualClock(DateTimeOffset.UnixEpoch.AddYears(60)), NullLogger.Instance, [], new LabAuthority());
        _desk = new JoinDesk(Self, gate, _driver, _events, NullLogger.Instance);
    }

    [Fact]
    public void Eight_strangers_are_heard_at_once_and_not_nine()
    {
        FakeTransportConnection[] guests = [.. Enumerable.Range(0, 9).Select(_ => Come(At(0)))];
        Assert.All(guests.Take(JoinDesk.MaxGuests), guest => Assert.Null(guest.Closed));
        Assert.Equal(CloseCode.LimitExceeded, guests[8].Closed?.Code);
        _desk.OnClosed(guests[0], default);
        Assert.Null(Come(At(1)).Closed);
    }

    [Fact]
    public void A_silent_stranger_is_sent_away_after_5_s()
    {
        FakeTransportConnection guest = Come(At(0));
        Assert.Equal(At(5), _desk.NextTimer);
        _desk.OnTimer(At(4));
        Assert.Null(guest.Closed);
        _desk.OnTimer(At(5));
        Assert.Equal(CloseCode.HelloTimeout, guest.Closed?.Code);
        Assert.Equal(0, _desk.Guests);
        Assert.Equal(Instant.Never, _desk.NextTimer);
    }

    [Fact]
    public void Whoever_says_nonsense_or_says_it_twice_is_sent_away()
    {
        FakeTransportConnection guest = Come(At(0));
        _desk.OnControl(guest, "GET / HTTP/1.1"u8);
        Assert.Equal(CloseCode.ProtocolError, guest.Closed?.Code);
        Assert.Equal("not joined", guest.Closed?.Text);

        guest = Come(At(0));
        _desk.OnControl(guest, JoinMessages.Write(JoinMessage.Granted("x"))); // the inviter's word
        Assert.Equal(CloseCode.ProtocolError, guest.Closed?.Code);

        guest = Come(At(0));
        byte[] redeem = JoinMessages.Write(JoinMessage.Redeem(new string('0', 32), new byte[32], "n"));
        _desk.OnControl(guest, redeem);
        Assert.Null(guest.Closed);
        _desk.OnControl(guest, redeem);
        Assert.Equal(CloseCode.ProtocolError, guest.Closed?.Code);
        Assert.Single(_driver.Claims);
    }

    [Fact]
    public void The_answer_is_sent_and_published_and_the_joiner_closes()
    {
        FakeTransportConnection guest = Come(At(0));
        foreach (byte one in JoinMessages.Write(JoinMessage.Redeem(new string('0', 32), new byte[32], "n")))
            _desk.OnControl(guest, [one]);
        (JoinClaim claim, Action<JoinDecision, Instant> done) = Assert.Single(_driver.Claims);
        Assert.Equal(("n", guest.Peer), (claim.Name, claim.Joiner));
        done(new JoinDecision(JoinResult.Granted, "n-2"), At(1));
        Assert.Equal(JoinMessages.Write(JoinMessage.Granted("n-2")), guest.TakeControl());
        Assert.Null(guest.Closed);
        Assert.Equal(1, _events.Last);
        _desk.OnTimer(At(5));
        Assert.Equal(CloseCode.None, guest.Closed?.Code);
    }

    [Fact]
    public void An_answer_for_somebody_who_left_goes_nowhere()
    {
        FakeTransportConnection guest = Come(At(0));
        _desk.OnControl(guest, JoinMessages.Write(JoinMessage.Redeem(new string('0', 32), new byte[32], "n")));
        _desk.OnClosed(guest, default);
        _driver.Claims.Single().Done(new JoinDecision(JoinResult.Granted, "n"), At(1));
        Assert.Empty(guest.TakeControl());
    }

    private static Instant At(int seconds) => default(Instant) + TimeSpan.FromSeconds(seconds);

    private FakeTransportConnection Come(Instant now)
    {
        var guest = new FakeTransportConnection
        {
            Role = ConnectionRole.Responder, Protocol = JoinMessages.Protocol, Peer = Fingerprint.Of("guest"u8), ChannelBinding = new byte[32],
        };
        _desk.OnConnected(guest, 0, now);
        return guest;
    }

    private sealed class Driver : IEngineDriver
    {
        public List<(JoinClaim Claim, Action<JoinDecision, Instant> Done)> Claims { get; } = [];

        public Instant Now => default;

        public IDisposable StartPump(ITunDevice device, OutboundPath path) => throw new NotSupportedException();

        public void Commit(Admission admission, Action<string?, Instant> done) => throw new NotSupportedException();

        public void Redeem(JoinClaim claim, Action<JoinDecision, Instant> done) => Claims.Add((claim, done));
    }
}
