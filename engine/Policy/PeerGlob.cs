namespace VibePN.Engine.Policy;

/// <summary>Matches a peer's name with a pattern: <c>*</c> stands for any characters, <c>?</c> for one, all else for itself.</summary>
internal static class PeerGlob
{
    /// <summary>Whether one of the patterns matches.</summary>
    public static bool MatchesAny(ReadOnlySpan<string> patterns, string name)
    {
        foreach (string pattern in patterns)
        {
            if (Matches(pattern, name))
                return true;
        }
        return false;
    }

    /// <summary>Whether the pattern matches the whole name. At most pattern times name steps, whatever they are.</summary>
    public static bool Matches(string pattern, string name)
    {
        int at = 0;
        int star = -1;
        int taken = 0; // where the name goes on after what the last star stands for
        for (int i = 0; i < name.Length;)
        {
            if (at < pattern.Length && pattern[at] == '*')
            {
                star = at++;
                taken = i;
            }
            else if (at < pattern.Length && (pattern[at] == '?' || pattern[at] == name[i]))
            {
                at++;
                i++;
            }
            else if (star < 0)
            {
                return false;
            }
            else
            {
                at = star + 1;
                i = ++taken;
            }
        }
        while (at < pattern.Length && pattern[at] == '*')
            at++;
        return at == pattern.Length;
    }
}
