using System.Collections.Immutable;
using System.Net;
using VibePN.Engine.Configuration;
using VibePN.Engine.Policy;
using VibePN.Host.Configuration;

namespace VibePN.Host.Doctor;

/// <summary>Check 17: what stands in config.toml and does nothing.</summary>
internal static class EffectCheck
{
    /// <summary>Runs it.</summary>
    public static Check Run(ExaminedConfig config)
    {
        var found = new CheckFindings(17, "options without effect");
        foreach (PeerConfiguration peer in config.Draft.Peers)
            OfPeer(config, peer, found);
        foreach (NetworkConfiguration network in config.Draft.Networks)
            OfNetwork(config, network, found);
        if (config.Root.Find("metrics")?.Value is TomlTable metrics && metrics.Find("expose")?.Value is TomlBoolean { Value: true } expose
            && (config.Draft.Host.MetricsListen is not { } listen || IPAddress.IsLoopback(listen.Address)))
        {
            string why = config.Draft.Host.MetricsListen is null ? "metrics are off" : "metrics are on a loopback address";
            found.Warn($"metrics.expose has no effect: {why}",
                $"edit {config.Path}, line {expose.Position.Line}: remove expose, or give [metrics] another listen address");
        }
        foreach (ConfigurationWarning warning in Rules(config))
            found.Warn($"{warning.Position}: {warning.Text}", $"edit {config.Path}, line {warning.Position.Line} ({warning.Code}): {Advice.In(warning.Text)}");
        return found.Build("none");
    }

    private static ImmutableArray<ConfigurationWarning> Rules(ExaminedConfig config) => RuleCheck.Warnings(new EngineConfiguration
    {
        Identity = config.Draft.Identity ?? new Contracts.NodeIdentity(default, "", ""),
        Listen = config.Draft.Listen,
        Peers = config.Draft.Peers,
        Networks = config.Draft.Networks,
    });

    private static void OfPeer(ExaminedConfig config, PeerConfiguration peer, CheckFindings found)
    {
        if (peer.Networks.IsEmpty)
        {
            found.Warn($"peer '{peer.Name}' is in no network: it connects, and no packet goes to or from it",
                $"edit {config.Path}, peer '{peer.Name}': networks = [{string.Join(", ", config.Draft.Networks.Select(network => $"\"{network.Name}\""))}]");
        }
        if (peer.Addresses.IsEmpty && config.Draft.Listen.IsEmpty)
        {
            found.Warn($"peer '{peer.Name}' can neither be dialled nor dial this node: it has no address, and listen is empty",
                $"edit {config.Path}: give peer '{peer.Name}' an address, or listen = [\"0.0.0.0:51820\"]");
        }
    }

    private static void OfNetwork(ExaminedConfig config, NetworkConfiguration network, CheckFindings found)
    {
        if (!config.Draft.Peers.IsEmpty && !config.Draft.Peers.Any(peer => peer.Networks.Contains(network.Name)))
        {
            found.Warn($"no peer is a member of network '{network.Name}'",
                $"edit {config.Path}: add \"{network.Name}\" to the networks of a peer, or remove [networks.{network.Name}]");
        }
        if (!network.Export && network.Originate.IsEmpty)
        {
            found.Warn($"network '{network.Name}' announces nothing: its members cannot reach this node, and do not answer it",
                $"edit {config.Path}, [networks.{network.Name}]: export = true");
        }
    }
}
