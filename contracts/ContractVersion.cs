namespace VibePN.Contracts;

/// <summary>The version of this package's contracts, stamped on the assembly so that a host can read it without loading it.</summary>
/// <remarks>
/// The major number is what role attributes name as <c>Contract</c>; a different major never loads.
/// The minor number grows with each addition; a plugin built for a newer minor than the host's is refused.
/// </remarks>
/// <param name="major">Breaking generation, from 1.</param>
/// <param name="minor">Additions within the generation, from 0.</param>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class ContractVersionAttribute(int major, int minor) : Attribute
{
    /// <summary>Breaking generation, from 1.</summary>
    public int Major { get; } = major;

    /// <summary>Additions within the generation, from 0.</summary>
    public int Minor { get; } = minor;
}

/// <summary>The contract version of this assembly, as constants.</summary>
public static class ContractVersion
{
    /// <summary>Breaking generation. Role attributes name it as <c>Contract</c>.</summary>
    public const int Major = 1;

    /// <summary>Additions within the generation.</summary>
    public const int Minor = 0;
}
