using VibePN.Contracts;
using VibePN.Prefixes;

namespace VibePN.Benchmarks;

/// <summary>One table and what was measured of it.</summary>
public sealed class LookupCase
{
    /// <summary>Draws the routes and builds the table.</summary>
    public LookupCase(IpFamily family, RouteKind kind, int size)
    {
        Family = family;
        Kind = kind;
        Size = size;
        Set = RouteSet.Draw(family, kind, size);
        Table = PrefixTable.Build(Set.Entries);
    }

    /// <summary>The family of all its routes.</summary>
    public IpFamily Family { get; }

    /// <summary>What its routes are.</summary>
    public RouteKind Kind { get; }

    /// <summary>How many routes.</summary>
    public int Size { get; }

    internal RouteSet Set { get; }
    internal PrefixTable Table { get; }
    internal Timing? Single { get; set; }
    internal Timing? Batch { get; set; }
    internal Timing? Dependent { get; set; }
    internal Timing? Build { get; set; }

    /// <inheritdoc/>
    public override string ToString() => $"{(Family == IpFamily.V4 ? "IPv4" : "IPv6")} {Kind.ToString().ToLowerInvariant()} {Size}";
}
