namespace VibePN.Engine.Control;

/// <summary>What can be wrong with a control stream, in fixed words: nothing a peer sends becomes part of them.</summary>
internal static class ControlProblem
{
    /// <summary>The length field is zero.</summary>
    public const string ZeroLength = "a control frame of length zero";

    /// <summary>The length field is above <see cref="ControlLimits.MaxLength"/>.</summary>
    public const string TooLong = "a control frame of more than 16384 bytes";

    /// <summary>The type is unknown and not optional.</summary>
    public const string UnknownType = "a control frame of an unknown type that must not be skipped";

    /// <summary>The length cannot belong to the type.</summary>
    public const string WrongLength = "a control frame whose length its type cannot have";

    /// <summary>The body of a message is wrong though its length could be right.</summary>
    public static string BadBody(ControlType type) => type switch
    {
        ControlType.Hello => "a malformed Hello",
        ControlType.HelloAck => "a malformed HelloAck",
        ControlType.Announce => "a malformed Announce",
        ControlType.Withdraw => "a malformed Withdraw",
        ControlType.Goodbye => "a malformed Goodbye",
        ControlType.Claim => "a malformed Claim",
        ControlType.ClaimLost => "a malformed ClaimLost",
        _ => "a malformed control message",
    };
}
