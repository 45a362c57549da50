using VibePN.Contracts;

namespace VibePN.Engine.Configuration;

/// <summary>What a reload would do to the overlay: a pure comparison of two configurations.</summary>
public static class ConfigurationPlan
{
    /// <summary>One line per change, sorted; none when nothing changes.</summary>
    /// <param name="before">What is in effect.</param>
    /// <param name="after">What is to be. Its identity takes effect at the next start.</param>
    public static IReadOnlyList<string> Between(EngineConfiguration before, EngineConfiguration after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        var lines = new List<string>();
        if (before.Identity.Fingerprint != after.Identity.Fingerprint)
            lines.Add($"identity: {before.Identity.Fingerprint} -> {after.Identity.Fingerprint} at the next start");
        // An automatic address that had to move stays where it is: no change.
        IReadOnlyList<NetworkConfiguration> networks =
        [
            .. after.Networks.Select(network => before.Networks.FirstOrDefault(present => present.Name == network.Name) is { } present
                ? network.KeepAddressesOf(present)
                : network),
        ];
        Compare("network", before.Networks, networks, network => network.Name, lines);
        Compare("peer", before.Peers, after.Peers, peer => peer.Name, lines);
        // What belongs to no network and no peer; the identity is dealt with above.
        lines.AddRange(ConfigurationText
            .Differences("", Without(before, after.Identity), Without(after, after.Identity))
            .Select(line => line.Insert(line.IndexOf(' ', StringComparison.Ordinal), ":")));
        lines.Sort(StringComparer.Ordinal);
        return lines;
    }

    /// <summary>What a configuration says, whatever the order of its peers; the private key is no part of it.</summary>
    public static string TextOf(EngineConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return ConfigurationText.Of(configuration with
        {
            Peers = [.. configuration.Peers.OrderBy(peer => peer.Name, StringComparer.Ordinal)],
            Networks = [.. configuration.Networks.OrderBy(network => network.Name, StringComparer.Ordinal)],
        });
    }

    /// <summary>Whether two values say the same.</summary>
    internal static bool AreSame(object left, object right) => ConfigurationText.Of(left) == ConfigurationText.Of(right);

    private static EngineConfiguration Without(EngineConfiguration configuration, NodeIdentity identity) =>
        configuration with { Identity = identity, Networks = [], Peers = [] };

    private static void Compare<T>(
        string kind, IReadOnlyList<T> before, IReadOnlyList<T> after, Func<T, string> nameOf, List<string> lines)
        where T : notnull
    {
        Dictionary<string, T> old = before.ToDictionary(nameOf, StringComparer.Ordinal);
        Dictionary<string, T> next = after.ToDictionary(nameOf, StringComparer.Ordinal);
        foreach ((string name, T value) in old)
        {
            if (next.TryGetValue(name, out T? changed))
                lines.AddRange(ConfigurationText.Differences($"{kind} {name}", value, changed));
            else
                lines.Add($"{kind} {name}: removed");
        }
        lines.AddRange(next.Keys.Where(name => !old.ContainsKey(name)).Select(name => $"{kind} {name}: added"));
    }
}
