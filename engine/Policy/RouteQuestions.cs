using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Node;
using VibePN.Engine.Time;

namespace VibePN.Engine.Policy;

/// <summary>Finds the network a question is about, and has it explained.</summary>
internal static class RouteQuestions
{
    /// <summary>The answer, or why there can be none.</summary>
    public static RouteAnswer Answer(
        RouteQuestion question, NetworkSet networks, IReadOnlyDictionary<Fingerprint, PeerView> peers, IRoutePolicyPlugin policy, Instant now)
    {
        if (question.Source is { } source && source.Family != question.Destination.Family)
            return new RouteAnswer(null, $"{source} and {question.Destination} are not of one family: a packet has two IPv4 or two IPv6 addresses.");
        OverlayNetwork? network = question.Network is { } name
            ? networks.Find(name)
            : networks.All.Select(candidate => (Network: candidate, Length: CoverOf(candidate, question.Destination)))
                .Where(pair => pair.Length >= 0).OrderByDescending(pair => pair.Length).FirstOrDefault().Network;
        if (network is not null)
            return new RouteAnswer(new RouteExplainer(network, peers, policy, now).Explain(question.Destination, question.Source));
        string known = networks.All.Count == 0 ? "There is none."
            : $"There are: {string.Join(", ", networks.All.Select(Describe))}.";
        return new RouteAnswer(null, question.Network is { } unknown
            ? $"there is no network '{unknown}'. {known}"
            : $"{question.Destination} lies in no network's subnet, and no route covers it. {known} --network names the one to ask.");
    }

    /// <summary>The longest prefix of the network that holds an address: subnet, route or originated; -1 for none.</summary>
    private static int CoverOf(OverlayNetwork network, IpAddress address)
    {
        NetworkConfiguration configuration = network.Configuration;
        IEnumerable<IpPrefix> prefixes = network.Routes.Known().Select(route => route.Prefix).Concat(configuration.Originate);
        if (configuration.Prefix is { } subnet)
            prefixes = prefixes.Append(subnet);
        if (configuration.Prefix6 is { } subnet6)
            prefixes = prefixes.Append(subnet6);
        return prefixes.Where(prefix => prefix.Contains(address)).Select(prefix => (int)prefix.Length).DefaultIfEmpty(-1).Max();
    }

    private static string Describe(OverlayNetwork network)
    {
        NetworkConfiguration configuration = network.Configuration;
        string subnets = string.Join(' ', new[] { configuration.Prefix, configuration.Prefix6 }.Where(prefix => prefix is not null));
        return $"{configuration.Name} ({subnets})";
    }
}
