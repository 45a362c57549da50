using System.Buffers.Binary;
using System.Text;
using VibePN.Invites;

namespace VibePN.Engine.Joining;

/// <summary>The types of the messages on a <c>vibepn-join/1</c> stream.</summary>
internal enum JoinType : byte
{
    /// <summary>None: nothing complete has come.</summary>
    None = 0,

    /// <summary>Joiner to inviter: the id and the proof.</summary>
    Redeem = (byte)'J',

    /// <summary>Inviter to joiner: it is a peer now.</summary>
    Granted = (byte)'G',

    /// <summary>Inviter to joiner: it is not, and as much of the reason as it may know.</summary>
    Refused = (byte)'X',
}

/// <summary>One message. Which members count follows from the type.</summary>
/// <param name="Type">Which.</param>
/// <param name="InviteId">Redeem: 32 hexadecimal digits.</param>
/// <param name="Proof">Redeem: 32 bytes.</param>
/// <param name="Name">Redeem: the label wished for. Granted: the label given.</param>
/// <param name="Result">Refused: why.</param>
internal sealed record JoinMessage(JoinType Type, string InviteId, byte[] Proof, string Name, JoinResult Result)
{
    public static JoinMessage Redeem(string inviteId, byte[] proof, string name) =>
        new(JoinType.Redeem, inviteId, proof, name, default);

    public static JoinMessage Granted(string name) => new(JoinType.Granted, "", [], name, default);

    public static JoinMessage Refused(JoinResult result) => new(JoinType.Refused, "", [], "", result);
}

/// <summary>The bytes of these messages: u16 length, u8 type, body (docs/wire-format.md §10). Pure; hostile bytes are no exception.</summary>
internal static class JoinMessages
{
    /// <summary>The ALPN name, RFC 7301.</summary>
    public const string Protocol = "vibepn-join/1";

    /// <summary>The largest frame; a stream carries one in each direction.</summary>
    public const int MaxFrame = 256;

    /// <summary>Longest label.</summary>
    public const int MaxName = 64;

    private const byte MinorVersion = 1;
    private const int Header = 3;
    private const int LastTravelling = 63;

    /// <summary>Writes a message.</summary>
    public static byte[] Write(JoinMessage message)
    {
        byte[] body = message.Type switch
        {
            JoinType.Redeem =>
                [MinorVersion, .. Convert.FromHexString(message.InviteId), .. message.Proof, .. Name(message.Name)],
            JoinType.Granted => Name(message.Name),
            _ => [(byte)message.Result],
        };
        byte[] frame = new byte[Header + body.Length];
        BinaryPrimitives.WriteUInt16BigEndian(frame, (ushort)(body.Length + 1));
        frame[2] = (byte)message.Type;
        body.CopyTo(frame, Header);
        return frame;
    }

    /// <summary>Reads the one message of a stream.</summary>
    /// <param name="bytes">All that has come.</param>
    /// <param name="message">The message; null while it is incomplete.</param>
    /// <returns>False when it can become no message any more.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out JoinMessage? message)
    {
        message = null;
        if (bytes.Length < Header)
            return true;
        int end = 2 + BinaryPrimitives.ReadUInt16BigEndian(bytes);
        if (end is < Header + 1 or > MaxFrame || bytes.Length > end)
            return false;
        if (bytes.Length < end)
            return true;
        ReadOnlySpan<byte> body = bytes[Header..];
        message = (JoinType)bytes[2] switch
        {
            JoinType.Redeem => ReadRedeem(body),
            JoinType.Granted => ReadName(body) is { } name ? JoinMessage.Granted(name) : null,
            JoinType.Refused when body.Length == 1 && body[0] is > 0 and <= LastTravelling =>
                JoinMessage.Refused((JoinResult)body[0]),
            _ => null,
        };
        return message is not null;
    }

    /// <summary>Whether a text may be a label.</summary>
    public static bool IsName(string name) => name.Length is > 0 and <= MaxName && name.All(letter => letter is >= '!' and <= '~');

    private static JoinMessage? ReadRedeem(ReadOnlySpan<byte> body)
    {
        const int Fixed = 1 + Invite.SecretBytes + InviteProof.Length;
        // A later minor version may add to the end; this one ends here.
        if (body.Length < Fixed || body[0] != MinorVersion || ReadName(body[Fixed..]) is not { } name)
            return null;
        string id = Convert.ToHexStringLower(body.Slice(1, Invite.SecretBytes));
        return JoinMessage.Redeem(id, body.Slice(1 + Invite.SecretBytes, InviteProof.Length).ToArray(), name);
    }

    private static string? ReadName(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty || bytes[0] != bytes.Length - 1)
            return null;
        string name = Encoding.Latin1.GetString(bytes[1..]);
        return IsName(name) ? name : null;
    }

    private static byte[] Name(string name) => [(byte)name.Length, .. Encoding.ASCII.GetBytes(name)];
}
