using CommandLine;

namespace VibePN.Vpnctl.Commands;

/// <summary>One thing an operator can ask for.</summary>
/// <param name="Name">One word, or a group and a word.</param>
/// <param name="Summary">One sentence.</param>
/// <param name="Example">A line that works.</param>
/// <param name="OptionsType">A <see cref="CommandOptions"/> that CommandLineParser fills.</param>
/// <param name="Parse">Fills one.</param>
/// <param name="Run">Does it; returns the exit code.</param>
internal sealed record Command(
    string Name,
    string Summary,
    string Example,
    Type OptionsType,
    Func<Parser, IReadOnlyList<string>, (CommandOptions? Options, Error? Error)> Parse,
    Func<CommandOptions, Terminal, int> Run)
{
    /// <summary>A command whose options have their own type.</summary>
    public static Command Of<TOptions>(
        string name,
        string summary,
        string example,
        Func<TOptions, Terminal, int> run)
        where TOptions : CommandOptions =>
        new(name, summary, example, typeof(TOptions), ParseAs<TOptions>, (options, terminal) => run((TOptions)options, terminal));

    private static (CommandOptions? Options, Error? Error) ParseAs<TOptions>(Parser parser, IReadOnlyList<string> words)
        where TOptions : CommandOptions
    {
        ParserResult<TOptions> result = parser.ParseArguments<TOptions>(words);
        return result.Errors.FirstOrDefault() is { } error ? (null, error) : (result.Value, null);
    }
}
