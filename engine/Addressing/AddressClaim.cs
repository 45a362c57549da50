using VibePN.Contracts;

namespace VibePN.Engine.Addressing;

/// <summary>A node's claim to an address. Smaller is better; two nodes' claims are never equal, and all nodes judge alike.</summary>
/// <param name="IsAuto">Whether the address was computed; one that an operator wrote down beats it.</param>
/// <param name="Node">Who claims it; the smaller fingerprint decides between two of a kind.</param>
internal readonly record struct AddressClaim(bool IsAuto, Fingerprint Node)
{
    /// <summary>Whether this claim is the better one.</summary>
    public bool Beats(AddressClaim other) =>
        IsAuto != other.IsAuto ? other.IsAuto : Node.CompareTo(other.Node) < 0;
}
