using System.Text;
using VibePN.Vpnctl.Commands;

namespace VibePN.Vpnctl.CommandLine;

/// <summary>The page <c>vpnctl(1)</c>, in the language of man(7), made from the table of commands so that it cannot go stale.</summary>
internal static class ManPage
{
    /// <summary>The whole page.</summary>
    public static string Of(IReadOnlyList<Command> commands)
    {
        var page = new StringBuilder();
        page.Append($".TH VPNCTL 1 \"\" \"VibePN Modular {Text(VersionCommand.Client)}\" \"User Commands\"\n");
        page.Append(".SH NAME\nvpnctl \\- asks and steers the VibePN daemon\n");
        page.Append(".SH SYNOPSIS\n.B vpnctl\n.I COMMAND\n[\\fIOPTIONS\\fR]\n");
        page.Append(".SH DESCRIPTION\nEach command asks\n.BR vibepnd (8)\nover its control socket, or makes a file. ");
        page.Append("Options have one dash or two, before or after their command's words.\n");
        page.Append(".SH COMMANDS\n");
        foreach (Command command in commands)
            Append(page, command);
        page.Append(".SH COMMON OPTIONS\n");
        AppendOptions(page, OptionInfo.Of(typeof(DaemonOptions)));
        page.Append(".SH EXIT STATUS\n");
        foreach ((int code, string meaning) in ExitCode.Meanings)
            page.Append($".TP\n.B {code}\n{Text(meaning)}\n");
        page.Append(".SH FILES\n.TP\n.I /run/vibepn/vibepn.sock\nthe control socket\n.TP\n.I /etc/vibepn/config.toml\nthe configuration that init writes\n");
        page.Append(".SH SEE ALSO\n.BR vibepnd (8),\n.BR vibepn\\-config (5)\n");
        return page.ToString();
    }

    private static void Append(StringBuilder page, Command command)
    {
        string words = string.Concat(Help.WordsOf(command).Select(word => $" \\fI{Text(word)}\\fR"));
        page.Append($".SS \"{Text(command.Name)}{words}\"\n{Line(command.Summary)}\n");
        AppendOptions(page, [.. OptionInfo.Of(command.OptionsType).Where(IsOwn)]);
        page.Append($".PP\nExample:\n.PP\n.RS\n.EX\n{Line(command.Example)}\n.EE\n.RE\n");
    }

    // What every command has is told once.
    private static bool IsOwn(OptionInfo option) => !OptionInfo.Of(typeof(DaemonOptions)).Contains(option);

    private static void AppendOptions(StringBuilder page, IReadOnlyList<OptionInfo> options)
    {
        foreach (OptionInfo option in options)
        {
            string value = string.IsNullOrEmpty(option.MetaValue) ? "" : $" \\fI{Text(option.MetaValue)}\\fR";
            string standard = option.Default is null or "" ? "" : $" Default: {option.Default}";
            page.Append($".TP\n\\fB{Text("--" + option.Name)}\\fR{value}\n{Line(option.Help + standard)}\n");
        }
    }

    // A dot or a quote at the beginning of a line would be a request.
    private static string Line(string text) => text.StartsWith('.') || text.StartsWith('\'') ? "\\&" + Text(text) : Text(text);

    private static string Text(string text) => text
        .Replace("\\", "\\e", StringComparison.Ordinal)
        .Replace("-", "\\-", StringComparison.Ordinal)
        .Replace("\"", "\\(dq", StringComparison.Ordinal);
}
