using VibePN.Contracts;

namespace VibePN.Plugins.TrustTofu;

/// <summary>The pins on disk and what is wrong with them. Used under the plugin's gate.</summary>
/// <remarks>
/// Fails closed: a file that cannot be read, or is not whole, is never taken for an empty one and never
/// overwritten. A failed write leaves file and pins as they were, and the next write is tried afresh.
/// </remarks>
internal sealed class PinStore(IPluginStore files)
{
    /// <summary>The file's name in the plugin's directory.</summary>
    public const string FileName = "pins";

    /// <summary>The name of the copy of a damaged file.</summary>
    public const string BadFileName = "pins.bad";

    private string Path => $"{files.Location.TrimEnd('/')}/{FileName}";

    /// <summary>Reads the file; a missing one is an empty store.</summary>
    public Grounds Load()
    {
        try
        {
            if (files.Read(FileName, PinFile.MaxBytes) is not { } bytes)
                return new Grounds(PinSet.Empty, null);
            if (PinFile.Decode(bytes, out string fault) is { } pins)
                return new Grounds(pins, null);
            KeepBad(bytes);
            return Unusable(fault);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Unusable(e.Message.TrimEnd('.'));
        }
    }

    /// <summary>Makes pins durable.</summary>
    /// <returns>Why they are not, or null.</returns>
    public string? Save(PinSet pins)
    {
        try
        {
            files.Write(FileName, PinFile.Encode(pins));
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"Trust store '{Path}' could not be written: {e.Message.TrimEnd('.')}. Nothing new is trusted until it can be: "
                + "check free space and the directory's owner and mode.";
        }
    }

    // The file stays as it is; the copy is for whoever removes it to begin anew, and wonders later.
    private void KeepBad(byte[] bytes)
    {
        try
        {
            files.Write(BadFileName, bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Evidence, no more: what counts is that nothing of the file is believed.
        }
    }

    private Grounds Unusable(string cause) => new(PinSet.Empty,
        $"Trust store '{Path}' cannot be used: {cause}. Fingerprints in config.toml go on working, nothing else is trusted. "
        + "Put back a good copy (owner the daemon, mode 0600), or remove the file to begin anew, and restart.");
}
