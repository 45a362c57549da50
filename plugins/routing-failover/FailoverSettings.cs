using System.Collections.Immutable;
using VibePN.BestPath;
using VibePN.Contracts;

namespace VibePN.Plugins.RoutingFailover;

/// <summary>One line of <c>gateways</c>.</summary>
/// <param name="Prefix">The prefixes it is for: this one and all within it.</param>
/// <param name="Network">The network it is for, or null for every network.</param>
/// <param name="Peers">Labels of the gateways, the preferred one first.</param>
internal sealed record GatewayList(IpPrefix Prefix, string? Network, ImmutableArray<string> Peers);

/// <summary>The plugin's settings. Immutable.</summary>
internal sealed class FailoverSettings
{
    private readonly (GatewayList List, IPathChooser Chooser)[] _lists;

    /// <param name="lists">In any order.</param>
    /// <param name="holdDown">From a gateway's loss until it may be used again.</param>
    /// <param name="failBack">From a gateway's return until it may be used again.</param>
    public FailoverSettings(IEnumerable<GatewayList> lists, TimeSpan holdDown, TimeSpan failBack) =>
        _lists =
        [
            .. lists.OrderByDescending(list => list.Prefix.Length).ThenBy(list => list.Network is null)
                .Select(list => (list, (IPathChooser)new GatewayChooser(list.Peers, holdDown, failBack))),
        ];

    /// <summary>No lists: the ordinary order decides everywhere.</summary>
    public static FailoverSettings None { get; } = new([], TimeSpan.Zero, TimeSpan.Zero);

    /// <summary>Reads and checks.</summary>
    /// <exception cref="PluginException">A line is not understood; the message says which, where and why.</exception>
    public static FailoverSettings Read(IPluginSettings settings)
    {
        var lists = new List<GatewayList>();
        foreach (string text in settings.GetStrings(FailoverRoutePolicy.Gateways))
        {
            GatewayList list = Parse(text, out string? fault) ?? throw Fault(settings, text, fault!);
            if (lists.Exists(other => other.Prefix == list.Prefix && other.Network == list.Network))
                throw Fault(settings, text, "the prefix has a list already; write all its gateways into one");
            lists.Add(list);
        }
        return new FailoverSettings(
            lists, settings.GetDuration(FailoverRoutePolicy.HoldDown), settings.GetDuration(FailoverRoutePolicy.FailBack));
    }

    /// <summary>Who chooses for a prefix: the list of the longest prefix that contains it, one for the network before one for all.</summary>
    public IPathChooser ChooserOf(string network, IpPrefix prefix)
    {
        foreach ((GatewayList list, IPathChooser chooser) in _lists)
        {
            if (list.Prefix.Contains(prefix) && (list.Network is null || list.Network == network))
                return chooser;
        }
        return BestInOrder.Instance;
    }

    /// <summary>Reads <c>PREFIX [in NETWORK] via PEER, PEER...</c>.</summary>
    internal static GatewayList? Parse(string text, out string? fault)
    {
        fault = null;
        string[] words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        int via = Array.IndexOf(words, "via");
        bool named = via == 3 && words[1] == "in";
        if (via != 1 && !named)
            fault = "write \"PREFIX via PEER, PEER\" or \"PREFIX in NETWORK via PEER, PEER\"";
        else if (!IpPrefix.TryParse(words[0], out IpPrefix prefix, out bool hadHostBits))
            fault = $"'{words[0]}' is no prefix; write one in CIDR form, such as 192.168.7.0/24";
        else if (hadHostBits)
            fault = $"{words[0]} has bits set beyond its length; write {prefix}";
        else
            return ParsePeers(prefix, named ? words[2] : null, words[(via + 1)..], out fault);
        return null;
    }

    private static GatewayList? ParsePeers(IpPrefix prefix, string? network, string[] words, out string? fault)
    {
        string[] peers = string.Join(' ', words).Split(',', StringSplitOptions.TrimEntries);
        string? strange = Array.Find(peers, peer => peer.Length == 0 || peer.Contains(' ', StringComparison.Ordinal));
        fault = strange is not null ? "separate the gateways by single commas"
            : peers.Distinct().Count() != peers.Length ? "a gateway is listed twice" : null;
        return fault is null ? new GatewayList(prefix, network, [.. peers]) : null;
    }

    private static PluginException Fault(IPluginSettings settings, string text, string fault) =>
        new($"{settings.PositionOf(FailoverRoutePolicy.Gateways)}: 'gateways' holds \"{text}\": {fault}.")
        {
            Fault = PluginFault.Configuration,
        };
}
