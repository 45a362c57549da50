using System.Globalization;
using System.Text;

namespace VibePN.System.Tests.Lab;

/// <summary>One <c>[[peers]]</c> table.</summary>
/// <param name="Name">The peer's label.</param>
/// <param name="Fingerprint">Its pin, or null for none.</param>
/// <param name="Address">Where it is dialled, or null when it dials.</param>
internal sealed record PeerLine(string Name, string? Fingerprint, string? Address);

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
    public static string Text(Node node, IEnumerable<PeerLine> peers)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"""
            listen = ["0.0.0.0:51820", "[::]:51820"]
            state = "{node.Folder}/state"

            [identity]
            cert = "{node.Folder}/node.crt"
            key = "{node.Folder}/node.key"
            fingerprint = "{node.Fingerprint}"

            [control]
            socket = "{node.Socket}"

            """);
        foreach (PeerLine peer in peers)
            Append(text, peer);
        foreach (string network in Networks)
        {
            text.Append(CultureInfo.InvariantCulture, $"""

                [networks.{network}]
                prefix = "{Address(network, 0, v6: false)}/24"
                prefix6 = "{Address(network, 0, v6: true)[..^1]}/64"
                address = "{Address(network, node.Number, v6: false)}"
                address6 = "{Address(network, node.Number, v6: true)}"
                export = true

                """);
        }
        return text.ToString();
    }

    private static void Append(StringBuilder text, PeerLine peer)
    {
        text.Append(CultureInfo.InvariantCulture, $"\n[[peers]]\nname = \"{peer.Name}\"\n");
        if (peer.Address is not null)
            text.Append(CultureInfo.InvariantCulture, $"address = \"{peer.Address}\"\n");
        if (peer.Fingerprint is not null)
            text.Append(CultureInfo.InvariantCulture, $"fingerprint = \"{peer.Fingerprint}\"\n");
        text.Append("networks = [\"corp\", \"lab\"]\n");
    }
}
