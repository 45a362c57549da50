using VibePN.Vpnctl.Configuration;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Joining;

/// <summary>What joining adds to a configuration: the network, unless it is there, and the inviter as a peer.</summary>
/// <param name="Network">The network.</param>
/// <param name="Inviter">The peer.</param>
internal sealed record JoinEdit(NetworkEntry Network, PeerEntry Inviter)
{
    /// <summary>The edited text.</summary>
    /// <param name="path">For messages.</param>
    /// <param name="text">The text before.</param>
    /// <param name="peerName">What the inviter is called afterwards.</param>
    /// <exception cref="CommandException">It does not fit what is there; the remedy is in the message.</exception>
    public string Apply(string path, string text, out string peerName)
    {
        var editor = new ConfigEditor(Escape.Controls(path), text);
        AddNetwork(editor);
        Dictionary<string, object>[] peers = [.. editor.Peers];
        int known = Array.FindIndex(peers, peer =>
            string.Equals(TomlTree.Text(peer, "fingerprint"), Inviter.Fingerprint, StringComparison.OrdinalIgnoreCase));
        if (known < 0)
        {
            peerName = editor.FreeName(Inviter.Name);
            editor.AddPeer(Inviter with { Name = peerName });
        }
        else
        {
            peerName = TomlTree.Text(peers[known], "name") ?? Inviter.Name;
            if ((peers[known].GetValueOrDefault("networks") as List<object>)?.Contains(Network.Name) != true)
                editor.AddMembership(known, Network.Name);
        }
        return editor.Text;
    }

    private void AddNetwork(ConfigEditor editor)
    {
        if (editor.Network(Network.Name) is not { } there)
        {
            editor.AddNetwork(Network);
            return;
        }
        foreach ((string key, string? invited) in new[] { ("prefix", Network.Prefix), ("prefix6", Network.Prefix6) })
        {
            string? own = TomlTree.Text(there, key);
            if (own is not null && invited is not null && own != invited)
                throw new CommandException(
                    $"This node has a network '{Network.Name}' with {key} {Escape.Controls(own)}; the invite's has {invited}. "
                    + "They are not the same network: rename one of them. Nothing was changed.");
        }
    }
}
