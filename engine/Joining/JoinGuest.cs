using VibePN.Contracts;
using VibePN.Engine.Time;

namespace VibePN.Engine.Joining;

/// <summary>The inviter's end of one redemption: one message in, one out, 5 s in all.</summary>
/// <remarks>Control thread. Such a connection is never a peer's: it carries no packets and no routes.</remarks>
internal sealed class JoinGuest(ITransportConnection connection, Instant now)
{
    /// <summary>What a redemption may take, from the handshake's end to the answer.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    private readonly List<byte> _received = [];
    private bool _isAsked;

    /// <summary>The connection.</summary>
    public ITransportConnection Connection => connection;

    /// <summary>When it is over, whatever has happened.</summary>
    public Instant Deadline { get; } = now + Limit;

    /// <summary>Whether the answer is out: now it is for the joiner to close.</summary>
    public bool IsAnswered { get; private set; }

    /// <summary>More bytes have come.</summary>
    /// <returns>The claim, once; null while there is none. What breaks the rules closes the connection.</returns>
    public JoinMessage? OnBytes(ReadOnlySpan<byte> bytes)
    {
        if (_isAsked || _received.Count + bytes.Length > JoinMessages.MaxFrame)
        {
            Refuse(CloseCode.ProtocolError);
            return null;
        }
        _received.AddRange(bytes);
        if (!JoinMessages.TryRead(_received.ToArray(), out JoinMessage? message) || message is { Type: not JoinType.Redeem })
        {
            Refuse(CloseCode.ProtocolError);
            return null;
        }
        _isAsked = message is not null;
        return message;
    }

    /// <summary>The decision is there.</summary>
    public void Answer(JoinDecision decision)
    {
        IsAnswered = true;
        JoinMessage answer = decision.Result == JoinResult.Granted
            ? JoinMessage.Granted(decision.PeerName)
            : JoinMessage.Refused(decision.Result);
        if (!connection.SendControl(JoinMessages.Write(answer)))
            Refuse(CloseCode.Internal);
    }

    /// <summary>The time is over.</summary>
    public void OnDeadline() => Refuse(IsAnswered ? CloseCode.None : CloseCode.HelloTimeout);

    // A stranger learns no more than this.
    private void Refuse(CloseCode code) => connection.Close(new CloseReason(code, "not joined"));
}
