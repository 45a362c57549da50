namespace VibePN.Engine.Sessions;

/// <summary>The order in which two ends choose between their connections. Both ends compute it from the same data.</summary>
/// <remarks>
/// A connection that the node with the smaller fingerprint began beats one that the other began; between two of
/// the same initiator the later dial wins. Two connections of one pair never have the same rank.
/// </remarks>
/// <param name="ByPreferred">Whether the node with the smaller fingerprint began it.</param>
/// <param name="DialSequence">The initiator's number of this dial to this peer.</param>
internal readonly record struct ConnectionRank(bool ByPreferred, ulong DialSequence) : IComparable<ConnectionRank>
{
    /// <inheritdoc/>
    public int CompareTo(ConnectionRank other) => ByPreferred != other.ByPreferred
        ? ByPreferred.CompareTo(other.ByPreferred)
        : DialSequence.CompareTo(other.DialSequence);
}
