using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine;

namespace VibePN.Host.Trust;

/// <summary>Where operators look at trust and change it, whatever trust plugins run.</summary>
internal interface ITrustDesk
{
    /// <summary>All that is known.</summary>
    Task<TrustBook> GetBookAsync(CancellationToken cancellationToken);

    /// <summary>Carries out an order with every trust plugin, or says what each would do.</summary>
    /// <param name="wish">What is wanted.</param>
    /// <param name="cancellationToken">Ends the wait for a change before it; what has begun is brought to its end.</param>
    Task<TrustAnswer> OrderAsync(TrustWish wish, CancellationToken cancellationToken);

    /// <summary>Compares short digits with a peer's operator; the last step has them, or says why there are none.</summary>
    IAsyncEnumerable<VerifyStep> VerifyAsync(string peer, CancellationToken cancellationToken);

    /// <summary>Notes that the digits were alike on both nodes.</summary>
    Task<TrustAnswer> ConfirmAsync(string peer, string digits, CancellationToken cancellationToken);
}

/// <summary>An operator's order, as it was said.</summary>
/// <param name="Action">What to do.</param>
/// <param name="Subject">A peer's name or a fingerprint, in the operator's words.</param>
/// <param name="DryRun">Whether to say what would change, and change nothing.</param>
internal sealed record TrustWish(TrustAction Action, string Subject, bool DryRun)
{
    /// <summary>The peer to accept it for, where one was named.</summary>
    public string? Peer { get; init; }

    /// <summary>The new fingerprint of a replacement.</summary>
    public string To { get; init; } = "";

    /// <summary>The old fingerprint of a replacement.</summary>
    public string From { get; init; } = "";
}

/// <summary>What became of an order.</summary>
/// <param name="Error">None when a plugin has carried it out, or would.</param>
/// <param name="Text">What was done and what follows, or why not and what to do.</param>
internal sealed record TrustAnswer(ControlError Error, string Text)
{
    /// <summary>The peer concerned, or empty.</summary>
    public string Peer { get; init; } = "";

    /// <summary>The fingerprints concerned.</summary>
    public ImmutableArray<Fingerprint> Fingerprints { get; init; } = [];

    /// <summary>What each plugin said, in their order.</summary>
    public ImmutableArray<PluginAnswer> Plugins { get; init; } = [];

    /// <summary>Sessions that ended, or would; their routes are gone already.</summary>
    public ImmutableArray<SessionEnd> Ended { get; init; } = [];
}

/// <summary>What one trust plugin said to an order.</summary>
/// <param name="Plugin">Its name.</param>
/// <param name="Done">Whether it has carried it out, or would.</param>
/// <param name="Text">Its words.</param>
internal sealed record PluginAnswer(string Plugin, bool Done, string Text);
