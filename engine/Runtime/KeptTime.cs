namespace VibePN.Engine.Runtime;

/// <summary>The time of day that the last run kept, for whoever looks at the engine's files without running it.</summary>
public static class KeptTime
{
    /// <summary>The file's name in the engine's store.</summary>
    public const string FileName = "clock";

    /// <summary>A file is never longer than this, in bytes.</summary>
    public const int MaxBytes = 256;

    /// <summary>Reads the file's bytes; null when they are damaged.</summary>
    public static DateTimeOffset? Decode(byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        return StateFile.TryDecode(FileName, bytes, out ulong value)
            && value <= (ulong)DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
                ? DateTimeOffset.FromUnixTimeMilliseconds((long)value)
                : null;
    }

    /// <summary>The bytes of a file that holds this time.</summary>
    public static byte[] Encode(DateTimeOffset time) => StateFile.Encode(FileName, (ulong)time.ToUnixTimeMilliseconds());
}
