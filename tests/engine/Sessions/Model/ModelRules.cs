namespace VibePN.Engine.Tests.Sessions.Model;

/// <summary>A rule of the protocol got wrong on purpose: the check must find each of them.</summary>
internal enum Defect
{
    None,

    /// <summary>The responder takes Hello for Confirm: it moves over before the initiator takes packets.</summary>
    SwitchBeforeConfirm,

    /// <summary>A connection that comes in cancels the own dial under way.</summary>
    CancelOwnDial,

    /// <summary>Whatever becomes switchable last wins.</summary>
    LatestWins,

    /// <summary>Whatever is active stays.</summary>
    EarliestWins,

    /// <summary>Only who dialled counts, not which dial it was.</summary>
    RankWithoutSequence,

    /// <summary>Only the number of the dial counts, not whose it was.</summary>
    RankWithoutPreferred,

    /// <summary>Each node prefers its own dials.</summary>
    PreferOwnDials,

    /// <summary>A restart of the peer is not looked at.</summary>
    ForgetInstances,

    /// <summary>A connection of a different life replaces what is there, older or newer.</summary>
    AnyOtherInstanceWins,

    /// <summary>A second connection of the life that is connected already is refused.</summary>
    RefuseSameInstance,

    /// <summary>A node dials although it has a connection.</summary>
    DialWhileActive,

    /// <summary>A node dials although a connection is just being greeted.</summary>
    DialWhileGreeting,

    /// <summary>A drained connection is closed at once.</summary>
    DrainCloses,

    /// <summary>The peer's Drain closes the connection.</summary>
    DrainSeenCloses,

    /// <summary>A drained connection takes no packets any more.</summary>
    DrainDeafens,

    /// <summary>The loser stays in use by whoever has it: nothing is drained.</summary>
    NothingDrained,

    /// <summary>A drained connection is closed after a while, whether the other end has moved over or not.</summary>
    ImpatientDrain,

    /// <summary>When the active connection fails, a drained one that still stands is not used again.</summary>
    ForgetFallback,

    /// <summary>When the active connection fails, the lowest of the others takes over.</summary>
    FallBackToLowest,
}

/// <summary>What may happen in one exploration. The state space is finite because each of these is bounded.</summary>
internal sealed record ModelRules
{
    /// <summary>What the exploration is called in reports.</summary>
    public required string Name { get; init; }

    /// <summary>Dials of the preferred node, renewals included.</summary>
    public required int PreferredDials { get; init; }

    /// <summary>Dials of the other node, renewals included. 0 where a NAT lets nothing in on the preferred side.</summary>
    public required int OtherDials { get; init; }

    /// <summary>Restarts of the preferred node.</summary>
    public int PreferredRestarts { get; init; }

    /// <summary>Restarts of the other node.</summary>
    public int OtherRestarts { get; init; }

    /// <summary>Any connection may break at any time.</summary>
    public bool Failures { get; init; }

    /// <summary>Either end may give a handshake up although the path stands.</summary>
    public bool TimeOuts { get; init; }

    /// <summary>Ends that can do nothing any more notice it at once: far fewer states, and no behaviour less.</summary>
    public bool Hurry { get; init; } = true;

    /// <summary>The initiator of the active connection may replace it before it breaks.</summary>
    public bool Renewal { get; init; }

    /// <summary>A restart may keep its instance number, or fall back behind it.</summary>
    public bool LostInstances { get; init; }

    /// <summary>The rule that is broken.</summary>
    public Defect Defect { get; init; }

    public int DialsOf(int node) => node == 0 ? PreferredDials : OtherDials;

    public int RestartsOf(int node) => node == 0 ? PreferredRestarts : OtherRestarts;
}
