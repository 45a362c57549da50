using VibePN.Contracts;
using VibePN.Engine.Control;
using VibePN.Engine.Sessions;
using VibePN.Testkit;

namespace VibePN.Engine.Tests.Sessions;

/// <summary>What becomes of a peer that sends too much, too slowly, or nonsense that is well-formed.</summary>
public sealed class ConductTests
{
    private static readonly byte[] s_refresh = [0, 2, (byte)'F', 0];

    private readonly LoneMachine _lone = new();

    [Fact]
    public void A_burst_of_four_hundred_messages_is_read_at_once_and_what_is_more_at_two_hundred_a_second()
    {
        FakeTransportConnection connection = _lone.Greet();
        Send(connection, 1_000);
        Assert.InRange(_lone.RouteMessages, 390, 400);
        _lone.RunUntil(1);
        Assert.InRange(_lone.RouteMessages, 590, 605);
        _lone.RunUntil(3.1);
        Assert.Equal(1_000, _lone.RouteMessages); // nothing is lost
        Assert.True(_lone.IsOpen(connection));
    }

    [Fact]
    public void Messages_wait_in_order_across_pieces()
    {
        FakeTransportConnection connection = _lone.Greet();
        byte[] many = [.. Enumerable.Repeat(s_refresh, 900).SelectMany(bytes => bytes)];
        for (int at = 0; at < many.Length; at += 7)
            _lone.Machine.OnControl(connection, many.AsSpan(at, Math.Min(7, many.Length - at)), _lone.Now);
        _lone.RunUntil(4);
        Assert.Equal(900, _lone.RouteMessages);
        Assert.True(_lone.IsOpen(connection));
    }

    [Fact]
    public void Two_hundred_messages_a_second_are_no_excess_however_long()
    {
        FakeTransportConnection connection = _lone.Greet();
        for (int tenth = 0; tenth < 120; tenth++)
        {
            Send(connection, 20);
            _lone.RunUntil(tenth / 10.0);
        }
        Assert.True(_lone.IsOpen(connection));
        Assert.Equal(2_400, _lone.RouteMessages);
    }

    [Fact]
    public void An_excess_of_ten_seconds_ends_the_session_and_bars_the_peer_for_a_minute()
    {
        FakeTransportConnection connection = _lone.Greet();
        double ended = 0;
        for (int tenth = 0; tenth < 200 && ended == 0; tenth++)
        {
            _lone.RunUntil(tenth / 10.0);
            if (_lone.IsOpen(connection))
                Send(connection, 60);
            else
                ended = tenth / 10.0;
        }
        Assert.Equal(CloseCode.LimitExceeded, connection.Closed!.Value.Code);
        Assert.InRange(ended, 10, 11.2);
        FakeTransportConnection next = Connect();
        Assert.Equal(CloseCode.LimitExceeded, next.Closed!.Value.Code);
        _lone.RunUntil(ended + 59);
        Assert.NotNull(Connect().Closed);
        _lone.RunUntil(ended + 60.2);
        FakeTransportConnection later = Connect();
        Assert.Null(later.Closed);
    }

    [Fact]
    public void More_than_can_wait_ends_the_session_at_once()
    {
        FakeTransportConnection connection = _lone.Greet();
        Send(connection, 30_000);
        Assert.False(_lone.IsOpen(connection));
        Assert.Equal(CloseCode.LimitExceeded, connection.Closed!.Value.Code);
    }

    [Fact]
    public void The_first_full_set_is_free_and_changes_beyond_it_are_taken_at_a_hundred_a_second()
    {
        FakeTransportConnection connection = _lone.Greet();
        byte[] hundred = Announce(100);
        for (int i = 0; i < 40; i++) // 4,000 of 4,096 free ones
            _lone.Machine.OnControl(connection, hundred, _lone.Now);
        Assert.Equal(40, _lone.RouteMessages);
        for (int i = 0; i < 18; i++) // 1,800 more, 1,096 of them free or a burst
            _lone.Machine.OnControl(connection, hundred, _lone.Now);
        Assert.InRange(_lone.RouteMessages, 50, 52);
        _lone.RunUntil(3);
        Assert.InRange(_lone.RouteMessages, 53, 55);
        _lone.RunUntil(9);
        Assert.Equal(58, _lone.RouteMessages);
        Assert.True(_lone.IsOpen(connection));
    }

    [Fact]
    public void A_new_connection_does_not_buy_new_patience()
    {
        FakeTransportConnection first = _lone.Greet();
        Send(first, 398);
        _lone.Machine.OnClosed(first, new CloseReason(CloseCode.None, "again"), _lone.Now);
        var second = new FakeTransportConnection { Role = ConnectionRole.Responder, Peer = LoneMachine.Other };
        _lone.Machine.OnConnected(second, 0, _lone.Now);
        Send(second, 10);
        Assert.Equal(396, _lone.RouteMessages, 4.0);
        Assert.True(_lone.Machine.Connections[0].Intake.IsWaiting || second.Closed is not null);
    }

