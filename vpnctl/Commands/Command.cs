namespace VibePN.Vpnctl.Commands;

/// <summary>One thing an operator can ask for.</summary>
/// <param name="Name">One word, or a group and a word.</param>
/// <param name="Summary">One sentence.</param>
/// <param name="Example">A line that works.</param>
/// <param name="OptionsType">A <see cref="CommandOptions"/> that CommandLineParser fills.</param>
/// <param name="Run">Does it; returns the exit code.</param>
internal sealed record Command(
    string Name,
    string Summary,
    string Example,
    Type OptionsType,
    Func<CommandOptions, Terminal, int> Run)
{
    /// <summary>A command whose options have their own type.</summary>
    public static Command Of<TOptions>(
        string name,
        string summary,
        string example,
        Func<TOptions, Terminal, int> run)
        where TOptions : CommandOptions =>
        new(name, summary, example, typeof(TOptions), (options, terminal) => run((TOptions)options, terminal));
}
