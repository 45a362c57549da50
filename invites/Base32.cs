using System.Text;

namespace VibePN.Invites;

/// <summary>Base 32 of RFC 4648 §6 in lower case and without padding; strict when read.</summary>
internal static class Base32
{
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz234567";

    /// <summary>Writes bytes as letters and digits.</summary>
    public static string Encode(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder((bytes.Length * 8 + 4) / 5);
        int buffer = 0;
        int bits = 0;
        foreach (byte value in bytes)
        {
            buffer = (buffer << 8) | value;
            for (bits += 8; bits >= 5; bits -= 5)
                text.Append(Alphabet[(buffer >> (bits - 5)) & 31]);
            buffer &= (1 << bits) - 1;
        }
        if (bits > 0)
            text.Append(Alphabet[(buffer << (5 - bits)) & 31]);
        return text.ToString();
    }

    /// <summary>Reads what <see cref="Encode"/> writes, in either case.</summary>
    /// <returns>Null for any other letter, or bits left over that are not zero.</returns>
    public static byte[]? Decode(ReadOnlySpan<char> text)
    {
        if (text.Length * 5 % 8 >= 5)
            return null; // a letter that adds no byte
        byte[] bytes = new byte[text.Length * 5 / 8];
        int buffer = 0;
        int bits = 0;
        int at = 0;
        foreach (char letter in text)
        {
            int value = Alphabet.IndexOf(char.ToLowerInvariant(letter), StringComparison.Ordinal);
            if (value < 0)
                return null;
            buffer = (buffer << 5) | value;
            bits += 5;
            if (bits < 8)
                continue;
            bits -= 8;
            bytes[at++] = (byte)(buffer >> bits);
            buffer &= (1 << bits) - 1;
        }
        return buffer == 0 ? bytes : null;
    }
}
