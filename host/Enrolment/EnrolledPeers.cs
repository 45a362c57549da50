using System.Collections.Immutable;
using VibePN.Engine.Configuration;
using VibePN.Host.Configuration;

namespace VibePN.Host.Enrolment;

/// <summary>Puts the peers that joined by invites beside those of config.toml.</summary>
internal static class EnrolledPeers
{
    private const int MaxName = 64;

    /// <summary>Reads the file of enrolled peers and adds them.</summary>
    /// <param name="configuration">What config.toml says.</param>
    /// <param name="stateDirectory">Where the file is.</param>
    /// <param name="warnings">What an operator should know.</param>
    /// <exception cref="IOException">The file cannot be used.</exception>
    public static DaemonConfiguration Merge(
        DaemonConfiguration configuration, string stateDirectory, out ImmutableArray<string> warnings)
    {
        EnrolmentBook book = EnrolmentStore.In(stateDirectory).Read();
        EngineConfiguration engine = configuration.Engine;
        return configuration with
        {
            Engine = engine with { Peers = Add(engine.Peers, engine.Networks, book.Peers, out warnings) },
        };
    }

    /// <summary>Adds the peers. A fingerprint that config.toml has is config.toml's; a name that is taken gets a number.</summary>
    public static ImmutableArray<PeerConfiguration> Add(
        ImmutableArray<PeerConfiguration> configured, ImmutableArray<NetworkConfiguration> networks,
        ImmutableArray<EnrolledPeer> enrolled, out ImmutableArray<string> warnings)
    {
        var notes = ImmutableArray.CreateBuilder<string>();
        ImmutableArray<PeerConfiguration> peers = configured;
        foreach (EnrolledPeer peer in enrolled)
        {
            if (configured.Any(known => known.Fingerprint == peer.Fingerprint))
                continue;
            string name = FreeName(peer.Name, peers);
            if (name != peer.Name)
                notes.Add($"the name '{peer.Name}' of a peer that joined by an invite is taken in config.toml: it is called '{name}'");
            peers = peers.Add(new PeerConfiguration
            {
                Name = name,
                Fingerprint = peer.Fingerprint,
                Networks = [.. peer.Networks.Where(member => networks.Any(network => network.Name == member))],
            });
        }
        warnings = notes.ToImmutable();
        return peers;
    }

    /// <summary>The name, or the name with the first number that nobody has.</summary>
    public static string FreeName(string name, ImmutableArray<PeerConfiguration> peers)
    {
        string free = name;
        for (int number = 2; peers.Any(peer => peer.Name == free); number++)
        {
            string suffix = $"-{number}";
            free = name[..Math.Min(name.Length, MaxName - suffix.Length)] + suffix;
        }
        return free;
    }
}
