using VibePN.Engine.Sessions;
using VibePN.Engine.Time;

namespace VibePN.Engine.Tests.Sessions;

public sealed class LivenessTests
{
    [Fact]
    public void An_idle_peer_is_asked_every_five_seconds_give_or_take_a_tenth()
    {
        var gaps = new List<double>();
        for (int seed = 0; seed < 200; seed++)
        {
            var path = new Path(seed);
            path.RunUntil(60);
            gaps.AddRange(path.Asked.Zip(path.Asked.Skip(1), (first, second) => second - first));
        }
        Assert.InRange(gaps.Min(), 4.5, 4.6);
        Assert.InRange(gaps.Max(), 5.4, 5.5);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_idle_peer_is_dead_at_most_fifteen_and_a_half_seconds_after_its_path_broke(bool oneWay)
    {
        double longest = 0;
        double shortest = double.MaxValue;
        for (int seed = 0; seed < 500; seed++)
        {
            var path = new Path(seed) { Breaks = 20 + (seed * 0.0137), OneWay = oneWay };
            path.RunUntil(60);
            longest = Math.Max(longest, path.Dead!.Value - path.Breaks);
            shortest = Math.Min(shortest, path.Dead!.Value - path.Breaks);
        }
        Assert.InRange(longest, 14, 15.5);
        Assert.InRange(shortest, 9, 15);
    }

    [Theory]
    [InlineData(0.01, 0)] // we send all the time
    [InlineData(0, 0.01)] // we receive all the time
    [InlineData(0.01, 0.01)]
    [InlineData(0.9, 0)] // a packet now and then
    [InlineData(0, 0.9)]
    public void A_peer_in_traffic_is_dead_at_most_two_and_a_half_seconds_after_its_path_broke(double sendEvery, double receiveEvery)
    {
        double longest = 0;
        for (int seed = 0; seed < 500; seed++)
        {
            var path = new Path(seed) { Breaks = 20 + (seed * 0.0137), SendEvery = sendEvery, ReceiveEvery = receiveEvery };
            path.RunUntil(60);
            longest = Math.Max(longest, path.Dead!.Value - path.Breaks);
        }
        Assert.InRange(longest, 2.2, 2.5);
    }

    [Fact]
    public void What_still_comes_in_does_not_hide_that_nothing_gets_out()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            var path = new Path(seed) { Breaks = 20 + (seed * 0.0137), OneWay = true, SendEvery = 0.05, ReceiveEvery = 0.05 };
            path.RunUntil(60);
            Assert.InRange(path.Dead!.Value - path.Breaks, 0.9, 3);
        }
    }

    [Fact]
    public void Traffic_that_begins_on_a_dead_path_finds_out_within_three_seconds()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            // The path breaks in silence; two seconds later somebody sends.
            double begins = 22 + (seed * 0.0137);
            var path = new Path(seed) { Breaks = 20 + (seed * 0.0137), SendEvery = 0.05, TrafficBegins = begins };
            path.RunUntil(60);
            Assert.InRange(path.Dead!.Value - begins, 0, 3);
        }
    }

    [Theory]
    [InlineData(0, 0, 0.6)]
    [InlineData(0.01, 0, 0.6)]
    [InlineData(0.01, 0.01, 1.2)]
    [InlineData(0, 0.3, 1.8)]
    public void A_peer_that_answers_stays_alive_however_slow_the_path(double sendEvery, double receiveEvery, double roundTrip)
    {
        for (int seed = 0; seed < 20; seed++)
        {
            var path = new Path(seed) { SendEvery = sendEvery, ReceiveEvery = receiveEvery, RoundTrip = roundTrip };
            path.RunUntil(300);
            Assert.Null(path.Dead);
        }
    }

    [Fact]
    public void Traffic_costs_five_questions_in_three_seconds()
    {
        var path = new Path(1) { SendEvery = 0.01, ReceiveEvery = 0.01 };
        path.RunUntil(100);
        Assert.InRange(path.Asked.Count, 158, 168);
    }

    [Fact]
    public void After_a_change_of_the_network_a_peer_that_does_not_answer_is_dead_within_a_second_or_three_round_trips()
    {
        var liveness = new Liveness(new Random(1), At(0));
        Assert.True(liveness.Probe(At(0.2), TimeSpan.FromMilliseconds(20)));
        // Patient for 0.5 s and 5 round trips.
        Assert.Equal(LivenessAction.None, liveness.OnTimer(At(0.5), 0, 0));
        Assert.Equal(LivenessAction.None, liveness.OnTimer(At(0.79), 0, 0));
        Assert.Equal(At(0.8), liveness.NextTimer);
        Assert.False(liveness.Probe(At(0.75), TimeSpan.FromMilliseconds(20))); // more changes win no more time
        Assert.Equal(LivenessAction.DeclareDead, liveness.OnTimer(At(0.8), 0, 0));
        Assert.True(liveness.IsProbed);

        var far = new Liveness(new Random(1), At(0));
        far.Probe(At(0), TimeSpan.FromSeconds(1));
        for (double seconds = 0.5; seconds < 3; seconds += 0.5)
            Assert.NotEqual(LivenessAction.DeclareDead, far.OnTimer(At(seconds), 0, 0)); // three round trips
        Assert.Equal(LivenessAction.DeclareDead, far.OnTimer(At(3), 0, 0));
    }

    [Fact]
    public void After_a_change_of_the_network_an_answer_to_the_new_question_is_enough_and_an_older_one_is_not()
    {
        var liveness = new Liveness(new Random(1), At(0));
        liveness.OnTimer(At(0.5), 1, 0);
        Assert.Equal(LivenessAction.SendKeepalive, liveness.OnTimer(At(1), 2, 0));
        liveness.Probe(At(1.1), TimeSpan.Zero);
        liveness.OnAnswer((ulong)At(1).Nanoseconds); // was on its way before
        Assert.True(liveness.IsProbed);
        liveness.OnAnswer((ulong)At(1.1).Nanoseconds);
        Assert.False(liveness.IsProbed);
        Assert.Equal(LivenessAction.None, liveness.OnTimer(At(1.6), 2, 0));
    }

    [Fact]
    public void An_answer_that_was_never_asked_for_proves_nothing()
    {
        var liveness = new Liveness(new Random(1), At(0));
        for (double t = 0.5; t < 14.9; t += 0.5)
        {
            liveness.OnAnswer((ulong)At(t + 100).Nanoseconds);
            liveness.OnAnswer(0);
            Assert.NotEqual(LivenessAction.DeclareDead, liveness.OnTimer(At(t), 0, 0));
        }
        Assert.Equal(LivenessAction.DeclareDead, liveness.OnTimer(At(15), 0, 0));
    }

    [Fact]
    public void Whoever_overslept_asks_again_before_it_blames_the_peer()
    {
        var liveness = new Liveness(new Random(1), At(0));
        liveness.OnTimer(At(0.5), 10, 0);
        Assert.Equal(LivenessAction.SendKeepalive, liveness.OnTimer(At(1), 20, 0));
        // Stopped for 6 s; the answer lies unread in a socket.
        Assert.Equal(LivenessAction.SendKeepalive, liveness.OnTimer(At(7), 20, 0));
        liveness.OnAnswer((ulong)At(7).Nanoseconds);
        Assert.Equal(LivenessAction.None, liveness.OnTimer(At(7.5), 20, 0));
    }

    private static Instant At(double seconds) => default(Instant) + TimeSpan.FromSeconds(seconds);

    /// <summary>One end of a path that breaks for good at some moment, in virtual time.</summary>
    private sealed class Path(int seed)
    {
        private readonly Liveness _liveness = new(new Random(seed), At(0));
        private readonly Queue<(Instant When, ulong Token)> _answers = new();

        public double Breaks { get; init; } = double.MaxValue;

        /// <summary>What the other end sends still arrives when it is broken.</summary>
        public bool OneWay { get; init; }

        public double SendEvery { get; init; }

        public double ReceiveEvery { get; init; }

        public double TrafficBegins { get; init; }

        public double RoundTrip { get; init; } = 0.02;

        public List<double> Asked { get; } = [];

        public double? Dead { get; private set; }

        public void RunUntil(double end)
        {
            while (Dead is null)
            {
                Instant next = _answers.TryPeek(out (Instant When, ulong) answer)
                    ? Instant.Min(answer.When, _liveness.NextTimer) : _liveness.NextTimer;
                if (next > At(end))
                    return;
                if (next == answer.When && _answers.TryDequeue(out (Instant, ulong Token) due))
                    _liveness.OnAnswer(due.Token);
                else
                    OnTimer(next);
            }
        }

        private void OnTimer(Instant now)
        {
            double seconds = now.Nanoseconds / 1e9;
            long sent = Count(SendEvery, seconds);
            long received = Count(ReceiveEvery, OneWay ? seconds : Math.Min(seconds, Breaks));
            switch (_liveness.OnTimer(now, sent, received))
            {
                case LivenessAction.DeclareDead:
                    Dead = seconds;
                    break;
                case LivenessAction.SendKeepalive:
                    Asked.Add(seconds);
                    if (seconds < Breaks)
                        _answers.Enqueue((now + TimeSpan.FromSeconds(RoundTrip), (ulong)now.Nanoseconds));
                    break;
            }
        }

        private long Count(double every, double seconds) =>
            every == 0 || seconds < TrafficBegins ? 0 : (long)((seconds - TrafficBegins) / every);
    }
}
