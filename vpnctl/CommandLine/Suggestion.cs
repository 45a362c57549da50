namespace VibePN.Vpnctl.CommandLine;

/// <summary>Guesses what was meant.</summary>
internal static class Suggestion
{
    /// <summary>A sentence with the candidate nearest to a mistyped word, or nothing when none is near.</summary>
    public static string For(string typed, IEnumerable<string> candidates)
    {
        (string Candidate, int Distance) best = candidates
            .Select(candidate => (candidate, Distance(typed, candidate)))
            .Append(("", int.MaxValue))
            .MinBy(pair => pair.Item2);
        int tolerance = Math.Max(1, typed.Length / 3);
        return best.Distance <= tolerance ? $" Did you mean '{best.Candidate}'?" : "";
    }

    /// <summary>The least number of letters to insert, remove, replace or swap with their neighbour.</summary>
    public static int Distance(string a, string b)
    {
        // What is that much longer than any option is no slip of the finger, and must not cost memory.
        if (a.Length > 64 || b.Length > 64)
            return int.MaxValue;
        int[,] cost = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
            cost[i, 0] = i;
        for (int j = 0; j <= b.Length; j++)
            cost[0, j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            for (int j = 1; j <= b.Length; j++)
            {
                int replace = cost[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                cost[i, j] = Math.Min(replace, Math.Min(cost[i - 1, j], cost[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    cost[i, j] = Math.Min(cost[i, j], cost[i - 2, j - 2] + 1);
            }
        }
        return cost[a.Length, b.Length];
    }
}
