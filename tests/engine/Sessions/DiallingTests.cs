using VibePN.Contracts;
using VibePN.Engine.Sessions;
using VibePN.Testkit;

namespace VibePN.Engine.Tests.Sessions;

/// <summary>One peer with several addresses, on a time line that the test plays.</summary>
public sealed class DiallingTests
{
    private static readonly CloseReason Nobody = new(CloseCode.Unreachable, "nobody there");

    private readonly LoneMachine _lone = new("a:1", "b:1", "c:1");

    [Fact]
    public void Addresses_are_tried_best_first_a_quarter_of_a_second_apart()
    {
        _lone.RunUntil(2);
        Assert.Equal(["a:1", "b:1", "c:1"], _lone.Dials.Select(dial => dial.Address));
        Assert.Equal([0, 0.25, 0.5], _lone.Dials.Select(dial => dial.At - _lone.Dials[0].At));
        Assert.True(_lone.Machine.IsDialling);
        Assert.Equal(3, _lone.Dials.Select(dial => dial.Id).Distinct().Count());
    }

    [Fact]
    public void An_address_that_fails_lets_the_next_one_begin_at_once()
    {
        _lone.RunUntil(0.1);
        Assert.Null(_lone.Machine.OnDialFailed(_lone.Dials[0].Id, Nobody, _lone.Now));
        _lone.RunUntil(0.1);
        Assert.Equal(["a:1", "b:1"], _lone.Dials.Select(dial => dial.Address));
    }

    [Fact]
    public void A_dial_fails_when_all_its_addresses_have_and_says_what_each_one_said()
    {
        _lone.RunUntil(1);
        Assert.Null(_lone.Machine.OnDialFailed(_lone.Dials[1].Id, new CloseReason(CloseCode.TrustRefused, "stranger"), _lone.Now));
        Assert.Null(_lone.Machine.OnDialFailed(_lone.Dials[0].Id, Nobody, _lone.Now));
        CloseReason failure = _lone.Machine.OnDialFailed(_lone.Dials[2].Id, new CloseReason(CloseCode.HandshakeTimeout, "silence"), _lone.Now)!.Value;
        Assert.Equal(
            "HandshakeTimeout: b:1: TrustRefused: stranger; a:1: Unreachable: nobody there; c:1: HandshakeTimeout: silence",
            failure.ToString());
        Assert.Equal(failure.ToString(), _lone.Machine.LastError);
        Assert.False(_lone.Machine.IsDialling);
        // A stranger at one address does not make us wait for a minute.
        Assert.InRange((_lone.Machine.NextDial!.Value - _lone.Now).TotalSeconds, 0.05, 0.5);
    }

    [Fact]
    public void The_first_address_that_connects_wins_and_a_later_one_is_closed_before_it_says_hello()
    {
        _lone.RunUntil(0.3);
        FakeTransportConnection first = Connect(1);
        FakeTransportConnection second = Connect(0);
        Assert.True(_lone.IsOpen(first));
        Assert.NotEmpty(first.TakeControl());
        Assert.False(_lone.IsOpen(second));
        Assert.Equal(CloseCode.Superseded, second.Closed!.Value.Code);
        Assert.Empty(second.TakeControl());
        _lone.RunUntil(1.5); // still greeting: the third address is not needed
        Assert.Equal(2, _lone.Dials.Count);
    }

    [Fact]
    public void The_failure_of_an_address_after_another_has_won_is_none_of_the_peer()
    {
        _lone.RunUntil(0.3);
        FakeTransportConnection first = Connect(0);
        Assert.True(_lone.Machine.OwnsDial(_lone.Dials[1].Id));
        Assert.Null(_lone.Machine.OnDialFailed(_lone.Dials[1].Id, Nobody, _lone.Now));
        Assert.False(_lone.Machine.OwnsDial(_lone.Dials[1].Id));
        Assert.Equal("", _lone.Machine.LastError);
        Assert.True(_lone.IsOpen(first));
    }

