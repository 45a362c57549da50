namespace VibePN.Engine.Control;

/// <summary>The sizes of the control protocol (docs/wire-format.md §3), in bytes unless said otherwise.</summary>
internal static class ControlLimits
{
    /// <summary>The ALPN name of this protocol, RFC 7301.</summary>
    public const string Protocol = "vibepn/1";

    /// <summary>What a Hello says; a later minor version only adds optional message types.</summary>
    public const byte MinorVersion = 1;

    /// <summary>The length field in front of every frame.</summary>
    public const int LengthField = 2;

    /// <summary>Most that a length field may state: the type byte and the body.</summary>
    public const int MaxLength = 16_384;

    /// <summary>The largest whole frame.</summary>
    public const int MaxFrame = LengthField + MaxLength;

    /// <summary>The bit of the type byte that marks a message which may be skipped.</summary>
    public const byte OptionalBit = 0x80;

    /// <summary>Most items of one Announce or Withdraw.</summary>
    public const int MaxItems = 255;

    /// <summary>Longest network name.</summary>
    public const int MaxNetworkName = 32;

    /// <summary>The metric that means unreachable and is never announced.</summary>
    public const uint InfiniteMetric = uint.MaxValue;
}