    [Fact]
    public void Ten_invalid_items_within_a_minute_end_the_session_and_nine_do_not()
    {
        // Network 0, one item: IPv4, 24 bits, 10.0.0.0, metric infinity, which nobody may announce.
        byte[] invalid = [0, 12, (byte)'A', 0, 1, 4, 24, 10, 0, 0, 255, 255, 255, 255];
        FakeTransportConnection connection = _lone.Greet();
        for (int i = 0; i < 9; i++)
            _lone.Machine.OnControl(connection, invalid, _lone.Now);
        Assert.True(_lone.IsOpen(connection));
        _lone.RunUntil(10);
        _lone.Machine.OnControl(connection, invalid, _lone.Now);
        Assert.False(_lone.IsOpen(connection));
        Assert.Equal(CloseCode.LimitExceeded, connection.Closed!.Value.Code);
        Assert.Contains("10 invalid items", connection.Closed!.Value.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Invalid_items_now_and_then_are_forgiven()
    {
        byte[] invalid = [0, 12, (byte)'A', 0, 1, 4, 24, 10, 0, 0, 255, 255, 255, 255];
        var conduct = new Conduct(default);
        for (int i = 0; i < 100; i++)
        {
            conduct.OnInvalidItem(LoneMachine.At(i * 7));
            Assert.False(conduct.IsInvalid(LoneMachine.At(i * 7)));
        }
        Assert.NotEmpty(invalid);
    }

    [Fact]
    public void A_message_that_is_not_complete_within_five_seconds_ends_the_session()
    {
        FakeTransportConnection connection = _lone.Greet();
        for (double t = 0; t < 4.9; t += 0.5) // a byte now and then
        {
            _lone.RunUntil(t);
            _lone.Machine.OnControl(connection, t == 0 ? [0] : t == 0.5 ? [200] : t == 1 ? [(byte)'A'] : [1], _lone.Now);
        }
        _lone.RunUntil(4.99);
        Assert.True(_lone.IsOpen(connection));
        _lone.RunUntil(5);
        Assert.False(_lone.IsOpen(connection));
        Assert.Contains("within 5 s", connection.Closed!.Value.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Messages_in_two_pieces_each_have_five_seconds_of_their_own()
    {
        FakeTransportConnection connection = _lone.Greet();
        for (int second = 0; second < 12; second++)
        {
            _lone.RunUntil(second);
            // The end of one message and the beginning of the next.
            _lone.Machine.OnControl(connection, second == 0 ? [0, 2] : [(byte)'F', 0, 0, 2], _lone.Now);
            Assert.True(_lone.IsOpen(connection));
        }
        Assert.Equal(11, _lone.RouteMessages);
    }

    [Fact]
    public void Two_daemons_with_one_certificate_no_longer_take_each_others_place()
    {
        FakeTransportConnection first = _lone.Greet(instance: 10);
        FakeTransportConnection second = _lone.Greet(instance: 20, sequence: 2);
        Assert.Equal(CloseCode.Superseded, first.Closed!.Value.Code);
        Assert.Equal(CloseCode.Superseded, _lone.Greet(instance: 10, sequence: 3).Closed!.Value.Code);
        Assert.Equal(0, _lone.Clones);
        Assert.Equal(CloseCode.IdentityCloned, _lone.Greet(instance: 10, sequence: 4).Closed!.Value.Code);
        Assert.Equal(1, _lone.Clones);
        // Frozen: not even a newer start gets in, the present one stays.
        Assert.Equal(CloseCode.IdentityCloned, _lone.Greet(instance: 30, sequence: 5).Closed!.Value.Code);
        Assert.True(_lone.IsOpen(second));
        Assert.True(_lone.Machine.IsCloned(_lone.Now));
        Assert.Equal(1, _lone.Clones); // one line a minute
    }

    [Fact]
    public void The_freeze_ends_after_a_minute_and_with_the_connection_that_it_kept()
    {
        FakeTransportConnection kept = Clone();
        _lone.Machine.OnClosed(kept, new CloseReason(CloseCode.IdleTimeout, "gone"), _lone.Now);
        Assert.Null(_lone.Greet(instance: 10, sequence: 9).Closed);
        Assert.False(_lone.Machine.IsCloned(LoneMachine.At(121)));
    }

    [Fact]
    public void A_daemon_that_restarts_again_and_again_is_no_clone()
    {
        FakeTransportConnection last = _lone.Greet(instance: 1);
        for (ulong instance = 2; instance < 12; instance++)
        {
            FakeTransportConnection next = _lone.Greet(instance, sequence: instance);
            Assert.NotNull(last.Closed);
            Assert.Null(next.Closed);
            last = next;
        }
        Assert.Equal(0, _lone.Clones);
    }

    private FakeTransportConnection Clone()
    {
        _lone.Greet(instance: 10);
        FakeTransportConnection kept = _lone.Greet(instance: 20, sequence: 2);
        _lone.Greet(instance: 10, sequence: 3);
        _lone.Greet(instance: 10, sequence: 4);
        Assert.Equal(1, _lone.Clones);
        return kept;
    }

    private FakeTransportConnection Connect()
    {
        var connection = new FakeTransportConnection { Role = ConnectionRole.Responder, Peer = LoneMachine.Other };
        _lone.Machine.OnConnected(connection, 0, _lone.Now);
        return connection;
    }

    private void Send(FakeTransportConnection connection, int messages) =>
        _lone.Machine.OnControl(connection, [.. Enumerable.Repeat(s_refresh, messages).SelectMany(bytes => bytes)], _lone.Now);

    private static byte[] Announce(int items)
    {
        byte[] buffer = new byte[ControlLimits.MaxFrame];
        return buffer[..ControlWriter.WriteAnnounce(
            buffer, 0, [.. Enumerable.Range(0, items).Select(i => new RouteItem(IpPrefix.Parse($"172.16.{i}.0/24"), 1))])];
    }
}
