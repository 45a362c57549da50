using System.Globalization;
using VibePN.Contracts;
using VibePN.Engine.Configuration;

namespace VibePN.Host.Configuration;

/// <summary>Reads <c>"192.168.0.0/16 ge 24 le 28"</c>.</summary>
internal static class PrefixRangeText
{
    /// <summary>A prefix alone means just itself; <c>ge</c> and <c>le</c> give the lengths that prefixes inside it may have.</summary>
    /// <param name="text">What the operator wrote.</param>
    /// <param name="range">The range.</param>
    /// <returns>What is wrong and how to mend it, or null.</returns>
    public static string? Parse(string text, out PrefixRange range)
    {
        range = default;
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0 || !IpPrefix.TryParse(words[0], out IpPrefix block, out bool hadHostBits))
            return $"'{text}' is no prefix: write one in CIDR form, such as \"192.168.0.0/16 ge 24 le 28\".";
        if (hadHostBits)
            return $"{words[0]} has bits set beyond its length: write \"{block}\".";
        int? shortest = null;
        int? longest = null;
        for (int i = 1; i < words.Length; i += 2)
        {
            bool isLength = i + 1 < words.Length
                && int.TryParse(words[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out _);
            if (!isLength || words[i] is not ("ge" or "le") || (words[i] == "ge" ? shortest : longest) is not null)
                return $"'{text}' is not understood: after the prefix comes 'ge LENGTH' and 'le LENGTH', each once at most.";
            int length = int.Parse(words[i + 1], CultureInfo.InvariantCulture);
            if (words[i] == "ge")
                shortest = length;
            else
                longest = length;
        }

        int width = block.Address.BitLength;
        int from = shortest ?? block.Length;
        int to = longest ?? (shortest is null ? block.Length : width);
        if (from < block.Length || to > width || from > to)
            return $"'{text}' means no prefix at all: the lengths must satisfy {block.Length} <= ge <= le <= {width}.";
        range = new PrefixRange(block, from, to);
        return null;
    }
}
