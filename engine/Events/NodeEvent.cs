namespace VibePN.Engine.Events;

/// <summary>Something that changed in the node, for operators who watch or look back.</summary>
/// <param name="Seq">Its number; the first is 1, and the next one's is larger by 1.</param>
/// <param name="Time">When, UTC by the wall clock.</param>
/// <param name="Kind">One of <see cref="EventKinds"/>.</param>
/// <param name="Facts">What it concerns.</param>
public sealed record NodeEvent(long Seq, DateTimeOffset Time, string Kind, EventFacts Facts);

/// <summary>What an event concerns; what does not apply is empty.</summary>
/// <param name="Text">One sentence for people.</param>
public sealed record EventFacts(string Text)
{
    /// <summary>Longest value of each member, in characters; the rest is cut off.</summary>
    public const int MaxLength = 512;

    /// <summary>The peer's name.</summary>
    public string Peer { get; init; } = "";

    /// <summary>The network's name.</summary>
    public string Network { get; init; } = "";

    /// <summary>The prefix.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>Why, as a stable word where there is one.</summary>
    public string Reason { get; init; } = "";

    /// <summary>The same, no member longer than <see cref="MaxLength"/>: parts of it are what peers wrote.</summary>
    internal EventFacts Bounded() => new(Cut(Text))
    {
        Peer = Cut(Peer),
        Network = Cut(Network),
        Prefix = Cut(Prefix),
        Reason = Cut(Reason),
    };

    private static string Cut(string text) => text.Length <= MaxLength ? text : text[..MaxLength] + "...";
}
