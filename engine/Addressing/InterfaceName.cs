using System.Security.Cryptography;
using System.Text;

namespace VibePN.Engine.Addressing;

/// <summary>The kernel's name for a network's interface.</summary>
/// <remarks>
/// Linux takes at most 15 bytes (IFNAMSIZ less the terminator). <c>vpn-NETWORK</c> where that fits; otherwise
/// <c>vpn-</c>, the name's first four characters, a hyphen and six hexadecimal digits of the whole name's
/// SHA-256. A short name that looks like such an abbreviation is abbreviated too, so that the plain names and
/// the abbreviated ones never meet; two abbreviated names meet once in 16 million.
/// </remarks>
public static class InterfaceName
{
    /// <summary>Bytes that the kernel allows.</summary>
    public const int MaxLength = 15;

    private const string Start = "vpn-";
    private const int HeadLength = 4;
    private const int DigestDigits = 6;

    /// <summary>The interface name for a network.</summary>
    /// <param name="network">
    /// The network's name. Characters outside <c>A-Z a-z 0-9 . _ -</c>, which the kernel or its tools give a
    /// meaning, are replaced by an underscore, and the name is abbreviated.
    /// </param>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public static string For(string network)
    {
        ArgumentException.ThrowIfNullOrEmpty(network);
        bool plain = network.All(IsSafe)
            && network.Length <= MaxLength - Start.Length
            && !LooksAbbreviated(network);
        return plain ? Start + network : Start + Head(network) + "-" + Digest(network);
    }

    private static string Head(string network) =>
        string.Concat(network.Take(HeadLength).Select(c => IsSafe(c) ? c : '_'));

    private static string Digest(string network) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(network)))[..DigestDigits];

    private static bool LooksAbbreviated(string network)
    {
        int hyphen = network.Length - DigestDigits - 1;
        return hyphen is > 0 and <= HeadLength
            && network[hyphen] == '-'
            && network[(hyphen + 1)..].All(char.IsAsciiHexDigitLower);
    }

    private static bool IsSafe(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-';
}
