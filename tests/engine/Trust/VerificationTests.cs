using VibePN.Contracts;
using VibePN.Engine.Control;
using VibePN.Engine.Time;
using VibePN.Engine.Trust;

namespace VibePN.Engine.Tests.Trust;

public sealed class VerificationTests
{
    private static readonly Fingerprint First = Fingerprint.Parse(new string('1', 64));
    private static readonly Fingerprint Second = Fingerprint.Parse(new string('2', 64));
    private static readonly Fingerprint Mallory = Fingerprint.Parse("18" + new string('0', 62));

    [Fact]
    public void The_digits_are_the_documented_ones()
    {
        byte[] binding = [.. Enumerable.Range(0, 32).Select(value => (byte)value)];
        Assert.Equal("294343", VerificationCode.Digits(binding, First, Second, new byte[32], new byte[32]));
        Assert.Equal("cf6fc8407aef725e363763e1c0a28659243efb164640bf9e6b1c24df0afd7fa3", Convert.ToHexStringLower(VerificationCode.Commitment(binding, First, Second, new byte[32])));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Both_ends_of_a_connection_have_the_same_digits_whoever_asks_first(bool firstAsksFirst)
    {
        var pair = new Pair();
        (End one, End other) = firstAsksFirst ? (pair.A, pair.B) : (pair.B, pair.A);
        one.Start();
        pair.Deliver();
        Assert.Equal([VerifyState.Waiting], one.States);
        Assert.Empty(other.States); // not before its own operator asks
        other.Start();
        pair.Deliver();
        Assert.Equal([VerifyState.Waiting, VerifyState.Digits], one.States);
        Assert.Equal([VerifyState.Waiting, VerifyState.Digits], other.States);
        Assert.Matches("^[0-9]{6}$", one.Digits);
        Assert.Equal(one.Digits, other.Digits);
    }

    [Fact]
    public void Every_comparison_has_other_digits()
    {
        HashSet<string> digits = [];
        for (int seed = 0; seed < 100; seed++)
        {
            var pair = new Pair(seed);
            pair.A.Start();
            pair.B.Start();
            pair.Deliver();
            digits.Add(pair.A.Digits);
        }
        Assert.InRange(digits.Count, 95, 100);
    }

    [Fact]
    public void Somebody_with_a_session_to_each_of_the_two_leads_to_other_digits_on_either_side()
    {
        int alike = 0;
        for (int seed = 0; seed < 1_000; seed++)
        {
            // He passes on what he can: the very nonces of the two, over his own two connections.
            var left = new Pair(seed, First, Mallory, binding: 1);
            var right = new Pair(seed + 5_000, Mallory, Second, binding: 2);
            left.A.Start();
            left.B.Start();
            right.A.Start();
            right.B.Start();
            left.Deliver();
            right.Deliver();
            Assert.Equal((left.B.Digits, right.A.Digits), (left.A.Digits, right.B.Digits));
            alike += left.A.Digits == right.B.Digits ? 1 : 0;
        }
        Assert.Equal(0, alike);
    }

    [Fact]
    public void Messages_passed_from_one_connection_to_another_end_the_run()
    {
        // Two honest nodes, and in the middle somebody who passes every message on unchanged: the bindings differ.
        var left = new Pair(1, First, Second, binding: 1);
        var right = new Pair(2, First, Second, binding: 2);
        left.A.Start();
        right.B.Start();
        right.B.Receive(left.A.Sent.Dequeue());
        left.A.Receive(right.B.Sent.Dequeue());
        Assert.Equal(VerifyState.Digits, left.A.States[^1]);
        right.B.Receive(left.A.Sent.Dequeue());
        Assert.Equal(VerifyState.Failed, right.B.States[^1]);
        Assert.Contains("did not keep to its commitment", right.B.Text, StringComparison.Ordinal);
        Assert.Equal("", right.B.Digits);
    }

    [Fact]
    public void A_nonce_that_does_not_fit_the_commitment_is_refused_and_there_is_no_second_try()
    {
        var pair = new Pair();
        pair.B.Start();
        pair.B.Receive(Frame(ControlWriter.WriteVerifyCommit, new byte[32]));
        Assert.Single(pair.B.Sent);
        pair.B.Receive(Frame(ControlWriter.WriteVerifyReveal, new byte[32]));
        Assert.Equal([VerifyState.Waiting, VerifyState.Failed], pair.B.States);
        pair.B.Sent.Clear();
        pair.B.Receive(Frame(ControlWriter.WriteVerifyCommit, new byte[32]));
        Assert.Empty(pair.B.Sent);
        Assert.NotNull(pair.B.Machine.Confirm("000000", out _));
    }

    [Fact]
    public void A_second_commitment_after_the_answer_ends_the_run()
    {
        var pair = new Pair();
        pair.B.Start();
        pair.B.Receive(Frame(ControlWriter.WriteVerifyCommit, new byte[32]));
        pair.B.Receive(Frame(ControlWriter.WriteVerifyCommit, [.. new byte[31], 1]));
        Assert.Equal(VerifyState.Failed, pair.B.States[^1]);
        Assert.Single(pair.B.Sent); // one nonce was told, and no other
    }

    [Fact]
    public void A_node_whose_operator_has_not_asked_answers_nothing_and_forgets_after_two_minutes()
    {
        var pair = new Pair();
        pair.A.Start();
        pair.Deliver();
        Assert.Empty(pair.B.Sent);
        Assert.True(pair.B.Machine.IsAwaited);
        pair.Pass(TimeSpan.FromSeconds(121));
        Assert.False(pair.B.Machine.IsAwaited);
        Assert.Equal([VerifyState.Waiting, VerifyState.Expired], pair.A.States);
        pair.B.Start();
        pair.Deliver();
        Assert.Equal([VerifyState.Waiting], pair.B.States);
    }

    [Fact]
    public void A_lost_connection_is_replaced_before_a_nonce_is_told_and_ends_the_run_after()
    {
        var pair = new Pair();
        pair.A.Start();
        pair.Deliver();
        pair.Reconnect(binding: 7);
        pair.Deliver();
        pair.B.Start();
        pair.Deliver();
        Assert.Equal(pair.A.Digits, pair.B.Digits);
        Assert.NotEqual("", pair.A.Digits);

        pair = new Pair();
        pair.B.Start();
        pair.A.Start();
        pair.B.Receive(pair.A.Sent.Dequeue()); // B tells its nonce
        pair.Reconnect(binding: 7);
        pair.Deliver();
        Assert.Equal([VerifyState.Waiting, VerifyState.Failed], pair.B.States);
    }

    [Fact]
    public void Digits_are_confirmed_once_and_wrong_ones_are_a_warning()
    {
        var pair = new Pair();
        pair.A.Start();
        pair.B.Start();
        pair.Deliver();
        Assert.Null(pair.A.Machine.Confirm(pair.A.Digits, out Fingerprint certificate));
        Assert.Equal(Second, certificate);
        Assert.Contains("no digits", pair.A.Machine.Confirm(pair.A.Digits, out _), StringComparison.Ordinal);
        string wrong = pair.B.Digits == "000000" ? "000001" : "000000";
        Assert.Contains("differ", pair.B.Machine.Confirm(wrong, out certificate), StringComparison.Ordinal);
        Assert.True(certificate.IsEmpty);
        Assert.NotNull(pair.B.Machine.Confirm(pair.B.Digits, out _)); // one try
    }

    [Fact]
    public void Digits_cannot_be_confirmed_after_ten_minutes()
    {
        var pair = new Pair();
        pair.A.Start();
        pair.B.Start();
        pair.Deliver();
        pair.Pass(TimeSpan.FromMinutes(10.1));
        Assert.NotNull(pair.A.Machine.Confirm(pair.A.Digits, out _));
    }

    [Fact]
    public void Digits_are_not_part_of_the_text_of_a_step() =>
        Assert.DoesNotContain("123456", new VerifyStep(VerifyState.Digits, "read") { Digits = "123456" }.ToString(), StringComparison.Ordinal);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Messages_in_any_order_with_any_bytes_never_lead_to_digits_that_differ(int seed)
    {
        var random = new Random(seed);
        for (int round = 0; round < 2_000; round++)
        {
            var pair = new Pair(random.Next());
            List<byte[]> seen = [];
            for (int step = 0; step < 12; step++)
            {
                End end = random.Next(2) == 0 ? pair.A : pair.B;
                switch (random.Next(6))
                {
                    case 0:
                        end.Start();
                        break;
                    case 1 when end.Sent.TryDequeue(out byte[]? frame):
                        seen.Add(frame);
                        end.Other.Receive(frame);
                        break;
                    case 2 when seen.Count > 0: // repeated, perhaps to its own sender
                        end.Receive(seen[random.Next(seen.Count)]);
                        break;
                    case 3:
                        byte[] body = new byte[random.Next(2) == 0 ? 32 : 64];
                        random.NextBytes(body);
                        end.Machine.OnMessage(end.Channel,
                            new ControlFrame((ControlType)(new byte[] { 0xD6, 0xF6, 0xF7 })[random.Next(3)], body), pair.Now);
                        break;
                    case 4:
                        pair.Pass(TimeSpan.FromSeconds(random.Next(60)));
                        break;
                    default:
                        end.Machine.Cancel();
                        break;
                }
            }
            // Whatever was injected: both have digits of one and the same run only when they are alike.
            if (pair.A.Digits.Length > 0 && pair.B.Digits.Length > 0 && pair.A.Run == pair.B.Run)
                Assert.Equal(pair.A.Digits, pair.B.Digits);
        }
    }

    [Fact]
    public void A_desk_begins_five_within_a_minute_and_needs_a_session_with_a_binding()
    {
        var pair = new Pair();
        var desk = new VerificationDesk(First, bytes => bytes.AsSpan().Fill(1));
        List<VerifyStep> steps = [];
        desk.Start("n2", null, steps.Add, default);
        Assert.Contains("no session", steps[^1].Text, StringComparison.Ordinal);
        desk.Start("n2", pair.A.Channel with { Binding = default }, steps.Add, default);
        Assert.Contains("channel binding", steps[^1].Text, StringComparison.Ordinal);
        for (int i = 0; i < VerificationDesk.Burst; i++)
            desk.Start("n2", pair.A.Channel, steps.Add, default);
        Assert.Equal(VerifyState.Waiting, steps[^1].State);
        desk.Start("n2", pair.A.Channel, steps.Add, default);
        Assert.Equal(VerifyState.Failed, steps[^1].State);
        desk.Start("n2", pair.A.Channel, steps.Add, default(Instant) + TimeSpan.FromSeconds(61));
        Assert.Equal(VerifyState.Waiting, steps[^1].State);
    }

    private static byte[] Frame(FrameWriter write, byte[] body)
    {
        byte[] frame = new byte[ControlLimits.LengthField + 1 + body.Length];
        Assert.Equal(frame.Length, write(frame, body));
        return frame;
    }

    private delegate int FrameWriter(Span<byte> destination, ReadOnlySpan<byte> body);

    /// <summary>Two nodes and the connection between them; messages wait until the test delivers them.</summary>
    private sealed class Pair
    {
        public Pair(int seed = 1, Fingerprint? a = null, Fingerprint? b = null, byte binding = 1)
        {
            var random = new Random(seed);
            A = new End(this, a ?? First, b ?? Second, random);
            B = new End(this, b ?? Second, a ?? First, random);
            (A.Other, B.Other) = (B, A);
            Reconnect(binding);
        }

        public End A { get; }

        public End B { get; }

        public Instant Now { get; private set; }

        public int Connection { get; private set; }

        public void Reconnect(byte binding)
        {
            Connection++;
            foreach (End end in new[] { A, B })
                end.Connect(binding);
        }

        public void Deliver()
        {
            while (A.Sent.Count + B.Sent.Count > 0)
            {
                foreach (End end in new[] { A, B })
                {
                    if (end.Sent.TryDequeue(out byte[]? frame))
                        end.Other.Receive(frame);
                }
            }
        }

        public void Pass(TimeSpan time)
        {
            Now += time;
            A.Machine.OnTimer(Now);
            B.Machine.OnTimer(Now);
        }
    }

    private sealed class End
    {
        private readonly Pair _pair;
        private readonly Fingerprint _peer;

        public End(Pair pair, Fingerprint self, Fingerprint peer, Random random)
        {
            (_pair, _peer) = (pair, peer);
            Machine = new Verification(self, random.NextBytes);
        }

        public Verification Machine { get; }

        public End Other { get; set; } = null!;

        public VerifyChannel Channel { get; private set; } = null!;

        public Queue<byte[]> Sent { get; } = new();

        public List<VerifyState> States { get; } = [];

        public string Digits { get; private set; } = "";

        public string Text { get; private set; } = "";

        /// <summary>How often either operator had asked when there were digits: tells runs apart.</summary>
        public int Run { get; private set; }

        private int Asked { get; set; }

        public void Connect(byte binding)
        {
            VerifyChannel? old = Channel;
            Sent.Clear();
            byte[] bytes = new byte[32];
            bytes[0] = binding;
            Channel = new VerifyChannel(_pair.Connection, _peer, bytes, frame =>
            {
                Sent.Enqueue(frame.ToArray());
                return true;
            });
            if (old is null)
                return;
            Machine.OnGone(old.Id);
            Machine.OnActive(Channel);
        }

        public void Start()
        {
            Asked++;
            Machine.Start(Channel, step =>
            {
                States.Add(step.State);
                (Digits, Text) = (step.Digits, step.Text);
                Run = Asked + Other.Asked;
            }, _pair.Now);
        }

        public void Receive(byte[] bytes)
        {
            Assert.Equal(ReadResult.Frame, ControlReader.TryRead(bytes, out ControlFrame frame, out _));
            Assert.Null(Machine.OnMessage(Channel, frame, _pair.Now));
        }
    }
}