    [Fact]
    public void A_connection_that_comes_in_cancels_no_dial_and_spares_the_addresses_that_have_not_begun()
    {
        _lone.RunUntil(0.1);
        FakeTransportConnection incoming = _lone.Greet();
        _lone.RunUntil(2);
        Assert.Single(_lone.Dials);
        Assert.True(_lone.Machine.OwnsDial(_lone.Dials[0].Id));
        FakeTransportConnection own = Connect(0);
        Assert.True(_lone.IsOpen(own)); // completes and is ranked
        Assert.True(_lone.IsOpen(incoming));
    }

    [Fact]
    public void A_dial_that_may_not_begin_yet_is_asked_for_again_and_counts_as_no_failure()
    {
        _lone.MayDial = false;
        _lone.RunUntil(5);
        Assert.Empty(_lone.Dials);
        Assert.Equal("", _lone.Machine.LastError);
        _lone.MayDial = true;
        _lone.RunUntil(5);
        Assert.Single(_lone.Dials);
    }

    [Fact]
    public void A_peer_without_an_address_is_never_dialled()
    {
        var silent = new LoneMachine();
        FakeTransportConnection connection = silent.Greet();
        silent.Machine.OnClosed(connection, new CloseReason(CloseCode.IdleTimeout, "gone"), silent.Now);
        silent.Machine.OnNetworkChanged(silent.Now);
        silent.RunUntil(600);
        Assert.Empty(silent.Dials);
        Assert.Null(silent.Machine.NextDial);
    }

    [Fact]
    public void Only_a_connection_of_a_minute_clears_the_back_off()
    {
        var lone = new LoneMachine("a:1");
        for (int i = 0; i < 8; i++)
        {
            while (!lone.Machine.IsDialling)
                lone.RunUntil((lone.Now.Nanoseconds / 1e9) + 0.1);
            lone.Machine.OnDialFailed(lone.Dials[^1].Id, Nobody, lone.Now);
        }
        double[] AfterSessionsOf(double seconds)
        {
            var waits = new List<double>();
            for (int i = 0; i < 40; i++)
            {
                FakeTransportConnection connection = lone.Greet(sequence: (ulong)i + 1);
                double end = (lone.Now.Nanoseconds / 1e9) + seconds;
                while (lone.Now < LoneMachine.At(end))
                {
                    lone.RunUntil(Math.Min(end, (lone.Now.Nanoseconds / 1e9) + 1));
                    Answer(lone, connection);
                }
                lone.Machine.OnClosed(connection, new CloseReason(CloseCode.IdleTimeout, "gone"), lone.Now);
                waits.Add((lone.Machine.NextDial!.Value - lone.Now).TotalSeconds);
            }
            return [.. waits];
        }
        Assert.InRange(AfterSessionsOf(59).Max(), 10, 30);
        Assert.InRange(AfterSessionsOf(61).Max(), 0.05, 0.5);
    }

    [Fact]
    public void A_new_dial_races_all_addresses_again()
    {
        _lone.RunUntil(1);
        foreach ((long id, _, _) in _lone.Dials.ToArray())
            _lone.Machine.OnDialFailed(id, Nobody, _lone.Now);
        _lone.RunUntil(3);
        Assert.Equal(["a:1", "b:1", "c:1", "a:1", "b:1", "c:1"], _lone.Dials.Select(dial => dial.Address));
    }

    private FakeTransportConnection Connect(int dial)
    {
        var connection = new FakeTransportConnection { Role = ConnectionRole.Initiator, Peer = LoneMachine.Other };
        _lone.Machine.OnConnected(connection, _lone.Dials[dial].Id, _lone.Now);
        return connection;
    }

    /// <summary>Answers every question that was asked on the connection.</summary>
    private static void Answer(LoneMachine lone, FakeTransportConnection connection)
    {
        byte[] sent = connection.TakeControl();
        for (int at = 0; at < sent.Length; at += 2 + (sent[at] << 8) + sent[at + 1])
        {
            if (sent[at + 2] == (byte)'K')
                lone.Machine.OnControl(connection, [0, 9, (byte)'k', .. sent[(at + 3)..(at + 11)]], lone.Now);
        }
    }
}
