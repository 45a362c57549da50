using System.Collections.Immutable;
using VibePN.Engine.Configuration;
using VibePN.Host.Configuration;

namespace VibePN.Host.Doctor;

/// <summary>The predecessor's nine checks, and what else config.toml says by itself.</summary>
internal static class ConfigurationChecks
{
    /// <summary>Check 1.</summary>
    public static Check Load(ExaminedConfig config)
    {
        var found = new CheckFindings(1, "config parse/load");
        foreach (ConfigProblem problem in config.Of(1))
        {
            bool isMissing = problem.Error.Code == ErrorCodes.FileUnreadable && !File.Exists(config.Path);
            found.Fail(problem.Detail, isMissing
                ? $"vpnctl init --config {config.Path}   (or name the right file with --config)"
                : problem.Error.Code == ErrorCodes.FileUnreadable
                    ? $"make {config.Path} readable, or run this as root: {problem.Error.Text}"
                    : problem.Remedy);
        }
        return found.Build(config.Path);
    }

    /// <summary>Checks 2 to 10.</summary>
    public static IEnumerable<Check> Run(ExaminedConfig config) =>
    [
        Fields(config), Pair(config), Prefixes(config), Addresses(config), PeerFields(config), PeerAddresses(config),
        PeerFingerprints(config), PeerNetworks(config),
        Of(config, 10, "address inside prefix").Build($"{config.Draft.Networks.Length} networks"),
    ];

    /// <summary>Check 16.</summary>
    public static Check Duplicates(ExaminedConfig config)
    {
        CheckFindings found = Of(config, 16, "duplicate peers or own key listed");
        foreach (IGrouping<string, (string Peer, string Address)> shared in config.Draft.Peers
            .SelectMany(peer => peer.Addresses.Select(address => (Peer: peer.Name, Address: address)))
            .GroupBy(each => each.Address, StringComparer.OrdinalIgnoreCase).Where(group => group.Count() > 1))
        {
            string names = string.Join("' and '", shared.Select(each => each.Peer));
            found.Warn($"peers '{names}' are dialled at one address, {shared.Key}",
                $"edit {config.Path}: give one of '{names}' its own address, or remove one");
        }
        return found.Build($"{config.Draft.Peers.Length} peers, all different");
    }

    private static Check Fields(ExaminedConfig config)
    {
        CheckFindings found = Of(config, 2, "identity fields non-empty");
        if (found.IsEmpty && string.IsNullOrEmpty(config.Text("identity", "fingerprint")))
        {
            string value = config.Draft.Identity is { } identity ? identity.Fingerprint.ToString() : "<what vpnctl fingerprint prints>";
            found.Warn("identity.fingerprint is empty: a certificate that was mixed up is not noticed",
                $"edit {config.Path}, [identity]: fingerprint = \"{value}\"");
        }
        return found.Build("cert, key and fingerprint are set");
    }

    private static Check Pair(ExaminedConfig config)
    {
        var found = new CheckFindings(3, "cert+key load with expected fingerprint");
        foreach (ConfigProblem problem in config.Of(3))
            found.Fail(problem.Detail, PairRemedy(config, problem));
        if (found.IsEmpty && config.Draft.Identity is null)
            found.NotChecked("certificate and key are not named", "mend check 2 first");
        return found.Build(config.Draft.Identity?.Fingerprint.ToString() ?? "");
    }

    private static string PairRemedy(ExaminedConfig config, ConfigProblem problem)
    {
        string cert = config.Text("identity", "cert") ?? "PATH";
        string key = config.Text("identity", "key") ?? "PATH";
        bool isDenied = problem.Error.Text.Contains("denied", StringComparison.OrdinalIgnoreCase);
        if (isDenied)
            return $"run this as root or as the daemon's user, who may read {key}";
        return problem.Error.Code == ErrorCodes.IdentityMismatch || problem.Error.Code == ErrorCodes.BadFingerprint
            ? problem.Remedy
            : $"name the right files in [identity] of {config.Path}, or make a new pair, which is a new identity: "
                + $"vpnctl init --identity-only --force --cert {cert} --key {key}";
    }

    private static Check Prefixes(ExaminedConfig config)
    {
        CheckFindings found = Of(config, 4, "network CIDR prefixes");
        if (HasNoNetworks(config))
            found.Warn("no networks configured", $"edit {config.Path}: add [networks.corp] with prefix = \"10.42.0.0/24\"");
        return found.Build($"{config.Draft.Networks.Length} networks");
    }

    private static Check Addresses(ExaminedConfig config)
    {
        CheckFindings found = Of(config, 5, "network address format");
        if (HasNoNetworks(config))
            found.Warn("no networks configured", $"edit {config.Path}: add [networks.corp] with address = \"auto\"");
        return found.Build(string.Join(", ", config.Draft.Networks.Select(network =>
            $"{network.Name} {string.Join(' ', new object?[] { network.Address, network.Address6 }.Where(address => address is not null))}")));
    }

    private static Check PeerFields(ExaminedConfig config)
    {
        CheckFindings found = Of(config, 6, "peer name/address non-empty");
        ImmutableArray<PeerConfiguration> peers = config.Draft.Peers;
        if (HasNoPeers(config))
            found.Warn("no peers configured", "vpnctl add-peer --name node2 --address HOST:51820 --networks corp, or vpnctl invite");
        int silent = peers.Count(peer => peer.Addresses.IsEmpty);
        return found.Build(silent == 0 ? $"{peers.Length} peers" : $"{peers.Length} peers, {silent} without an address: they dial this node");
    }

    private static Check PeerAddresses(ExaminedConfig config)
    {
        CheckFindings found = Of(config, 7, "peer address host:port parse");
        return found.Build($"{config.Draft.Peers.Sum(peer => peer.Addresses.Length)} addresses");
    }

    private static Check PeerFingerprints(ExaminedConfig config)
    {
        CheckFindings found = Of(config, 8, "peer fingerprint format");
        string[] unknown = [.. config.Draft.Peers.Where(peer => peer.Fingerprint is null).Select(peer => peer.Name)];
        if (found.IsEmpty)
        {
            foreach (string name in unknown)
            {
                found.Warn($"peer '{name}' has no fingerprint: it is trusted at the first contact, and only when this node dials it",
                    $"edit {config.Path}, peer '{name}': fingerprint = \"<what 'vpnctl fingerprint' prints on {name}>\"");
            }
        }
        return found.Build($"{config.Draft.Peers.Length} fingerprints");
    }

    private static Check PeerNetworks(ExaminedConfig config) =>
        Of(config, 9, "peer network references").Build($"{config.Draft.Peers.Sum(peer => peer.Networks.Length)} references");

    private static CheckFindings Of(ExaminedConfig config, int number, string title)
    {
        var found = new CheckFindings(number, title);
        foreach (ConfigProblem problem in config.Of(number))
            found.Fail(problem.Detail, problem.Remedy);
        return found;
    }

    private static bool HasNoNetworks(ExaminedConfig config) =>
        config.Root.Find("networks")?.Value is not TomlTable { Entries.Count: > 0 };

    private static bool HasNoPeers(ExaminedConfig config) =>
        config.Root.Find("peers")?.Value is not TomlArray { Items.Count: > 0 };
}
