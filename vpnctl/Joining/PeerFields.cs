using System.Globalization;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Joining;

/// <summary>Checks what an operator says about a peer, as the daemon will.</summary>
internal static class PeerFields
{
    private const int MaxLabel = 64;
    private const int FingerprintDigits = 64;

    /// <summary>A label.</summary>
    /// <exception cref="CommandException">It is none.</exception>
    public static string Label(string text, string option) =>
        text.Length is > 0 and <= MaxLabel && text.All(letter => letter is >= '!' and <= '~')
            ? text
            : throw Wrong(option, text, $"1 to {MaxLabel} printable ASCII characters without blanks");

    /// <summary>A <c>host:port</c> to dial.</summary>
    /// <exception cref="CommandException">It is none.</exception>
    public static string Address(string text, string option)
    {
        int colon = text.LastIndexOf(':');
        string host = colon > 0 ? text[..colon] : "";
        bool hasPort = ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) && port > 0;
        bool hasBrackets = host.StartsWith('[') && host.EndsWith(']');
        UriHostNameType kind = Uri.CheckHostName(hasBrackets ? host[1..^1] : host);
        bool isHost = hasBrackets ? kind == UriHostNameType.IPv6 : kind is UriHostNameType.Dns or UriHostNameType.IPv4;
        return hasPort && isHost
            ? text
            : throw Wrong(option, text, "host:port with a port from 1 to 65535, such as 203.0.113.42:51820 or [2001:db8::1]:51820");
    }

    /// <summary>A fingerprint, in lower case.</summary>
    /// <exception cref="CommandException">It is none.</exception>
    public static string Fingerprint(string text, string option) =>
        text.Length == FingerprintDigits && text.All(char.IsAsciiHexDigit)
            ? text.ToLowerInvariant()
            : throw Wrong(option, text, $"{FingerprintDigits} hexadecimal digits, as 'vpnctl fingerprint' prints them on that node");

    private static CommandException Wrong(string option, string value, string expected) =>
        new($"--{option} is '{Escape.Controls(value)}'; it must be {expected}.", ExitCode.Usage);
}
