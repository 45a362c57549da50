using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Sessions;
using VibePN.Engine.Time;
using VibePN.Engine.Trust;

namespace VibePN.Engine.Node;

// What changes while the node runs: configuration, routing policy, trust.
internal sealed partial class ControlPlane
{
    /// <summary>What is in effect, asked of those who act by it and not of what was written down.</summary>
    public EngineConfiguration EffectiveConfiguration => Configuration with
    {
        Peers = [.. _peers.Values.Select(peer => peer.Configuration)],
        Networks = [.. Networks.All.Select(network => network.Configuration)],
    };

    /// <summary>Changes to another configuration at once. What is equal in both stays untouched.</summary>
    /// <returns>What changed, one line each.</returns>
    /// <exception cref="PluginException">Something could not be opened; nothing has changed.</exception>
    public IReadOnlyList<string> Reload(EngineConfiguration next, Instant now)
    {
        IReadOnlyList<string> changes = ConfigurationPlan.Between(EffectiveConfiguration, next);
        CommitReload(PrepareReload(next), now);
        return changes;
    }

    /// <summary>Opens what another configuration needs; nothing changes.</summary>
    /// <exception cref="PluginException">Something could not be opened; nothing stays open.</exception>
    public PreparedReload PrepareReload(EngineConfiguration next) =>
        PreparedReload.Open(Configuration, next, Networks, _parts.Transports, _logger);

    /// <summary>Changes to the prepared configuration. Who we are changes only at the next start.</summary>
    public void CommitReload(PreparedReload prepared, Instant now)
    {
        EngineConfiguration before = Configuration;
        Networks.Commit(prepared.Next.Networks, prepared.Added, now);
        Configuration = prepared.Next with { Identity = before.Identity };
        WarnOfConfiguration();
        _gate.SetPeers(Configuration.Peers);
        ReloadPeers(before, now);
        prepared.Finish();
        OnTrustChanged(now);
        Reconsider(now);
    }

    /// <summary>Takes over what a trial decided: its routes and tables, all published at the end of this turn.</summary>
    /// <param name="shadow">The trial's networks; of this very turn.</param>
    /// <param name="now">The time.</param>
    public void Adopt(NetworkSet shadow, Instant now)
    {
        foreach (OverlayNetwork tried in shadow.All)
        {
            if (Networks.Find(tried.Configuration.Name) is not { } network)
                continue;
            network.Routes = tried.Routes;
            network.Ready = tried.Lookup;
            network.IsDirty = true;
        }
        foreach (PeerMachine peer in _peers.Values)
            Routes.TellChanges(peer, now);
    }

    /// <summary>Judges every announcement again and compiles every network at the end of this turn.</summary>
    public void DecideAnew(Instant now)
    {
        foreach (OverlayNetwork network in Networks.All)
            network.IsDirty = true;
        Reconsider(now);
    }

    /// <summary>Judges everybody who is connected again, and ends the sessions that are refused.</summary>
    /// <returns>Whose, and why; by name.</returns>
    public ImmutableArray<SessionEnd> JudgeSessions(Instant now)
    {
        _nextJudgement = now + JudgementInterval;
        ImmutableArray<SessionEnd>.Builder ended = ImmutableArray.CreateBuilder<SessionEnd>();
        if (Planted.Is(PlantedDefect.TrustChangeIgnored))
            return [];
        foreach (PeerMachine peer in _peers.Values)
        {
            // Whoever is gone and has its routes held is still acted for.
            if ((peer.Connections.Count == 0 && !peer.AreRoutesHeld(now)) || peer.Identity is not { } identity
                || _gate.JudgeAgain(identity) is not { } reason)
                continue;
            peer.CloseAll(CloseCode.TrustRevoked, reason, now);
            ended.Add(new SessionEnd(peer.Configuration.Name, reason));
        }
        TrustEnds.Add(ended);
        return ended.ToImmutable();
    }

    /// <summary>Sessions that a judgement has ended, the last of them.</summary>
    public SessionEnds TrustEnds { get; } = new();

    /// <summary>Who the peers are, as far as this node has seen it.</summary>
    /// <param name="now">The time.</param>
    /// <param name="utcNow">The same moment on the wall clock.</param>
    public ImmutableArray<PeerIdentity> Identities(Instant now, DateTimeOffset utcNow) =>
        [.. _peers.Values.Select(peer => IdentityOf(peer, now, utcNow))];

    /// <summary>Dials a peer that has no connection at once.</summary>
    /// <returns>False when there is no such peer.</returns>
    public bool DialSoon(string name, Instant now)
    {
        if (!_peers.TryGetValue(name, out PeerMachine? peer))
            return false;
        if (peer.Active is null)
            peer.DialSoon(now);
        return true;
    }

    private PeerIdentity IdentityOf(PeerMachine peer, Instant now, DateTimeOffset utcNow)
    {
        PeerConfiguration configuration = peer.Configuration;
        Admission? seen = peer.Identity is { } identity && _gate.TryGetAdmission(identity, out Admission admission) ? admission : null;
        return new PeerIdentity(configuration.Name, configuration.Fingerprint, !configuration.Addresses.IsEmpty)
        {
            Shown = seen?.Request.Fingerprint,
            PublicKey = seen?.Request.PublicKey ?? default,
            Sessions = peer.Connections.Count,
            LastSeen = peer.LastHeard is { } heard ? utcNow - (now - heard) : null,
            Remote = (peer.Active?.Transport.Path.Remote ?? seen?.Request.Remote)?.ToString() ?? "",
        };
    }

    /// <summary>Sessions that other trust plugins would end; nothing changes.</summary>
    public ImmutableArray<SessionEnd> SessionsRefusedBy(ImmutableArray<ITrustPlugin> plugins)
    {
        ImmutableArray<SessionEnd>.Builder ended = ImmutableArray.CreateBuilder<SessionEnd>();
        foreach (PeerMachine peer in _peers.Values)
        {
            if (peer.Connections.Count > 0 && peer.Identity is { } identity && _gate.Preview(identity, plugins) is { } reason)
                ended.Add(new SessionEnd(peer.Configuration.Name, reason));
        }
        return ended.ToImmutable();
    }

    /// <summary>The operator's label for a peer.</summary>
    public string NameOf(Fingerprint identity) =>
        _peers.Values.FirstOrDefault(peer => peer.Identity == identity)?.Configuration.Name ?? identity.ToString();

    private void Reconsider(Instant now)
    {
        Routes.Reconsider(_peers.Values, now);
        foreach (PeerMachine peer in _peers.Values)
            Routes.TellChanges(peer, now);
    }

    private void ReloadPeers(EngineConfiguration before, Instant now)
    {
        HashSet<string> listed = [.. Configuration.Peers.Select(peer => peer.Name)];
        foreach (PeerMachine gone in _peers.Values.Where(peer => !listed.Contains(peer.Configuration.Name)).ToArray())
        {
            gone.CloseAll(CloseCode.Unconfigured, "the peer was taken out of the configuration", now);
            _peers.Remove(gone.Configuration.Name);
            _lines.Remove(gone.Configuration.Name);
            _verifications.Remove(gone.Configuration.Name);
        }
        foreach (PeerConfiguration next in Configuration.Peers)
        {
            if (!_peers.TryGetValue(next.Name, out PeerMachine? peer))
            {
                AddPeer(next, now);
                continue;
            }
            bool networksChanged = !NetworksOf(before, peer.Configuration).Select(network => network.Name)
                .SequenceEqual(NetworksOf(Configuration, next).Select(network => network.Name));
            peer.Reconfigure(next, networksChanged, now);
        }
    }
}
