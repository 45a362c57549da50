namespace VibePN.Engine.Tests.Sessions.Model;

/// <summary>How far one end of a connection is. The two ends use the same names for the steps that match.</summary>
internal enum EndPhase
{
    /// <summary>Initiator: the dial is under way. Responder: has not heard of it.</summary>
    Absent,

    /// <summary>Initiator: Hello sent. Responder: awaits Hello.</summary>
    First,

    /// <summary>Initiator: HelloAck seen, Confirm sent. Responder: HelloAck sent. From here on the end takes packets.</summary>
    Second,

    /// <summary>Packets go out here.</summary>
    Active,

    /// <summary>Drain is sent: this end only receives.</summary>
    Draining,

    /// <summary>Closed, or its process is dead.</summary>
    Closed,
}

/// <summary>What lies on the way to one end: a stream, so at most one of each and always in this order.</summary>
[Flags]
internal enum Wire
{
    None = 0,

    /// <summary>Hello on the way to the responder, HelloAck on the way to the initiator.</summary>
    Greeting = 1,

    /// <summary>Confirm on the way to the responder, Ready on the way to the initiator.</summary>
    Confirmation = 2,

    Drain = 4,
}

/// <summary>One connection in 25 bits: both ends, and what is under way between them. End 0 is the initiator's.</summary>
/// <remarks>Bits: initiator 1, phase 2×3, peer drained 2×1, broken 1, wire 2×3, sequence 2, instance 2×3, reused 1.</remarks>
internal struct ModelLink(uint bits)
{
    public uint Bits = bits;

    /// <summary>No connection at all.</summary>
    public readonly bool IsFree => Bits == 0;

    /// <summary>Which node dialled: 0 is the preferred one.</summary>
    public int Initiator
    {
        readonly get => (int)(Bits & 1);
        set => Set(0, 1, (uint)value);
    }

    /// <summary>The path is dead: nothing arrives any more, and each end notices in its own time.</summary>
    public bool IsBroken
    {
        readonly get => Get(9, 1) != 0;
        set => Set(9, 1, value ? 1u : 0);
    }

    /// <summary>The initiator's number of this dial, from 1 in each of its lives.</summary>
    public int Sequence
    {
        readonly get => (int)Get(16, 2);
        set => Set(16, 2, (uint)value);
    }

    /// <summary>An end went back to it after a Drain.</summary>
    public bool IsReused
    {
        readonly get => Get(24, 1) != 0;
        set => Set(24, 1, value ? 1u : 0);
    }

    public readonly EndPhase Phase(int end) => (EndPhase)Get(1 + (3 * end), 3);

    public void SetPhase(int end, EndPhase phase) => Set(1 + (3 * end), 3, (uint)phase);

    /// <summary>Whether this end has seen the other's Drain.</summary>
    public readonly bool SawDrain(int end) => Get(7 + end, 1) != 0;

    public void SetSawDrain(int end, bool value) => Set(7 + end, 1, value ? 1u : 0);

    /// <summary>What is on its way to this end.</summary>
    public readonly Wire WireTo(int end) => (Wire)Get(10 + (3 * end), 3);

    public void SetWireTo(int end, Wire wire) => Set(10 + (3 * end), 3, (uint)wire);

    /// <summary>The instance number that this end gave.</summary>
    public readonly int InstanceOf(int end) => (int)Get(18 + (3 * end), 3);

    public void SetInstanceOf(int end, int instance) => Set(18 + (3 * end), 3, (uint)instance);

    /// <summary>The node that owns an end.</summary>
    public readonly int NodeOf(int end) => Initiator ^ end;

    /// <summary>The end that a node owns.</summary>
    public readonly int EndOf(int node) => Initiator ^ node;

    /// <summary>Whether the session layer of this end knows the connection.</summary>
    public readonly bool IsOpen(int end) => Phase(end) is > EndPhase.Absent and < EndPhase.Closed;

    /// <summary>Whether this end takes packets, and knows the other's instance.</summary>
    public readonly bool Receives(int end) => Phase(end) is >= EndPhase.Second and < EndPhase.Closed;

    /// <summary>Whether both ends confirmed it and hold it open.</summary>
    public readonly bool IsCommon =>
        !IsBroken && Receives(0) && Phase(1) is (EndPhase.Active or EndPhase.Draining);

    /// <summary>The order of the protocol: the preferred node's dials win, then the later dial.</summary>
    public readonly int Rank => ((1 - Initiator) << 2) | Sequence;

    /// <summary>Whether an end lives whose other end is dead, closed or cut off.</summary>
    public readonly bool IsHalfOpen => !IsFree && (IsBroken || Phase(0) == EndPhase.Closed || Phase(1) == EndPhase.Closed);

    public void Send(int toEnd, Wire message)
    {
        if (!IsBroken && Phase(toEnd) != EndPhase.Closed)
            SetWireTo(toEnd, WireTo(toEnd) | message);
    }

    private readonly uint Get(int shift, int width) => (Bits >> shift) & ((1u << width) - 1);

    private void Set(int shift, int width, uint value)
    {
        uint mask = ((1u << width) - 1) << shift;
        Bits = (Bits & ~mask) | (value << shift);
    }
}
