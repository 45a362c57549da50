using System.Collections.Immutable;
using VibePN.Engine;

namespace VibePN.Host.Control;

/// <summary>Whether the node works, and what an operator should look at.</summary>
/// <param name="Problems">What is wrong now, worst news first.</param>
/// <param name="Notices">What will be wrong, or is merely odd.</param>
internal sealed record Health(ImmutableArray<string> Problems, ImmutableArray<string> Notices)
{
    private const int NoticeDays = 30;
    private const int ProblemDays = 7;

    // A new path is tried with larger and larger packets for a while.
    private static readonly TimeSpan PathSettles = TimeSpan.FromSeconds(60);

    /// <summary>Nothing wrong, in one word; or the first problem.</summary>
    public string Reason => Problems.Length switch
    {
        0 => "",
        1 => Problems[0],
        _ => $"{Problems[0]} (and {Problems.Length - 1} more)",
    };

    /// <summary>Looks at everything.</summary>
    public static Health Of(EngineStatus status, IEnumerable<PluginReport> plugins, DateTimeOffset? expiry, DateTimeOffset now)
    {
        (string? expiryProblem, string? expiryNotice) = Expiry(expiry, now);
        IEnumerable<string?> problems =
        [
            .. status.Networks.Where(network => network.Error.Length > 0).Select(network => $"network {network.Name}: {network.Error}"),
            .. plugins.Where(plugin => plugin.State is not ("running" or "standby")).Select(plugin => $"plugin {plugin.Name} is {plugin.State}"),
            expiryProblem,
            .. status.Warnings,
        ];
        return new Health(
            [.. problems.OfType<string>().Distinct()],
            [.. new[] { expiryNotice }.Concat(Mtu(status, now)).OfType<string>()]);
    }

    private static (string? Problem, string? Notice) Expiry(DateTimeOffset? expiry, DateTimeOffset now)
    {
        if (expiry is not { } end || end - now > TimeSpan.FromDays(NoticeDays))
            return (null, null);
        TimeSpan left = end - now;
        string when = left <= TimeSpan.Zero ? "has expired"
            : left < TimeSpan.FromDays(1) ? $"expires in {Math.Ceiling(left.TotalHours):0} hours"
            : $"expires in {Math.Floor(left.TotalDays):0} days";
        string text = $"this node's certificate {when}, on {end.UtcDateTime:yyyy-MM-dd}: make a new one with 'vpnctl init --identity-only --force' "
            + "and give the peers its fingerprint";
        return left <= TimeSpan.FromDays(ProblemDays) ? (text, null) : (null, text);
    }

    private static IEnumerable<string> Mtu(EngineStatus status, DateTimeOffset now) =>
        from peer in status.Peers
        where peer.Path is { MaxPacketBytes: > 0 } && peer.Since is { } since && now - since > PathSettles
        from network in status.Networks
        where peer.Networks.Contains(network.Name) && network.Mtu > peer.Path!.MaxPacketBytes
        select $"network {network.Name}: its mtu of {network.Mtu} bytes is more than the {peer.Path!.MaxPacketBytes} bytes that pass to peer "
            + $"{peer.Name} in one packet; larger ones are refused";
}
