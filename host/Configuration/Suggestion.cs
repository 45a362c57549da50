namespace VibePN.Host.Configuration;

/// <summary>Guesses which word was meant.</summary>
internal static class Suggestion
{
    /// <summary><c>; did you mean 'word'?</c>, or a full stop when no candidate is near enough.</summary>
    public static string For(string word, IEnumerable<string> candidates)
    {
        string? best = null;
        int bestDistance = Math.Max(1, word.Length / 3) + 1;
        foreach (string candidate in candidates)
        {
            int distance = Distance(word, candidate);
            if (distance >= bestDistance)
                continue;
            best = candidate;
            bestDistance = distance;
        }

        return best is null ? "." : $"; did you mean '{best}'?";
    }

    /// <summary>Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other.</summary>
    public static int Distance(string from, string to)
    {
        // Keys are short; a long word is no misspelling of one, and the table stays small.
        if (Math.Abs(from.Length - to.Length) > 8 || from.Length > 64 || to.Length > 64)
            return int.MaxValue;
        var table = new int[from.Length + 1, to.Length + 1];
        for (int i = 0; i <= from.Length; i++)
            table[i, 0] = i;
        for (int j = 0; j <= to.Length; j++)
            table[0, j] = j;
        for (int i = 1; i <= from.Length; i++)
        {
            for (int j = 1; j <= to.Length; j++)
            {
                int replace = table[i - 1, j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
                table[i, j] = Math.Min(replace, Math.Min(table[i - 1, j], table[i, j - 1]) + 1);
                if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                    table[i, j] = Math.Min(table[i, j], table[i - 2, j - 2] + 1);
            }
        }

        return table[from.Length, to.Length];
    }
}
