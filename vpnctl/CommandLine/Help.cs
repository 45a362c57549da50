using System.Text;
using VibePN.Vpnctl.Commands;

namespace VibePN.Vpnctl.CommandLine;

/// <summary>What <c>--help</c> prints, made from the table of commands. No line is longer than <see cref="Width"/>.</summary>
internal static class Help
{
    /// <summary>Columns that help is written for.</summary>
    public const int Width = 100;

    // By a command's first word, so that a new one finds its place with its family.
    private static readonly (string Title, string[] FirstWords)[] Groups =
    [
        ("See", ["status", "peers", "networks", "routes", "route", "events", "top"]),
        ("Find faults", ["ping", "netcheck", "doctor", "log", "bundle"]),
        ("Join and trust", ["init", "invite", "join", "add-peer", "remove-peer", "trust", "fingerprint"]),
        ("Change", ["reload", "plugins", "goodbye", "shutdown"]),
        ("This program", ["version", "completion"]),
    ];

    public static string Overview()
    {
        var text = new StringBuilder();
        text.Append("vpnctl asks and steers the VibePN daemon.\n\nUsage: vpnctl COMMAND [OPTIONS]\n");
        int width = CommandTable.All.Max(command => command.Name.Length);
        foreach ((string title, string[] firstWords) in Groups)
            AppendGroup(text, title, width, command => firstWords.Contains(FirstWord(command)));
        AppendGroup(text, "More", width, command => !Groups.Any(group => group.FirstWords.Contains(FirstWord(command))));
        text.Append("\nOptions, anywhere on the line:\n");
        AppendOptions(text, OptionInfo.Of(typeof(DaemonOptions)));
        text.Append("\n'vpnctl help COMMAND' says more about one command and shows an example.\n");
        AppendWrapped(text, "Exit codes: ", string.Join(", ", ExitCode.Meanings.Select(code => $"{code.Code} {code.Meaning}")) + ".");
        return text.ToString();
    }

    public static string Of(Command command)
    {
        var text = new StringBuilder();
        AppendWrapped(text, "", command.Summary);
        text.Append($"\nUsage: vpnctl {string.Join(' ', [command.Name, .. WordsOf(command)])} [OPTIONS]\n\nOptions:\n");
        AppendOptions(text, OptionInfo.Of(command.OptionsType));
        text.Append($"\nExample:\n  {command.Example}\n");
        return text.ToString();
    }

    /// <summary>The words that a command takes beside its options.</summary>
    public static IReadOnlyList<string> WordsOf(Command command) =>
        ((CommandOptions)Activator.CreateInstance(command.OptionsType)!).WordNames;

    private static string FirstWord(Command command) => command.Name.Split(' ')[0];

    private static void AppendGroup(StringBuilder text, string title, int width, Func<Command, bool> belongs)
    {
        Command[] commands = [.. CommandTable.All.Where(belongs)];
        if (commands.Length == 0)
            return;
        text.Append($"\n{title}:\n");
        foreach (Command command in commands)
            AppendWrapped(text, $"  {command.Name.PadRight(width)}  ", command.Summary);
    }

    private static void AppendOptions(StringBuilder text, IReadOnlyList<OptionInfo> options)
    {
        (string Left, OptionInfo Option)[] lines =
        [
            .. options.Select(option => ($"--{option.Name} {option.MetaValue}".TrimEnd(), option)),
            ("-h, --help", new OptionInfo("help", true, "", "Show this.", null)),
        ];
        int width = lines.Max(line => line.Left.Length);
        foreach ((string left, OptionInfo option) in lines)
        {
            string standard = option.Default is null or "" ? "" : $" Default: {option.Default}";
            AppendWrapped(text, $"  {left.PadRight(width)}  ", option.Help + standard);
        }
    }

    /// <summary>A text behind a heading; what does not fit stands below its beginning.</summary>
    private static void AppendWrapped(StringBuilder text, string heading, string body)
    {
        text.Append(heading);
        int column = heading.Length;
        foreach (string word in body.Split(' '))
        {
            if (column > heading.Length && column + 1 + word.Length > Width)
            {
                text.Append('\n').Append(' ', heading.Length);
                column = heading.Length;
            }
            else if (column > heading.Length)
            {
                text.Append(' ');
                column++;
            }
            text.Append(word);
            column += word.Length;
        }
        text.Append('\n');
    }
}
