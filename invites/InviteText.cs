using System.Security.Cryptography;
using System.Text;

namespace VibePN.Invites;

/// <summary>What is wrong with a text that should be an invite.</summary>
public enum InviteProblem
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>It does not begin like an invite.</summary>
    NotAnInvite = 1,

    /// <summary>Letters are missing, wrong or too many: the checksum says so.</summary>
    Damaged = 2,

    /// <summary>A version of the format that is not known here.</summary>
    UnknownVersion = 3,

    /// <summary>The checksum is right and the content makes no sense.</summary>
    Malformed = 4,

    /// <summary>The signature does not fit the content: somebody changed it.</summary>
    Altered = 5,
}

/// <summary>An invite as people and programs carry it: <c>vibepn-invite-…</c>, base 32 in groups.</summary>
public static class InviteText
{
    /// <summary>How the text begins.</summary>
    public const string Head = "vibepn-invite-";

    /// <summary>A longer text is not read.</summary>
    public const int MaxLength = 4_096;

    private const int ChecksumBytes = 4;
    private const int GroupLength = 8;

    /// <summary>Signs an invite and writes it.</summary>
    /// <param name="invite">Complete; its key is the public half of <paramref name="key"/>.</param>
    /// <param name="key">The inviter's private key.</param>
    public static string Write(Invite invite, ECDsa key)
    {
        ArgumentNullException.ThrowIfNull(invite);
        byte[] body = InviteBody.Write(invite);
        return Write(body, invite.Key.Sign(key, body));
    }

    /// <summary>Reads and verifies a text. Pure, bounded, and without an exception, whatever the text is.</summary>
    /// <param name="text">Blanks, line ends, dashes and case do not matter.</param>
    /// <param name="problem">What is wrong, when null is returned.</param>
    /// <returns>The invite, its signature verified; whether it has expired is for the caller to say.</returns>
    public static Invite? Read(string text, out InviteProblem problem)
    {
        ArgumentNullException.ThrowIfNull(text);
        problem = InviteProblem.NotAnInvite;
        if (text.Length > MaxLength)
            return null;
        ReadOnlySpan<char> trimmed = text.AsSpan().Trim();
        if (!trimmed.StartsWith(Head, StringComparison.OrdinalIgnoreCase))
            return null;
        problem = InviteProblem.Damaged;
        if (Base32.Decode(Letters(trimmed[Head.Length..])) is not { Length: > ChecksumBytes } bytes)
            return null;
        ReadOnlySpan<byte> content = bytes.AsSpan(..^ChecksumBytes);
        if (!Checksum(content).SequenceEqual(bytes.AsSpan(^ChecksumBytes..)))
            return null;
        problem = content[0] == Invite.Version ? InviteProblem.Malformed : InviteProblem.UnknownVersion;
        if (InviteBody.Read(content, out int length) is not { } invite)
            return null;
        problem = InviteProblem.Altered;
        if (!invite.Key.Verify(content[..length], content[length..]))
            return null;
        problem = InviteProblem.None;
        return invite;
    }

    /// <summary>A problem in a sentence for whoever was given the text.</summary>
    /// <param name="problem">Not <see cref="InviteProblem.None"/>.</param>
    public static string Describe(InviteProblem problem) => problem switch
    {
        InviteProblem.Damaged =>
            "The invite is damaged: letters are missing or wrong (its checksum does not fit). Copy it again, whole.",
        InviteProblem.UnknownVersion =>
            "The invite is of a version that this program does not know. Use the same version as the node that made it.",
        InviteProblem.Malformed => "The invite's content makes no sense. Ask for a new one ('vpnctl invite' on the other node).",
        InviteProblem.Altered =>
            "The invite was altered: its signature does not fit its content. Do not use it; ask for a new one over another way.",
        _ => $"This is no invite: one begins with {Head}.",
    };

    internal static string Write(ReadOnlySpan<byte> body, ReadOnlySpan<byte> signature)
    {
        byte[] content = [.. body, .. signature];
        string letters = Base32.Encode([.. content, .. Checksum(content)]);
        var text = new StringBuilder(Head);
        for (int at = 0; at < letters.Length; at += GroupLength)
        {
            if (at > 0)
                text.Append('-');
            text.Append(letters.AsSpan(at, Math.Min(GroupLength, letters.Length - at)));
        }
        return text.ToString();
    }

    private static ReadOnlySpan<byte> Checksum(ReadOnlySpan<byte> content) => SHA256.HashData(content).AsSpan(0, ChecksumBytes);

    private static string Letters(ReadOnlySpan<char> text)
    {
        var letters = new StringBuilder(text.Length);
        foreach (char letter in text)
        {
            if (letter != '-' && !char.IsWhiteSpace(letter))
                letters.Append(letter);
        }
        return letters.ToString();
    }
}
