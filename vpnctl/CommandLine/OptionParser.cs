using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using CommandLine;
using VibePN.Vpnctl.Commands;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.CommandLine;

/// <summary>Fills a command's options from words, and says in our own words what is wrong with them.</summary>
internal static class OptionParser
{
    // As Go's flag package reads them, for the predecessor's scripts.
    private static readonly string[] TrueWords = ["1", "t", "T", "true", "TRUE", "True"];
    private static readonly string[] FalseWords = ["0", "f", "F", "false", "FALSE", "False"];

    /// <summary>Parses the words after a command's name.</summary>
    /// <exception cref="CommandException">They do not fit the command.</exception>
    public static CommandOptions Parse(
        Command command,
        IReadOnlyList<string> words)
    {
        IReadOnlyList<OptionInfo> known = OptionInfo.Of(command.OptionsType);
        using var parser = new Parser(settings =>
        {
            settings.HelpWriter = null;
            settings.AutoHelp = false;
            settings.AutoVersion = false;
            settings.CaseSensitive = true;
        });
        (CommandOptions? options, Error? error) = command.Parse(parser, JoinValues(command, known, words));
        if (options is null)
            throw Usage(command, error is null ? "the options make no sense." : Describe(error, known));
        string[] given = [.. options.Words];
        if (given.Length > options.WordNames.Count)
            throw Usage(command, $"'{Escape.Controls(given[options.WordNames.Count])}' is one word too many.");
        string[] required = [.. options.WordNames.Where(name => !name.StartsWith('['))];
        if (given.Length < required.Length)
            throw Usage(command, $"{required[given.Length]} is missing.");
        return options;
    }

    private static bool IsNumber(string word) => double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out _);

    /// <summary>
    /// Joins every option with its value: <c>--export</c>, <c>--export=false</c> and <c>--name x</c> become one word each.
    /// </summary>
    private static List<string> JoinValues(
        Command command,
        IReadOnlyList<OptionInfo> known,
        IReadOnlyList<string> words)
    {
        List<string> joined = [];
        for (int i = 0; i < words.Count; i++)
        {
            string[] parts = words[i].Split('=', 2);
            OptionInfo? option = known.FirstOrDefault(each => "--" + each.Name == parts[0]);
            if (option is null)
            {
                joined.Add(words[i]);
                continue;
            }
            string? value = parts.Length == 2 ? parts[1]
                : option.IsSwitch ? "true"
                : option.HasOptionalValue ? i + 1 < words.Count && IsNumber(words[i + 1]) ? words[++i] : OptionInfo.Bare
                : i + 1 < words.Count ? words[++i]
                : null;
            if (string.IsNullOrEmpty(value))
                throw Usage(command, $"{parts[0]} needs a value.");
            if (option.IsSwitch && !TryReadSwitch(value, out value))
                throw Usage(command, $"{parts[0]} takes true or false, not '{Escape.Controls(parts[1])}'.");
            // CommandLineParser takes only this form without guessing what a dash in the value means.
            // A value of several lines, such as the predecessor's invite, it takes only as a word of its own.
            if (value.Contains('\n', StringComparison.Ordinal) && value[0] != '-')
                joined.AddRange([parts[0], value]);
            else
                joined.Add($"{parts[0]}={value}");
        }
        return joined;
    }

    private static bool TryReadSwitch(string text, [NotNullWhen(true)] out string? value)
    {
        value = TrueWords.Contains(text) ? "true" : FalseWords.Contains(text) ? "false" : null;
        return value is not null;
    }

    private static string Describe(Error error, IReadOnlyList<OptionInfo> known) => error switch
    {
        UnknownOptionError unknown => $"there is no option --{Escape.Controls(unknown.Token)}."
            + Suggestion.For("--" + unknown.Token, known.Select(option => "--" + option.Name)),
        BadFormatConversionError bad => $"--{bad.NameInfo.LongName} has a value of the wrong kind.",
        RepeatedOptionError repeated => $"--{repeated.NameInfo.LongName} is given twice.",
        BadFormatTokenError bad => $"'{Escape.Controls(bad.Token)}' makes no sense here.",
        _ => $"the options make no sense ({error.Tag}).",
    };

    private static CommandException Usage(Command command, string problem) =>
        new($"vpnctl {command.Name}: {problem} 'vpnctl {command.Name} --help' lists its options.", ExitCode.Usage);
}
