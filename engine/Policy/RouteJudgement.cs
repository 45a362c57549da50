using VibePN.Contracts;

namespace VibePN.Engine.Policy;

/// <summary>Who had the last word on an announcement. Later ones are asked only when all before them agreed.</summary>
internal enum JudgementStage
{
    /// <summary>What nobody may announce, and the caps.</summary>
    Guard = 0,

    /// <summary>The configuration's rules.</summary>
    Rules = 1,

    /// <summary>The route comes and goes too often.</summary>
    Damping = 2,

    /// <summary>The routing plugin.</summary>
    Plugin = 3,
}

/// <summary>What became of an announcement, with all that led to it.</summary>
/// <param name="Verdict">The candidate that is used, or null with the reason it is not.</param>
/// <param name="Stage">Who decided.</param>
/// <param name="Rule">What the rules said; null when they were not asked.</param>
internal sealed record RouteJudgement(ImportVerdict Verdict, JudgementStage Stage, RuleVerdict? Rule = null)
{
    /// <summary>Whether only somebody's better claim, or our own, keeps the peer from having what it announces, if anything does.</summary>
    public bool IsClaim => Verdict.Candidate is not null || Verdict.Reason is RouteReason.AddressConflict or RouteReason.OwnAddress;

    /// <summary>Who had the last word, in one word for operators.</summary>
    public static string NameOf(JudgementStage stage) => stage switch
    {
        JudgementStage.Guard => "guard",
        JudgementStage.Rules => "rules",
        JudgementStage.Damping => "damping",
        _ => "plugin",
    };

    /// <summary>Refused.</summary>
    public static RouteJudgement Refuse(JudgementStage stage, RouteReason reason, string text, RuleVerdict? rule = null) =>
        new(new ImportVerdict(null, reason, text), stage, rule);
}
