using System.Text.Json;
using VibePN.Vpnctl.Commands;
using VibePN.Vpnctl.Control;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.CommandLine;

/// <summary>What may stand next on a line that is being typed: made from the table of commands and their options.</summary>
internal static class Completion
{
    /// <summary>What shells call it by.</summary>
    public const string Word = "__complete";

    // A shell that waits for a daemon is worse than one that does not know the peers' names.
    private const int DaemonSeconds = 1;

    /// <summary>Prints what fits, a line each, with a tab and a few words where there are some; <c>:files</c> for a path.</summary>
    /// <param name="typed">The words behind <c>vpnctl</c>; the last one, perhaps empty, is the one to complete.</param>
    /// <param name="terminal">Where to.</param>
    public static int Run(IReadOnlyList<string> typed, Terminal terminal)
    {
        string current = typed.Count > 0 ? typed[^1] : "";
        string[] before = [.. typed.SkipLast(1)];
        foreach ((string value, string help) in Candidates(before, current))
        {
            if (value.StartsWith(current, StringComparison.Ordinal) || value == ":files")
                terminal.Out.WriteLine(help.Length > 0 ? $"{value}\t{help}" : value);
        }
        return ExitCode.Ok;
    }

    private static IEnumerable<(string Value, string Help)> Candidates(string[] before, string current)
    {
        (string[] plain, OptionInfo? open) = Split(before);
        if (open is not null)
            return Values(open.Name == "network" ? "NETWORK" : open.MetaValue, before);
        Command? command = Find(plain);
        if (current.StartsWith('-'))
            return OptionInfo.Of(command?.OptionsType ?? typeof(DaemonOptions)).Select(option => ("--" + option.Name, option.Help));
        string first = plain.FirstOrDefault("");
        IEnumerable<(string, string)> names = plain.Length switch
        {
            0 => Distinct(CommandTable.All.Select(each => (each.Name.Split(' ')[0], each.Name.Contains(' ') ? "" : each.Summary)).Append(("help", "Say more."))),
            1 => CommandTable.All.Where(each => each.Name.StartsWith(first + " ", StringComparison.Ordinal))
                .Select(each => (each.Name[(first.Length + 1)..], each.Summary)),
            _ => [],
        };
        if (command is null)
            return names;
        int position = plain.Length - command.Name.Split(' ').Length;
        IReadOnlyList<string> words = Help.WordsOf(command);
        return position < words.Count ? [.. names, .. Values(words[position].Trim('[', ']'), before)] : names;
    }

    /// <summary>Sorts what stands before the cursor into words, and the option that still wants its value.</summary>
    private static (string[] Plain, OptionInfo? Open) Split(string[] before)
    {
        List<string> plain = [];
        OptionInfo? open = null;
        foreach (string word in before)
        {
            if (open is not null)
                open = null;
            else if (!word.StartsWith('-'))
                plain.Add(word);
            else if (!word.Contains('='))
                open = OptionOf(plain, word.TrimStart('-'));
        }
        if (plain is ["help", ..])
            plain.RemoveAt(0);
        return ([.. plain], open);
    }

    private static OptionInfo? OptionOf(List<string> plain, string name) =>
        OptionInfo.Of(Find([.. plain])?.OptionsType ?? typeof(DaemonOptions))
            .FirstOrDefault(option => option.Name == name && !option.IsSwitch && !option.HasOptionalValue);

    private static Command? Find(string[] plain) =>
        CommandTable.All.FirstOrDefault(command => plain.Length > 1 && command.Name == $"{plain[0]} {plain[1]}")
        ?? CommandTable.All.FirstOrDefault(command => plain.Length > 0 && command.Name == plain[0]);

    private static List<(string Value, string Help)> Values(string kind, string[] before) => kind switch
    {
        "NETWORK" => Names(before, "networks", "name"),
        "COMPONENT" => [.. Names(before, "log.levels", "component"), .. Values("LEVEL", before)],
        "SHELL" => [("bash", ""), ("zsh", ""), ("fish", "")],
        "LEVEL" => [("debug", ""), ("info", ""), ("warn", ""), ("error", "")],
        "ROLE" => [("routing", ""), ("trust", "")],
        _ when kind.StartsWith("PEER", StringComparison.Ordinal) => Names(before, "peers", "name"),
        _ when kind.Contains("PATH", StringComparison.Ordinal) || kind.Contains("FILE", StringComparison.Ordinal) => [(":files", "")],
        _ => [],
    };

    private static List<(string Value, string Help)> Names(string[] before, string method, string member)
    {
        int socket = Array.FindLastIndex(before, word => word == "--socket");
        var options = new DaemonOptions { Timeout = DaemonSeconds, Socket = socket >= 0 && socket + 1 < before.Length ? before[socket + 1] : null };
        try
        {
            using ControlClient client = ControlClient.For(options);
            JsonElement rows = client.Call(method);
            return rows.ValueKind != JsonValueKind.Array ? []
                : [.. rows.EnumerateArray().Select(row => (Escape.Controls(row.Text(member) ?? ""), "")).Where(name => name.Item1.Length > 0)];
        }
        catch (CommandException)
        {
            // No daemon, no names; the shell must not be disturbed.
            return [];
        }
    }

    private static IEnumerable<(string, string)> Distinct(IEnumerable<(string Name, string Help)> names) =>
        names.GroupBy(name => name.Name).Select(group => group.First());
}
