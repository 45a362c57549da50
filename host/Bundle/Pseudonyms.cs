using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using VibePN.Engine.Addressing;
using VibePN.Engine.Configuration;

namespace VibePN.Host.Bundle;

/// <summary>Replaces addresses, names and fingerprints by words that say nothing and stay the same within one bundle.</summary>
/// <remarks>
/// Names are those of the configuration and of the machine; addresses and fingerprints are found by their form, whoever
/// they belong to. Loopback and the unspecified address tell nobody anything and stay. Not for several threads.
/// </remarks>
internal sealed partial class Pseudonyms
{
    private readonly Dictionary<string, string> _words = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, int> _counts = [];
    private readonly Regex _names;

    /// <summary>Gives the configuration's names their words.</summary>
    /// <param name="peers">The peers whose names and hosts are to vanish.</param>
    /// <param name="networks">The networks whose names are to vanish.</param>
    /// <param name="machine">The machine's name.</param>
    public Pseudonyms(IEnumerable<PeerConfiguration> peers, IEnumerable<NetworkConfiguration> networks, string machine)
    {
        WordFor("host", machine);
        foreach (PeerConfiguration peer in peers)
        {
            WordFor("peer", peer.Name);
            foreach (string address in peer.Addresses)
            {
                if (HostOf(address) is { Length: > 0 } host && !IPAddress.TryParse(host, out _))
                    WordFor("host", host);
            }
        }
        foreach (NetworkConfiguration network in networks)
        {
            WordFor("network", network.Name);
            WordFor("interface", InterfaceName.For(network.Name));
            foreach (string tag in network.OriginateDetails.Select(detail => detail.Tag).OfType<string>()
                .Concat(network.Rules.Import.SelectMany(rule => rule.Set.Tags)))
                WordFor("tag", tag);
        }
        // The longest first, so that a name within another does not break it.
        IEnumerable<string> names = _words.Keys.Where(name => name.Length > 0).OrderByDescending(name => name.Length).Select(Regex.Escape);
        _names = new Regex($"(?<![A-Za-z0-9])(?:{string.Join('|', names)})(?![A-Za-z0-9])",
            RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);
    }

    /// <summary>The text without them.</summary>
    public string Apply(string text)
    {
        text = _names.Replace(text, match => _words[match.Value]);
        text = Fingerprints().Replace(text, match => WordFor("fingerprint", match.Value));
        text = Addresses6().Replace(text, match => ForAddress(match.Value, AddressFamily.InterNetworkV6));
        return Addresses4().Replace(text, match => ForAddress(match.Value, AddressFamily.InterNetwork));
    }

    private string ForAddress(string text, AddressFamily family)
    {
        if (!IPAddress.TryParse(text, out IPAddress? address) || address.AddressFamily != family)
            return text;
        bool saysNothing = IPAddress.IsLoopback(address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
        // One address can be written in several ways.
        return saysNothing ? text : WordFor("address", address.ToString());
    }

    private string WordFor(string kind, string value)
    {
        if (_words.TryGetValue(value, out string? word))
            return word;
        _counts[kind] = _counts.GetValueOrDefault(kind) + 1;
        return _words[value] = string.Create(CultureInfo.InvariantCulture, $"{kind}-{_counts[kind]}");
    }

    private static string HostOf(string address)
    {
        string rest = address[(address.IndexOf("://", StringComparison.Ordinal) is var scheme and >= 0 ? scheme + 3 : 0)..];
        int colon = rest.LastIndexOf(':');
        return (colon < 0 ? rest : rest[..colon]).Trim('[', ']');
    }

    // A whole fingerprint, and the shortened ones that end in dots.
    [GeneratedRegex("(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{64}|[0-9a-f]{8,63}(?=\\.\\.\\.))(?![0-9A-Za-z])", RegexOptions.CultureInvariant)]
    private static partial Regex Fingerprints();

    [GeneratedRegex("(?<![0-9A-Za-z:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{0,4}|[0-9]{1,3}(?:\\.[0-9]{1,3}){3})(?![0-9A-Za-z:])", RegexOptions.CultureInvariant)]
    private static partial Regex Addresses6();

    [GeneratedRegex("(?<![0-9A-Za-z.])[0-9]{1,3}(?:\\.[0-9]{1,3}){3}(?![0-9A-Za-z]|\\.[0-9])", RegexOptions.CultureInvariant)]
    private static partial Regex Addresses4();
}
