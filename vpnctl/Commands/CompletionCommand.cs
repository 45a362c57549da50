using System.Text.Json;
using VibePN.Vpnctl.CommandLine;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Commands;

/// <summary>Options of <c>completion</c>.</summary>
internal sealed class CompletionOptions : CommandOptions
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> WordNames => ["SHELL"];
}

/// <summary><c>completion</c>: prints a shell's script. All of them ask vpnctl itself what fits (<see cref="Completion"/>).</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        # bash completion for vpnctl, printed by 'vpnctl completion bash'.
        _vpnctl() {
            local line
            COMPREPLY=()
            while IFS= read -r line; do
                if [[ $line == :files ]]; then
                    compopt -o default
                    return
                fi
                COMPREPLY+=("${line%%$'\t'*}")
            done < <("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
        }
        complete -F _vpnctl vpnctl

        """;

    private const string Zsh = """
        #compdef vpnctl
        # zsh completion for vpnctl, printed by 'vpnctl completion zsh'.
        _vpnctl() {
            local line
            local -a found
            while IFS= read -r line; do
                if [[ $line == :files ]]; then
                    _files
                    return
                fi
                line=${line//:/\\:}
                found+=("${line/$'\t'/:}")
            done < <("$words[1]" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
            _describe vpnctl found
        }
        compdef _vpnctl vpnctl

        """;

    private const string Fish = """
        # fish completion for vpnctl, printed by 'vpnctl completion fish'.
        function __vpnctl_complete
            set -l words (commandline -opc) (commandline -ct)
            set -l found ($words[1] __complete $words[2..-1] 2>/dev/null)
            if test "$found" = :files
                __fish_complete_path (commandline -ct)
            else
                printf '%s\n' $found
            end
        end
        complete -c vpnctl -f -a '(__vpnctl_complete)'

        """;

    public static int Run(CompletionOptions options, Terminal terminal)
    {
        string shell = options.Words.First();
        string script = shell switch
        {
            "bash" => Bash,
            "zsh" => Zsh,
            "fish" => Fish,
            _ => throw new CommandException(
                $"'{Escape.Controls(shell)}' is no shell that completion is made for: bash, zsh or fish.", ExitCode.Usage),
        };
        if (options.Json is true)
            JsonView.Write(terminal.Out, writer => WriteJson(writer, shell, script));
        else
            terminal.Out.Write(script.ReplaceLineEndings("\n"));
        return ExitCode.Ok;
    }

    private static void WriteJson(Utf8JsonWriter writer, string shell, string script)
    {
        writer.WriteStartObject();
        writer.WriteString("script", script.ReplaceLineEndings("\n"));
        writer.WriteString("shell", shell);
        writer.WriteEndObject();
    }
}
