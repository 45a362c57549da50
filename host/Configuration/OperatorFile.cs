using System.Text;
using VibePN.Host.Native;

namespace VibePN.Host.Configuration;

/// <summary>Reads a file the operator wrote: bounded, UTF-8, and not writable by others.</summary>
internal static class OperatorFile
{
    private const int MaxBytes = 1 << 20;

    private static readonly UTF8Encoding StrictUtf8 =
        new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The file's text, or null with an error added.</summary>
    /// <param name="path">The path as the operator gave it.</param>
    /// <param name="remedy">What to do when there is no such file.</param>
    /// <param name="errors">Where errors go.</param>
    public static string? Read(string path, string remedy, ConfigErrors errors)
    {
        if (!File.Exists(path))
        {
            errors.Add(ErrorCodes.FileUnreadable, $"there is no such file. {remedy}");
            return null;
        }

        if (FileGuard.WhyUntrusted(path) is { } reason)
        {
            errors.Add(ErrorCodes.FileExposed, reason);
            return null;
        }

        return ReadUnguarded(path, errors);
    }

    /// <summary>The text of a file whoever may have written it; for looking at it, never for acting on it.</summary>
    /// <param name="path">The path as the operator gave it.</param>
    /// <param name="errors">Where errors go.</param>
    public static string? ReadUnguarded(string path, ConfigErrors errors)
    {
        try
        {
            return Decode(path, errors);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            errors.Add(ErrorCodes.FileUnreadable, $"the file cannot be read: {exception.Message}");
            return null;
        }
    }

    private static string? Decode(string path, ConfigErrors errors)
    {
        using FileStream stream = File.OpenRead(path);
        if (stream.Length > MaxBytes)
        {
            errors.Add(ErrorCodes.FileUnreadable, $"the file is larger than {MaxBytes} bytes; is it the right one?");
            return null;
        }

        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException exception)
        {
            errors.Add(ErrorCodes.FileUnreadable,
                $"the file is not UTF-8 text (byte {exception.Index}). Save it as UTF-8.");
            return null;
        }
    }
}
