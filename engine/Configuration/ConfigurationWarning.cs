using VibePN.Contracts;

namespace VibePN.Engine.Configuration;

/// <summary>Something in the configuration that works and is hardly what was meant.</summary>
/// <param name="Code">The stable code.</param>
/// <param name="Position">Where it stands.</param>
/// <param name="Text">What is odd and what to do.</param>
public sealed record ConfigurationWarning(string Code, SourcePosition Position, string Text)
{
    /// <summary><c>file(line,column): warning VPNnnnn: text</c>, the form that editors jump to.</summary>
    public override string ToString() =>
        Position.Line == 0 ? $"warning {Code}: {Text}" : $"{Position}: warning {Code}: {Text}";
}
