using System.Net;

namespace VibePN.Invites;

/// <summary>What an invite grants. More may come; a reader refuses what it does not know.</summary>
[Flags]
public enum InviteGrants
{
    /// <summary>Nothing: never written.</summary>
    None = 0,

    /// <summary>Membership of the network, with the addresses that follow from it.</summary>
    Member = 1,
}

/// <summary>A permission to become a peer of one node in one network: signed by that node, once, for a while.</summary>
/// <remarks>Docs/wire-format.md §10. Values are checked where they are read (<see cref="InviteText"/>).</remarks>
public sealed record Invite
{
    /// <summary>The version of the format; a JSON invite of the predecessor is version 1.</summary>
    public const int Version = 2;

    /// <summary>Bytes of an id and of a secret.</summary>
    public const int SecretBytes = 16;

    /// <summary>Longest life.</summary>
    public static readonly TimeSpan LongestLife = TimeSpan.FromDays(7);

    /// <summary>Life when nothing else is asked for.</summary>
    public static readonly TimeSpan StandardLife = TimeSpan.FromMinutes(15);

    /// <summary>128 random bits as 32 lower-case hexadecimal digits.</summary>
    public required string Id { get; init; }

    /// <summary>The network's name.</summary>
    public required string Network { get; init; }

    /// <summary>The network's IPv4 subnet, or null.</summary>
    public IPNetwork? Prefix { get; init; }

    /// <summary>The network's IPv6 subnet, or null; one of the two is there.</summary>
    public IPNetwork? Prefix6 { get; init; }

    /// <summary>What the inviter calls itself: a label.</summary>
    public required string InviterName { get; init; }

    /// <summary>SHA-256 of the inviter's certificate, 64 lower-case hexadecimal digits.</summary>
    public required string InviterFingerprint { get; init; }

    /// <summary>Where the inviter can be dialled, <c>host:port</c>, best first; 1 to 4.</summary>
    public required IReadOnlyList<string> Addresses { get; init; }

    /// <summary>What is granted.</summary>
    public InviteGrants Grants { get; init; } = InviteGrants.Member;

    /// <summary>The last second in which it can be redeemed.</summary>
    public required DateTimeOffset NotAfter { get; init; }

    /// <summary>128 random bits that only the two ends know. Never sent, never logged.</summary>
    public required ReadOnlyMemory<byte> Secret { get; init; }

    /// <summary>The key of the inviter's certificate, which signed the invite.</summary>
    public required InviteKey Key { get; init; }

    /// <summary>Without the secret: this may reach a log.</summary>
    public override string ToString() => $"invite {Id} to {Network} by {InviterName}";
}
