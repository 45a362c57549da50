using VibePN.Vpnctl.Commands;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.CommandLine;

/// <summary>From words to a command: first its name, one word or two, then its options.</summary>
internal static class Dispatcher
{
    /// <summary>Runs what was asked for.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(IReadOnlyList<string> arguments, Terminal terminal)
    {
        try
        {
            // What the shells' completion asks; no command of an operator's.
            if (arguments is [Completion.Word, ..])
                return Completion.Run([.. arguments.Skip(1)], terminal);
            ArgumentLine line = ArgumentLine.Of(arguments);
            return Dispatch(line, terminal);
        }
        catch (CommandException error)
        {
            terminal.Error.WriteLine("Error: " + error.Message);
            return error.ExitCode;
        }
        catch (IOException error)
        {
            // The screen or the pipe that shows the result is gone or full.
            terminal.Error.WriteLine("Error: " + Escape.Controls(error.Message));
            return ExitCode.Failed;
        }
    }

    private static int Dispatch(ArgumentLine line, Terminal terminal)
    {
        IReadOnlyList<string> words = line.Words;
        bool wantsHelp = line.WantsHelp;
        if (words is ["help", ..])
        {
            wantsHelp = true;
            words = [.. words.Skip(1)];
        }
        if (words.Count == 0)
        {
            (wantsHelp ? terminal.Out : terminal.Error).Write(Help.Overview());
            return wantsHelp ? ExitCode.Ok : ExitCode.Usage;
        }
        // For the package's build; whoever operates a node has no use for it, so help does not list it.
        if (words is ["man"] && !wantsHelp)
        {
            terminal.Out.Write(ManPage.Of(CommandTable.All));
            return ExitCode.Ok;
        }
        if (words is ["--version", ..])
            words = ["version", .. words.Skip(1)];
        (Command command, int length) = Find(words);
        if (wantsHelp)
        {
            terminal.Out.Write(Help.Of(command));
            return ExitCode.Ok;
        }
        CommandOptions options = OptionParser.Parse(command, [.. words.Skip(length), .. line.Globals]);
        return command.Run(options, terminal);
    }

    private static (Command Command, int Words) Find(IReadOnlyList<string> words)
    {
        string one = words[0];
        string two = words.Count > 1 ? $"{one} {words[1]}" : one;
        // 'peers reconnect' before 'peers', whose word may be any peer's name.
        if (CommandTable.All.FirstOrDefault(command => command.Name == two) is { } longer)
            return (longer, longer.Name == one ? 1 : 2);
        return CommandTable.All.FirstOrDefault(command => command.Name == one) is { } shorter ? (shorter, 1) : throw Unknown(words);
    }

    private static CommandException Unknown(IReadOnlyList<string> words)
    {
        string first = words[0];
        if (first.StartsWith('-'))
            return new CommandException(
                $"{Escape.Controls(first)} must follow the command it belongs to. 'vpnctl --help' lists the commands.",
                ExitCode.Usage);
        string[] inGroup =
        [
            .. from command in CommandTable.All
               where command.Name.StartsWith(first + " ", StringComparison.Ordinal)
               select command.Name[(first.Length + 1)..],
        ];
        if (inGroup.Length > 0)
            return new CommandException(
                words.Count > 1
                    ? $"there is no command '{first} {Escape.Controls(words[1])}'. '{first}' has: {string.Join(", ", inGroup)}."
                    : $"'{first}' needs another word: {string.Join(", ", inGroup)}.",
                ExitCode.Usage);
        IEnumerable<string> names = CommandTable.All.Select(command => command.Name)
            .Concat(CommandTable.All.Select(command => command.Name.Split(' ')[0])).Append("help");
        return new CommandException(
            $"there is no command '{Escape.Controls(first)}'.{Suggestion.For(first, names)} 'vpnctl --help' lists them all.",
            ExitCode.Usage);
    }
}
