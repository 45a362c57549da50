using VibePN.Simulation.World;

namespace VibePN.Simulation.Network;

/// <summary>The way from one machine to another; the way back is a link of its own.</summary>
internal sealed class Link(Draw random)
{
    /// <summary>Where this link's luck comes from.</summary>
    public Draw Random { get; } = random;

    /// <summary>Shortest delay, in nanoseconds.</summary>
    public long Latency { get; set; }

    /// <summary>What chance adds to it at most.</summary>
    public long Jitter { get; set; }

    public double Loss { get; set; }

    public double Duplication { get; set; }

    /// <summary>Share of datagrams that others overtake.</summary>
    public double Reordering { get; set; }

    /// <summary>Faults that cut it now; nothing passes while there is one.</summary>
    public int Cuts { get; set; }
}
