using VibePN.Engine.Sessions;
using VibePN.Engine.Time;

namespace VibePN.Engine.Tests.Sessions;

public sealed class LivenessTests
{
    [Fact]
    public void An_idle_peer_is_asked_after_five_seconds_and_dead_after_fifteen()
    {
        var liveness = new Liveness(At(0));
        Assert.Equal(LivenessAction.None, liveness.OnTimer(At(4.9), 0, 0));
        Assert.Equal(LivenessAction.SendKeepalive, liveness.OnTimer(At(5), 0, 0));
        Assert.Equal(LivenessAction.None, liveness.OnTimer(At(5.5), 0, 0));
        Assert.Equal(LivenessAction.SendKeepalive, liveness.OnTimer(At(10), 0, 0));
        Assert.Equal(LivenessAction.None, liveness.OnTimer(At(14.9), 0, 0));
        Assert.Equal(LivenessAction.DeclareDead, liveness.OnTimer(At(15), 0, 0));
    }

    [Fact]
    public void A_sign_of_life_puts_everything_off()
    {
        var liveness = new Liveness(At(0));
        liveness.OnHeard(At(10));
        Assert.Equal(LivenessAction.None, liveness.OnTimer(At(14.5), 0, 0));
        Assert.Equal(LivenessAction.SendKeepalive, liveness.OnTimer(At(15), 0, 0));
        Assert.Equal(LivenessAction.DeclareDead, liveness.OnTimer(At(25), 0, 0));
    }

    [Fact]
    public void A_peer_that_does_not_answer_traffic_is_probed_and_dead_within_three_seconds()
    {
        var liveness = new Liveness(At(0));
        Assert.Equal(LivenessAction.None, liveness.OnTimer(At(0.5), 10, 0));
        Assert.Equal(LivenessAction.None, liveness.OnTimer(At(1), 20, 0));
        Assert.Equal(LivenessAction.SendKeepalive, liveness.OnTimer(At(1.5), 30, 0));
        Assert.Equal(LivenessAction.SendKeepalive, liveness.OnTimer(At(2), 40, 0));
        Assert.Equal(LivenessAction.SendKeepalive, liveness.OnTimer(At(2.5), 50, 0));
        Assert.Equal(LivenessAction.DeclareDead, liveness.OnTimer(At(3), 60, 0));
    }

    [Fact]
    public void Received_packets_are_a_sign_of_life()
    {
        var liveness = new Liveness(At(0));
        for (int turn = 1; turn <= 60; turn++)
            Assert.Equal(LivenessAction.None, liveness.OnTimer(At(turn * 0.5), packetsSent: turn, packetsReceived: turn));
    }

    [Fact]
    public void A_one_way_stream_whose_receiver_answers_keepalives_stays_alive()
    {
        var liveness = new Liveness(At(0));
        for (int turn = 1; turn <= 200; turn++)
        {
            LivenessAction action = liveness.OnTimer(At(turn * 0.5), packetsSent: turn * 100, packetsReceived: 0);
            Assert.NotEqual(LivenessAction.DeclareDead, action);
            if (action == LivenessAction.SendKeepalive)
                liveness.OnHeard(At((turn * 0.5) + 0.1));
        }
    }

    private static Instant At(double seconds) => default(Instant) + TimeSpan.FromSeconds(seconds);
}
