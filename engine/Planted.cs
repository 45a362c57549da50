namespace VibePN.Engine;

/// <summary>Defects that the simulator puts into the engine to see whether it would notice them.</summary>
internal enum PlantedDefect
{
    /// <summary>The engine as it is.</summary>
    None = 0,

    /// <summary>A withdraw takes a prefix from every peer that announced it, not only from its sender.</summary>
    WithdrawHitsEveryone,

    /// <summary>The connection that another one replaces is cut, not drained.</summary>
    DrainForgotten,

    /// <summary>An inner packet is delivered whatever its source says.</summary>
    SourceCheckSkipped,

    /// <summary>Each connection that comes up clears the back-off, however short it lives.</summary>
    BackoffClearedByConnect,

    /// <summary>Control bytes wait in a buffer that the next ones overwrite.</summary>
    ControlBufferReused,

    /// <summary>Our own dial is given up because the peer's connection came first.</summary>
    DialCancelledByArrival,

    /// <summary>The newest connection wins, not the one of the higher rank.</summary>
    RankedByArrival,

    /// <summary>What a peer announced outlives its last connection.</summary>
    RoutesOutliveSession,

    /// <summary>A start uses the stored instance number again.</summary>
    InstanceNotRaised,

    /// <summary>Announcements are taken without asking guard, caps or policy.</summary>
    ImportUnchecked,

    /// <summary>A change of routes takes the old ones back before it tells the new ones.</summary>
    WithdrawnBeforeAnnounced,

    /// <summary>Routes that nobody confirms stay.</summary>
    NeverExpired,

    /// <summary>A digest that does not match counts as one that does.</summary>
    DigestMismatchIgnored,

    /// <summary>Our own packets count as signs of the peer's life.</summary>
    OwnSendsCountAsHeard,

    /// <summary>Of two connections neither is drained.</summary>
    LoserKeptActive,

    /// <summary>Live sessions are not judged again when trust changes.</summary>
    TrustChangeIgnored,

    /// <summary>A change of routes does not reach the table that packets use.</summary>
    StaleTablePublished,

    /// <summary>A failed dial is repeated at once.</summary>
    DialedWithoutWait,

    /// <summary>Received packets are sorted by our own numbers of networks, not by the sender's.</summary>
    NetworkNumbersMixedUp,

    /// <summary>Control bytes are handled twice.</summary>
    ControlHandledTwice,

    /// <summary>A connection carries traffic before its pin is durable, and nobody writes the pin.</summary>
    CommitForgotten,

    /// <summary>An interface that the kernel took away is not made again.</summary>
    LostInterfaceForgotten,

    /// <summary>What a full set did not repeat stays.</summary>
    FullSetNotSwept,

    /// <summary>Whatever no rule of the configuration allows is taken.</summary>
    RulesSkipped,

    /// <summary>A peer may announce as much as it likes.</summary>
    LimitForgotten,

    /// <summary>Connections of a peer's earlier start stay beside those of its new one.</summary>
    GhostKept,

    /// <summary>A connection is closed when its renewal is dialled, not when the new one has taken over.</summary>
    RenewalBreaksFirst,
}

/// <summary>Asks whether a defect is planted. In the product the answer is the constant no, and the branch vanishes.</summary>
internal static class Planted
{
#if SIMULATION
    [ThreadStatic]
    private static PlantedDefect t_active;

    /// <summary>The defect that this thread's engines have.</summary>
    public static PlantedDefect Active
    {
        get => t_active;
        set => t_active = value;
    }

    /// <summary>Whether this thread's engines have the defect.</summary>
    public static bool Is(PlantedDefect defect) => t_active == defect;
#else
    /// <summary>No. The simulator compiles these sources anew with its own answer.</summary>
    public static bool Is(PlantedDefect _) => false;
#endif
}
