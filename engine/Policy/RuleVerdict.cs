using VibePN.Contracts;
using VibePN.Engine.Configuration;

namespace VibePN.Engine.Policy;

/// <summary>What the configuration's rules say of one route.</summary>
/// <param name="Accepted">Whether they take it, or tell it.</param>
/// <param name="Reason">The stable code.</param>
/// <param name="Text">The verdict in one sentence, with the rule's number and place.</param>
/// <param name="Number">The rule's number in the file, from 1; 0 when no rule matched and the default decided.</param>
/// <param name="Set">What is changed.</param>
internal sealed record RuleVerdict(bool Accepted, RouteReason Reason, string Text, int Number, RuleChanges Set)
{
    /// <summary>What is said where no rule matches.</summary>
    public static RuleVerdict Default(bool accepted, RouteReason reason, string text) =>
        new(accepted, reason, text, 0, RuleChanges.None);

    /// <summary>A place in the file, as messages name it.</summary>
    public static string Place(SourcePosition position) =>
        position.Line == 0 ? "" : $" ({position.File}, line {position.Line})";
}
