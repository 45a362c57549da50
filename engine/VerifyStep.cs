using VibePN.Contracts;

namespace VibePN.Engine;

/// <summary>How a comparison with a peer goes.</summary>
/// <param name="State">How far it is.</param>
/// <param name="Text">The same for people, with what to do.</param>
public sealed record VerifyStep(VerifyState State, string Text)
{
    /// <summary>Six digits to compare, once there are some. They belong on the operators' screens and nowhere else.</summary>
    public string Digits { get; init; } = "";

    /// <summary>Everything but the digits: they must not reach a log by accident.</summary>
    public override string ToString() => $"{State}: {Text}";
}

/// <summary>How far a comparison is.</summary>
public enum VerifyState
{
    /// <summary>The other operator has not run the command yet.</summary>
    Waiting = 0,

    /// <summary>There are digits to compare. The last step.</summary>
    Digits = 1,

    /// <summary>The other operator did not come in time. The last step.</summary>
    Expired = 2,

    /// <summary>Begun anew by our own operator, or the daemon stops. The last step.</summary>
    Cancelled = 3,

    /// <summary>It cannot be carried out, or was disturbed. The last step.</summary>
    Failed = 4,
}

/// <summary>What became of confirming digits.</summary>
/// <param name="Certificate">The certificate that was compared; the default value when there is a problem.</param>
/// <param name="Problem">Why nothing is confirmed, or empty.</param>
public sealed record VerifyConfirmation(Fingerprint Certificate, string Problem);
