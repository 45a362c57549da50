using System.Security.Cryptography;
using VibePN.Contracts;
using VibePN.Engine.Control;
using VibePN.Engine.Time;

namespace VibePN.Engine.Trust;

/// <summary>A connection as a comparison sees it.</summary>
/// <param name="Id">Its number in this process.</param>
/// <param name="Peer">Who is at the other end.</param>
/// <param name="Binding">Bytes that only its two ends share.</param>
/// <param name="Send">Sends a control frame; false when it could not be queued.</param>
internal sealed record VerifyChannel(long Id, Fingerprint Peer, ReadOnlyMemory<byte> Binding, Func<ReadOnlyMemory<byte>, bool> Send);

/// <summary>One peer's part in comparing short digits (S-09): commit, answer, reveal, and never more than one try for an order.</summary>
/// <remarks>
/// <para>
/// The node with the smaller fingerprint commits to its nonce first, the other answers with its own, and only then the first
/// one reveals: so neither, nor anybody between them, can choose a nonce by the digits it would lead to. A node answers only
/// after its own operator has asked for the comparison. From the moment a nonce has been told there is no second try: any
/// disturbance ends the run, or somebody between the nodes could go on until the digits happen to be alike.
/// </para>
/// <para>Takes events with the time; one thread; no clock, no randomness of its own. Says how it goes by <c>tell</c>.</para>
/// </remarks>
/// <param name="self">This node.</param>
/// <param name="fillNonce">Fills a nonce with secret random bytes.</param>
internal sealed class Verification(Fingerprint self, Action<byte[]> fillNonce)
{
    /// <summary>How long an operator waits for the other one, and a commitment for its answer.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>How long digits can be confirmed.</summary>
    public static readonly TimeSpan ConfirmWithin = TimeSpan.FromMinutes(10);

    private const string Lost = "the connection was lost during the comparison: run it again on both nodes";

    private (VerifyChannel Channel, byte[] Commitment, Instant Until)? _waiting; // the peer's, before our operator asked
    private Run? _run;
    private Result? _result;

    /// <summary>When <see cref="OnTimer"/> wants to be called next.</summary>
    public Instant NextTimer => Instant.Min(
        _run?.Until ?? Instant.Never, Instant.Min(_waiting?.Until ?? Instant.Never, _result?.Until ?? Instant.Never));

    /// <summary>Whether the operator has asked and has no digits yet.</summary>
    public bool IsRunning => _run is not null;

    /// <summary>The peer's operator has asked and ours has not, until when.</summary>
    public bool IsAwaited => _waiting is not null && _run is null;

    /// <summary>Our operator asks for the comparison.</summary>
    /// <param name="channel">The connection in use.</param>
    /// <param name="tell">Told of each step.</param>
    /// <param name="now">The time.</param>
    public void Start(VerifyChannel channel, Action<VerifyStep> tell, Instant now)
    {
        End(VerifyState.Cancelled, "another comparison with this peer was begun");
        _result = null;
        _run = new Run(channel, tell, now + Patience);
        tell(new VerifyStep(VerifyState.Waiting, "waiting for the other operator, who has to run the same command for this node"));
        if (self < channel.Peer)
            Commit(_run);
        else if (_waiting is { } waiting && waiting.Channel.Id == channel.Id)
            Answer(_run, waiting.Commitment);
        _waiting = null;
    }

    /// <summary>Our operator gives up.</summary>
    public void Cancel() => _run = null;

    /// <summary>The digits have been compared.</summary>
    /// <param name="digits">What the other operator read.</param>
    /// <param name="peer">Whose certificate was compared, when they are alike.</param>
    /// <returns>What is wrong, or null. Whatever it is, these digits cannot be confirmed again.</returns>
    public string? Confirm(string digits, out Fingerprint peer)
    {
        peer = default;
        if (_result is not { } result)
            return "there are no digits to confirm: run the comparison on both nodes first, or again when it is longer ago than 10 minutes";
        _result = null;
        if (!CryptographicOperations.FixedTimeEquals(System.Text.Encoding.UTF8.GetBytes(digits), System.Text.Encoding.UTF8.GetBytes(result.Digits)))
            return "the digits differ. Unless one of you misread them, somebody is between the two nodes: do not trust this peer. To try once more, both run it again";
        peer = result.Peer;
        return null;
    }

    /// <summary>A message of a comparison came in.</summary>
    /// <returns>What is wrong with its form, or null.</returns>
    public string? OnMessage(VerifyChannel channel, ControlFrame frame, Instant now)
    {
        switch (frame.Type)
        {
            case ControlType.VerifyCommit when VerifyCommitMessage.TryParse(frame.Body, out VerifyCommitMessage commit):
                OnCommit(channel, commit.Commitment.ToArray(), now);
                return null;
            case ControlType.VerifyNonce when VerifyNonceMessage.TryParse(frame.Body, out VerifyNonceMessage nonce):
                OnNonce(channel, nonce, now);
                return null;
            case ControlType.VerifyReveal when VerifyRevealMessage.TryParse(frame.Body, out VerifyRevealMessage reveal):
                OnReveal(channel, reveal.Nonce, now);
                return null;
            default:
                return ControlProblem.BadBody(frame.Type);
        }
    }

