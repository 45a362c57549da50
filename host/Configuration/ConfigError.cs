using VibePN.Contracts;

namespace VibePN.Host.Configuration;

/// <summary>One thing wrong in a file the operator wrote, with how to mend it.</summary>
/// <param name="Position">Where; line 0 for a fault of the file as a whole.</param>
/// <param name="Code">The stable code, such as <c>VPN1004</c>.</param>
/// <param name="Text">What is wrong and what to do.</param>
internal sealed record ConfigError(SourcePosition Position, string Code, string Text)
{
    /// <summary><c>file(line,column): error VPNnnnn: text</c>, the form that editors jump to.</summary>
    public override string ToString() => Position.Line == 0
        ? $"{Position.File}: error {Code}: {Text}"
        : $"{Position}: error {Code}: {Text}";
}

/// <summary>The errors of one reading, gathered so that an operator sees all of them at once.</summary>
/// <param name="file">The path as the operator gave it.</param>
internal sealed class ConfigErrors(string file)
{
    // A binary file taken for TOML breaks on every line; more than this helps nobody.
    private const int Most = 100;

    private readonly List<ConfigError> _errors = [];

    /// <summary>The file these errors are about.</summary>
    public string File { get; } = file;

    /// <summary>Whether nothing is wrong so far.</summary>
    public bool IsEmpty => _errors.Count == 0;

    /// <summary>All errors in the file's order.</summary>
    public IReadOnlyList<ConfigError> Sorted =>
        [.. _errors.OrderBy(error => error.Position.Line).ThenBy(error => error.Position.Column)];

    /// <summary>Adds an error at a place in the file.</summary>
    public void Add(SourcePosition position, string code, string text)
    {
        if (_errors.Count < Most && !_errors.Any(error => error.Position == position && error.Text == text))
            _errors.Add(new ConfigError(position, code, text));
    }

    /// <summary>Adds an error about the file as a whole.</summary>
    public void Add(string code, string text) => Add(new SourcePosition(File, 0, 0), code, text);
}
