using System.Text;
using VibePN.Vpnctl.Commands;

namespace VibePN.Vpnctl.CommandLine;

/// <summary>What <c>--help</c> prints, made from the table of commands.</summary>
internal static class Help
{
    public static string Overview()
    {
        var text = new StringBuilder();
        text.Append("vpnctl asks and steers the VibePN daemon.\n\n");
        text.Append("Usage: vpnctl COMMAND [OPTIONS]\n\nCommands:\n");
        int width = CommandTable.All.Max(command => command.Name.Length);
        foreach (Command command in CommandTable.All)
            text.Append($"  {command.Name.PadRight(width)}  {command.Summary}\n");
        text.Append("\nOptions, anywhere on the line:\n");
        AppendOptions(text, OptionInfo.Of(typeof(DaemonOptions)));
        text.Append("\n'vpnctl help COMMAND' says more about one command and shows an example.\n");
        text.Append($"Exit codes: {string.Join(", ", ExitCode.Meanings.Select(code => $"{code.Code} {code.Meaning}"))}.\n");
        return text.ToString();
    }

    public static string Of(Command command)
    {
        var text = new StringBuilder();
        text.Append($"{command.Summary}\n\nUsage: vpnctl {string.Join(' ', [command.Name, .. WordsOf(command)])} [OPTIONS]\n\nOptions:\n");
        AppendOptions(text, OptionInfo.Of(command.OptionsType));
        text.Append($"\nExample:\n  {command.Example}\n");
        return text.ToString();
    }

    public static IReadOnlyList<string> WordsOf(Command command) =>
        ((CommandOptions)Activator.CreateInstance(command.OptionsType)!).WordNames;

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
            text.Append($"  {left.PadRight(width)}  {option.Help}{standard}\n");
        }
    }
}