    /// <summary>A connection is gone.</summary>
    public void OnGone(long channelId)
    {
        if (_waiting?.Channel.Id == channelId)
            _waiting = null;
        if (_run is { HasTold: true } run && run.Channel.Id == channelId)
            End(VerifyState.Failed, Lost);
    }

    /// <summary>Another connection is in use now.</summary>
    public void OnActive(VerifyChannel channel)
    {
        if (_run is not { HasTold: false } run || run.Channel.Id == channel.Id)
            return;
        // Nothing has been told yet but a commitment that means nothing elsewhere.
        if (Move(run, channel) is { } moved && self < channel.Peer)
            Commit(moved);
    }

    /// <summary>The peer left the configuration.</summary>
    public void Stop() => End(VerifyState.Failed, "the peer was taken out of the configuration");

    /// <summary>Ends what has waited too long.</summary>
    public void OnTimer(Instant now)
    {
        if (_waiting?.Until <= now)
            _waiting = null;
        if (_result?.Until <= now)
            _result = null;
        if (_run?.Until <= now)
            End(VerifyState.Expired, "the other operator did not run the same command within 2 minutes");
    }

    private void Commit(Run run)
    {
        run.Nonce = NewNonce();
        run.Commitment = VerificationCode.Commitment(run.Channel.Binding.Span, self, run.Channel.Peer, run.Nonce);
        Send(run, ControlWriter.WriteVerifyCommit, run.Commitment);
    }

    private void OnCommit(VerifyChannel channel, byte[] commitment, Instant now)
    {
        if (self < channel.Peer)
            return; // it is ours to commit
        if (_run is not { } run)
            _waiting = (channel, commitment, now + Patience);
        else if (run.HasTold)
            End(VerifyState.Failed, "the other node began anew after a nonce had been told: run it again on both nodes");
        else if (Move(run, channel) is { } moved)
            Answer(moved, commitment);
    }

    private Run? Move(Run run, VerifyChannel channel)
    {
        if (channel.Peer == run.Channel.Peer)
            return _run = run with { Channel = channel };
        End(VerifyState.Failed, "the peer came back with another certificate: look with 'vpnctl trust list'");
        return null;
    }

    private void Answer(Run run, byte[] commitment)
    {
        run.Commitment = commitment;
        run.Nonce = NewNonce();
        run.HasTold = true;
        Send(run, ControlWriter.WriteVerifyNonce, [.. commitment, .. run.Nonce]);
    }

    private void OnNonce(VerifyChannel channel, VerifyNonceMessage message, Instant now)
    {
        if (_run is not { Nonce: { } nonce } run || run.Channel.Id != channel.Id || self > channel.Peer || run.HasTold
            || !message.Commitment.SequenceEqual(run.Commitment))
            return; // an answer to an earlier run
        run.HasTold = true;
        if (Send(run, ControlWriter.WriteVerifyReveal, nonce))
            Finish(run, VerificationCode.Digits(channel.Binding.Span, self, channel.Peer, nonce, message.Nonce), now);
    }

    private void OnReveal(VerifyChannel channel, ReadOnlySpan<byte> nonce, Instant now)
    {
        if (_run is not { HasTold: true, Nonce: { } ours } run || run.Channel.Id != channel.Id || self < channel.Peer)
            return;
        byte[] expected = VerificationCode.Commitment(channel.Binding.Span, channel.Peer, self, nonce);
        if (!CryptographicOperations.FixedTimeEquals(expected, run.Commitment))
            End(VerifyState.Failed, "the other node did not keep to its commitment: somebody may be between the two nodes. Do not trust this peer");
        else
            Finish(run, VerificationCode.Digits(channel.Binding.Span, channel.Peer, self, nonce, ours), now);
    }

    private void Finish(Run run, string digits, Instant now)
    {
        _run = null;
        _result = new Result(digits, run.Channel.Peer, now + ConfirmWithin);
        run.Tell(new VerifyStep(VerifyState.Digits, "read these digits to the other operator; they must be alike on both nodes") { Digits = digits });
    }

    private void End(VerifyState state, string text)
    {
        Run? run = _run;
        _run = null;
        run?.Tell(new VerifyStep(state, text));
    }

    private bool Send(Run run, FrameWriter write, byte[] body)
    {
        byte[] frame = new byte[ControlLimits.LengthField + 1 + body.Length];
        if (write(frame, body) > 0 && run.Channel.Send(frame))
            return true;
        End(VerifyState.Failed, "the connection takes no message now: run it again on both nodes");
        return false;
    }

    private byte[] NewNonce()
    {
        byte[] nonce = new byte[VerifyLimits.Nonce];
        fillNonce(nonce);
        return nonce;
    }

    private delegate int FrameWriter(Span<byte> destination, ReadOnlySpan<byte> body);

    /// <summary>A comparison that our operator has asked for.</summary>
    private sealed record Run(VerifyChannel Channel, Action<VerifyStep> Tell, Instant Until)
    {
        public byte[]? Nonce { get; set; }

        public byte[] Commitment { get; set; } = [];

        /// <summary>Whether a nonce has left either node: from here on there is no second try.</summary>
        public bool HasTold { get; set; }
    }

    private sealed record Result(string Digits, Fingerprint Peer, Instant Until);
}
