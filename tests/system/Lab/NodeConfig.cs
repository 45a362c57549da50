using System.Globalization;

namespace VibePN.System.Tests.Lab;

/// <summary>One <c>[[peers]]</c> table.</summary>
/// <param name="Name">The peer's label.</param>
/// <param name="Fingerprint">Its pin, or null for none.</param>
/// <param name="Address">Where it is dialled, or null when it dials.</param>
internal sealed record PeerLine(string Name, string? Fingerprint, string? Address)
{
    /// <summary>The networks it is a member of; by default both that every lab has.</summary>
    public IReadOnlyList<string> Networks { get; init; } = NodeConfig.Networks;
}

/// <summary>Writes the config.toml of a node.</summary>
internal static class NodeConfig
{
    /// <summary>The two networks every lab has; node n has host number n in each.</summary>
    public static IReadOnlyList<string> Networks { get; } = ["corp", "lab"];

    /// <summary>The overlay address of a node.</summary>
    public static string Address(string network, int node, bool v6) => (network, v6) switch
    {
        ("corp", false) => string.Create(CultureInfo.InvariantCulture, $"10.42.0.{node}"),
        ("corp", true) => string.Create(CultureInfo.InvariantCulture, $"fd5a:1c3e:77::{node:x}"),
        (_, false) => string.Create(CultureInfo.InvariantCulture, $"10.99.0.{node}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"fd5a:1c3e:78::{node:x}"),
    };

    /// <summary>The whole text.</summary>
    /// <param name="node">Whose.</param>
    /// <param name="peers">Its peers.</param>
    /// <param name="rules">What is appended: more keys of the last network, and tables.</param>
    public static string Text(Node node, IEnumerable<PeerLine> peers, string rules = "") =>
        Head(node) + string.Concat(peers.Select(Peer)) + string.Concat(Networks.Select(network => Network(network, node.Number))) + rules;

    /// <summary>Everything but peers and networks.</summary>
    public static string Head(Node node, string listen = "\"0.0.0.0:51820\", \"[::]:51820\"") =>
        string.Create(CultureInfo.InvariantCulture, $"""
            listen = [{listen}]
            state = "{node.Folder}/state"

            [identity]
            cert = "{node.Folder}/node.crt"
            key = "{node.Folder}/node.key"
            fingerprint = "{node.Fingerprint}"

            [control]
            socket = "{node.Socket}"

            """);

    /// <summary>One <c>[[peers]]</c> table.</summary>
    public static string Peer(PeerLine peer)
    {
        string address = peer.Address is null ? "" : $"address = \"{peer.Address}\"\n";
        string pin = peer.Fingerprint is null ? "" : $"fingerprint = \"{peer.Fingerprint}\"\n";
        string networks = string.Join(", ", peer.Networks.Select(network => $"\"{network}\""));
        return $"\n[[peers]]\nname = \"{peer.Name}\"\n{address}{pin}networks = [{networks}]\n";
    }

    /// <summary>The table of one of the two networks; more keys may follow it.</summary>
    public static string Network(string network, int number) => $"""

        [networks.{network}]
        prefix = "{Address(network, 0, v6: false)}/24"
        prefix6 = "{Address(network, 0, v6: true)[..^1]}/64"
        address = "{Address(network, number, v6: false)}"
        address6 = "{Address(network, number, v6: true)}"
        export = true

        """;
}
