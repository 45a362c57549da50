using System.Text.RegularExpressions;

namespace VibePN.Host.Bundle;

/// <summary>Takes out what must not leave the machine whoever asks for a bundle: keys, invites, passwords.</summary>
/// <remarks>
/// No file that holds a secret of ours is read for a bundle. This is for what a plugin's settings or a log line may hold.
/// </remarks>
internal static partial class Secrets
{
    private const string Removed = "(removed)";

    /// <summary>The text without them.</summary>
    public static string Remove(string text)
    {
        text = Pem().Replace(text, Removed);
        text = Setting().Replace(text, match => $"{match.Groups[1].Value}\"{Removed}\"");
        return Token().Replace(text, Removed);
    }

    [GeneratedRegex("-----BEGIN [A-Z0-9 ]+-----.*?-----END [A-Z0-9 ]+-----", RegexOptions.Singleline | RegexOptions.CultureInvariant)]
    private static partial Regex Pem();

    // TOML's name = "..." and JSON's "name":"...", with or without a list around it.
    [GeneratedRegex("""(?im)("?[\w-]*(?:secret|password|passphrase|token|psk|private|invite)[\w-]*"?\s*[=:]\s*)(?:\[[^\]]*\]|"(?:[^"\\]|\\.)*"|'[^']*')""", RegexOptions.CultureInvariant)]
    private static partial Regex Setting();

    // Longer than any fingerprint: an invite, a key in base64, a cookie.
    [GeneratedRegex("[A-Za-z0-9+/_-]{80,}={0,2}", RegexOptions.CultureInvariant)]
    private static partial Regex Token();
}
