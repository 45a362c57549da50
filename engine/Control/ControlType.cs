namespace VibePN.Engine.Control;

/// <summary>The messages of the control stream (docs/wire-format.md §4). The numbers stay.</summary>
/// <remarks>A type with the high bit set is optional: a node that does not know it skips the frame.</remarks>
internal enum ControlType : byte
{
    /// <summary>No message.</summary>
    None = 0,

    /// <summary>First message of the initiator: <see cref="HelloMessage"/>.</summary>
    Hello = (byte)'H',

    /// <summary>First message of the responder: <see cref="HelloAckMessage"/>.</summary>
    HelloAck = (byte)'h',

    /// <summary>The initiator has seen the HelloAck. Empty.</summary>
    Confirm = (byte)'C',

    /// <summary>The responder has seen the Confirm. Empty.</summary>
    Ready = (byte)'R',

    /// <summary>The sender puts no more packets on this connection. Empty.</summary>
    Drain = (byte)'D',

    /// <summary>Prefixes that the sender is a way to: <see cref="RouteItemReader"/>.</summary>
    Announce = (byte)'A',

    /// <summary>Prefixes that the sender no longer is a way to: <see cref="RouteItemReader"/>.</summary>
    Withdraw = (byte)'W',

    /// <summary>A full set of announcements follows: <see cref="NetworkMessage"/>.</summary>
    Begin = (byte)'B',

    /// <summary>A full set of announcements is complete: <see cref="NetworkMessage"/>.</summary>
    End = (byte)'E',

    /// <summary>What the sender has announced, in short: <see cref="DigestMessage"/>.</summary>
    Digest = (byte)'I',

    /// <summary>Asks for a full set of announcements: <see cref="NetworkMessage"/>.</summary>
    Refresh = (byte)'F',

    /// <summary>Asks for a sign of life: <see cref="KeepaliveMessage"/>.</summary>
    Keepalive = (byte)'K',

    /// <summary>The sign of life, with the question's token: <see cref="KeepaliveMessage"/>.</summary>
    KeepaliveReply = (byte)'k',

    /// <summary>The sender leaves: <see cref="GoodbyeMessage"/>.</summary>
    Goodbye = (byte)'G',

    /// <summary>How the sender came to its own address in a network: <see cref="ClaimMessage"/>. Optional.</summary>
    Claim = 0xC1,

    /// <summary>Asks the node that began the connection for a new one: what the two agreed on has changed. Empty; optional.</summary>
    Renew = 0xD2,

    /// <summary>Another node has the better claim to the receiver's address: <see cref="ClaimLostMessage"/>. Optional.</summary>
    ClaimLost = 0xCC,

    /// <summary>First step of comparing short digits: <see cref="VerifyCommitMessage"/>. Optional.</summary>
    VerifyCommit = 0xD6,

    /// <summary>Second step: <see cref="VerifyNonceMessage"/>. Optional.</summary>
    VerifyNonce = 0xF6,

    /// <summary>Third step: <see cref="VerifyRevealMessage"/>. Optional.</summary>
    VerifyReveal = 0xF7,
}
