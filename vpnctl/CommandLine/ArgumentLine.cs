namespace VibePN.Vpnctl.CommandLine;

/// <summary>The words an operator typed, sorted into what every command knows and the rest.</summary>
/// <param name="Words">Without the options that may stand anywhere; long options have two dashes.</param>
/// <param name="Globals">Those options with their values, ready to be appended.</param>
/// <param name="WantsHelp">Whether <c>--help</c> or <c>-h</c> was among them.</param>
internal sealed record ArgumentLine(IReadOnlyList<string> Words, IReadOnlyList<string> Globals, bool WantsHelp)
{
    private static readonly string[] Valued = ["--socket", "--timeout"];

    public static ArgumentLine Of(IReadOnlyList<string> arguments)
    {
        List<string> words = [];
        List<string> globals = [];
        bool wantsHelp = false;
        for (int i = 0; i < arguments.Count; i++)
        {
            string word = WithTwoDashes(arguments[i]);
            string name = word.Split('=', 2)[0];
            if (word is "--help" or "-h")
                wantsHelp = true;
            else if (name == "--json")
                globals.Add(word);
            else if (Valued.Contains(name))
            {
                globals.Add(word);
                if (!word.Contains('=') && i + 1 < arguments.Count)
                    globals.Add(arguments[++i]);
            }
            else
                words.Add(word);
        }
        return new ArgumentLine(words, globals, wantsHelp);
    }

    /// <summary>The predecessor took <c>-config</c> for <c>--config</c>.</summary>
    private static string WithTwoDashes(string word) =>
        word.Length > 2 && word[0] == '-' && char.IsAsciiLetter(word[1]) ? "-" + word : word;
}
