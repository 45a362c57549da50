namespace VibePN.Engine.Tests.Sessions.Model;

/// <summary>What can happen.</summary>
internal enum StepKind
{
    /// <summary>A node dials because it has no connection. The environment's choice.</summary>
    Dial,

    /// <summary>The initiator of the active connection dials its replacement. The environment's choice.</summary>
    Renew,

    /// <summary>A path dies with all that is under way on it. The environment's choice.</summary>
    Break,

    /// <summary>An end gives a handshake up that took too long. The environment's choice.</summary>
    TimeOut,

    /// <summary>A process dies without a word and starts again. The environment's choice.</summary>
    Restart,

    /// <summary>The connection comes up at one end.</summary>
    Arrive,

    /// <summary>The next message reaches an end.</summary>
    Deliver,

    /// <summary>An end learns that the path or the other end is gone.</summary>
    Notice,

    /// <summary>A drained connection has been silent after both Drains, and is closed.</summary>
    Linger,

    /// <summary>A drained connection is closed because the other end's Drain does not come.</summary>
    GiveUpDrain,
}

/// <summary>One event. <paramref name="Target"/> is a connection's place, or a node; <paramref name="Detail"/> an end, or a restart's instance.</summary>
internal readonly record struct ModelStep(StepKind Kind, int Target, int Detail = 0)
{
    /// <summary>Whether the protocol does it by itself, if it is only given time.</summary>
    public bool IsInternal => Kind >= StepKind.Arrive;

    /// <summary>The event in words.</summary>
    public string Describe(ModelState before)
    {
        if (Kind is StepKind.Dial or StepKind.Renew)
            return $"{NodeName(Target)} {(Kind == StepKind.Dial ? "dials" : "renews")}";
        if (Kind == StepKind.Restart)
            return $"{NodeName(Target)} restarts as instance {Detail}";
        ModelLink link = before.Links[Target];
        string at = NodeName(link.NodeOf(Detail));
        return Kind switch
        {
            StepKind.Break => $"{Name(link)} breaks",
            StepKind.TimeOut => $"{at} gives {Name(link)} up: the handshake took too long",
            StepKind.Arrive => $"{Name(link)} comes up at {at}",
            StepKind.Deliver => $"{at} receives {MessageName(link, Detail)} on {Name(link)}",
            StepKind.Notice => $"{at} notices that {Name(link)} is gone",
            StepKind.Linger => $"{at} closes {Name(link)}: both ends have drained it",
            _ => $"{at} closes {Name(link)}: drained long enough",
        };
    }

    /// <summary>All connections in words: both phases, then what is under way.</summary>
    public static string DescribeState(ModelState state)
    {
        var parts = new List<string>();
        for (int i = 0; i < ModelState.MaxLinks; i++)
        {
            ModelLink link = state.Links[i];
            if (link.IsFree)
                continue;
            string wires = (link.WireTo(1) != 0 ? $" →{link.WireTo(1)}" : "") + (link.WireTo(0) != 0 ? $" ←{link.WireTo(0)}" : "");
            parts.Add($"{Name(link)} {NodeName(link.NodeOf(0))}={link.Phase(0)} {NodeName(link.NodeOf(1))}={link.Phase(1)}"
                + $"{wires}{(link.IsBroken ? " broken" : "")}");
        }
        return parts.Count == 0 ? "no connection" : string.Join("; ", parts);
    }

    /// <summary>P and N: the preferred node and the other.</summary>
    public static string NodeName(int node) => node == 0 ? "P" : "N";

    /// <summary>P2.1 is the first dial of P's instance 2.</summary>
    private static string Name(ModelLink link) => $"{NodeName(link.Initiator)}{link.InstanceOf(0)}.{link.Sequence}";

    private static string MessageName(ModelLink link, int end) => (ModelMachine.NextMessage(link, end), end) switch
    {
        (Wire.Greeting, 1) => "Hello",
        (Wire.Greeting, _) => "HelloAck",
        (Wire.Confirmation, 1) => "Confirm",
        (Wire.Confirmation, _) => "Ready",
        _ => "Drain",
    };
}
