using System.Net;
using VibePN.Contracts;

namespace VibePN.Engine;

/// <summary>What to ping.</summary>
/// <param name="Target">A peer's name, or an address that a peer leads to.</param>
/// <param name="Network">In which network, or null: one that leads there.</param>
public sealed record PingRequest(string Target, string? Network = null)
{
    /// <summary>Smallest payload, in bytes: it tells our answers from other programs'.</summary>
    public const int MinSize = 8;

    /// <summary>Largest payload, in bytes.</summary>
    public const int MaxSize = 65_000;

    /// <summary>Shortest time between two questions.</summary>
    public static readonly TimeSpan MinInterval = TimeSpan.FromMilliseconds(10);

    /// <summary>Longest time to wait for an answer.</summary>
    public static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(60);

    /// <summary>How many questions; 0 for as many as the caller wants to see.</summary>
    public int Count { get; init; } = 4;

    /// <summary>Between two questions.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Payload, in bytes.</summary>
    public int Size { get; init; } = 56;

    /// <summary>How long an answer is waited for.</summary>
    public TimeSpan Wait { get; init; } = TimeSpan.FromSeconds(2);
}

/// <summary>What a step of a ping is.</summary>
public enum PingStepKind
{
    /// <summary>It begins: names where to and which way.</summary>
    Begin = 0,

    /// <summary>An answer has come.</summary>
    Answer = 1,

    /// <summary>No answer has come in time.</summary>
    Lost = 2,

    /// <summary>The question was not sent, and why.</summary>
    Dropped = 3,

    /// <summary>It cannot begin, and why.</summary>
    Refused = 4,
}

/// <summary>One step of a ping.</summary>
/// <param name="Kind">What it is.</param>
public sealed record PingStep(PingStepKind Kind)
{
    /// <summary>The question's number, from 1; 0 when it is about none.</summary>
    public int Sequence { get; init; }

    /// <summary>The network.</summary>
    public string Network { get; init; } = "";

    /// <summary>This node's address in it.</summary>
    public IpAddress? Source { get; init; }

    /// <summary>Whom it goes to; in an answer, who answered.</summary>
    public IpAddress? Address { get; init; }

    /// <summary>Name of the peer that it goes, or came, through; empty when there is none.</summary>
    public string Peer { get; init; } = "";

    /// <summary>The peer's present transport address.</summary>
    public IPEndPoint? Remote { get; init; }

    /// <summary>From the question to the answer: encryption, the wire and the other end's kernel, both ways.</summary>
    public TimeSpan? RoundTrip { get; init; }

    /// <summary>What the answer had left of its hop limit.</summary>
    public int HopLimit { get; init; }

    /// <summary>Bytes of the ICMP message.</summary>
    public int Bytes { get; init; }

    /// <summary>Why it was dropped.</summary>
    public DropReason Drop { get; init; }

    /// <summary>Why, and what to do; empty when all is well.</summary>
    public string Text { get; init; } = "";
}
