using VibePN.Contracts;
using VibePN.Engine.Time;
using VibePN.Invites;

namespace VibePN.Engine.Joining;

/// <summary>The joiner's end: all of the inviter's addresses are dialled, the first that answers is asked.</summary>
/// <remarks>Control thread.</remarks>
internal sealed class JoinAttempt(JoinRequest request, Fingerprint self, Action<JoinOutcome> done, Instant now)
{
    /// <summary>What joining may take in all: a handshake, then the answer.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly HashSet<long> _dials = [];
    private readonly List<CloseReason> _failures = [];
    private readonly List<byte> _received = [];
    private ITransportConnection? _connection;

    /// <summary>When it is over, whatever has happened.</summary>
    public Instant Deadline { get; } = now + Limit;

    /// <summary>Whether the outcome has been told.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Where to dial.</summary>
    public IReadOnlyList<string> Addresses => request.Invite.Addresses;

    /// <summary>A dial of this attempt begins.</summary>
    public void OnDial(long dialId) => _dials.Add(dialId);

    /// <summary>Whether a dial is this attempt's.</summary>
    public bool Owns(long dialId) => _dials.Contains(dialId);

    /// <summary>Whether a connection is the one that was asked.</summary>
    public bool Owns(ITransportConnection connection) => _connection?.Id == connection.Id;

    /// <summary>A dial reached the inviter.</summary>
    public void OnConnected(ITransportConnection connection, long dialId)
    {
        _dials.Remove(dialId);
        if (IsDone || _connection is not null)
        {
            connection.Close(new CloseReason(CloseCode.Superseded, "another address was faster"));
            return;
        }
        _connection = connection;
        Invite invite = request.Invite;
        if (connection.ChannelBinding.Length != InviteProof.BindingLength)
        {
            Finish(new JoinOutcome(JoinResult.BadAnswer, "the transport has no channel binding, without which a proof could be replayed"));
            return;
        }
        byte[] proof = InviteProof.Compute(
            invite.Secret.Span, connection.ChannelBinding.Span, invite.Id, self.ToString());
        if (!connection.SendControl(JoinMessages.Write(JoinMessage.Redeem(invite.Id, proof, request.Name))))
            Finish(new JoinOutcome(JoinResult.Unreachable, "the connection closed at once"));
    }

    /// <summary>A dial came to nothing.</summary>
    public void OnDialFailed(long dialId, CloseReason reason)
    {
        _dials.Remove(dialId);
        _failures.Add(reason);
        if (_dials.Count > 0 || _connection is not null)
            return;
        // A refusal is somebody's decision and says more than silence.
        CloseReason telling = _failures.Find(failure => failure.Code == CloseCode.TrustRefused);
        bool isRefused = telling.Code == CloseCode.TrustRefused;
        string text = string.Join("; ", _failures.Select(failure => failure.Text).Distinct());
        Finish(new JoinOutcome(isRefused ? JoinResult.NotLetIn : JoinResult.Unreachable, text));
    }

    /// <summary>Bytes of the inviter's answer.</summary>
    public void OnBytes(ReadOnlySpan<byte> bytes)
    {
        if (IsDone)
            return;
        bool tooMuch = _received.Count + bytes.Length > JoinMessages.MaxFrame;
        if (!tooMuch)
            _received.AddRange(bytes);
        JoinMessage? message = null;
        if (tooMuch || !JoinMessages.TryRead(_received.ToArray(), out message) || message is { Type: JoinType.Redeem })
            Finish(new JoinOutcome(JoinResult.BadAnswer, "its answer is no message of this protocol"));
        else if (message is { Type: JoinType.Granted })
            Finish(new JoinOutcome(JoinResult.Granted, PeerName: message.Name));
        else if (message is not null)
            Finish(new JoinOutcome(message.Result));
    }

    /// <summary>The connection is gone.</summary>
    public void OnClosed(CloseReason reason) => Finish(reason.Code == CloseCode.HelloTimeout
        ? new JoinOutcome(JoinResult.TimedOut, reason.Text)
        : new JoinOutcome(JoinResult.Unreachable, reason.Text));

    /// <summary>The time is over.</summary>
    public void OnDeadline() => Finish(_connection is null
        ? new JoinOutcome(JoinResult.Unreachable, $"no answer within {Limit.TotalSeconds:0} s")
        : new JoinOutcome(JoinResult.TimedOut, $"connected, and no answer within {Limit.TotalSeconds:0} s"));

    private void Finish(JoinOutcome outcome)
    {
        if (IsDone)
            return;
        IsDone = true;
        _connection?.Close(new CloseReason(CloseCode.None, "done"));
        done(outcome);
    }
}
