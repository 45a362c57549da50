using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine.Addressing;
using VibePN.Engine.Control;
using VibePN.Engine.Sessions;
using VibePN.Engine.Time;

namespace VibePN.Engine.Node;

/// <summary>Sees to it that no two nodes keep one address (docs/wire-format.md §4.12).</summary>
/// <remarks>
/// Tells peers how we came to our addresses, remembers how they came to theirs, says whose claim to a contested address is
/// the better one, tells the others so, and moves our own where we have to give way. Control thread.
/// </remarks>
internal sealed class AddressClaims(NetworkSet networks, Fingerprint self, Random random, ILogger logger)
{
    // A claim we only heard of by ClaimLost counts for so long: its owner may have gone since.
    private static readonly TimeSpan NoticeLifetime = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan RepeatNotice = TimeSpan.FromSeconds(10);

    private const int MaxRemembered = 1_024;

    private readonly Dictionary<(string Network, IpFamily Family), OwnAddress> _own = [];
    private readonly HashSet<(string Network, Fingerprint Peer, IpAddress Address)> _automatic = [];
    private readonly Dictionary<(string Network, IpAddress Address), (AddressClaim Claim, Instant Until)> _notices = [];
    private readonly Dictionary<(string Network, IpAddress Address, Fingerprint Peer), Instant> _told = [];
    private readonly HashSet<(string Network, IpAddress Address)> _contested = [];
    private bool _hasNews; // of claims, since contests were last settled
    private long _settledVersions;
    private Instant _settleAt;

    /// <summary>When <see cref="Move"/> wants to be called next.</summary>
    public Instant NextTimer => _own.Values.Aggregate(Instant.Never, (next, own) => Instant.Min(next, own.MoveAt));

    /// <summary>Addresses that more than one peer announces, if they are to be settled (again).</summary>
    /// <param name="now">The time.</param>
    /// <returns>All of them when somebody claimed one or the routes changed, and for the losers' sake now and then; else none.</returns>
    public IReadOnlyCollection<(string Network, IpAddress Address)> TakeContested(Instant now)
    {
        if (_contested.Count == 0)
            return [];
        long versions = 0;
        foreach (OverlayNetwork network in networks.All)
            versions += network.Routes.Version;
        if (!_hasNews && versions == _settledVersions && now < _settleAt)
            return [];
        (_hasNews, _settledVersions, _settleAt) = (false, versions, now + RepeatNotice);
        return [.. _contested];
    }

    /// <summary>Tells a peer how we came to our addresses, before it hears of them.</summary>
    public void Tell(PeerConnection connection)
    {
        Span<byte> frame = stackalloc byte[ClaimMessage.LargestBody + 8];
        foreach (AgreedNetwork agreed in connection.Networks)
        {
            if (networks.Find(agreed.Network.Name) is not { } network)
                continue;
            foreach (IpAddress address in network.OwnAddresses)
            {
                int index = OwnOf(network, address.Family)?.Index ?? -1;
                ushort written = index < 0 ? ClaimMessage.Configured : (ushort)index;
                connection.Transport.SendControl(
                    frame[..ControlWriter.WriteClaim(frame, new ClaimMessage(agreed.OurNumber, address, written))]);
            }
        }
    }

    /// <summary>A peer says how it came to its address.</summary>
    public void OnClaim(OverlayNetwork network, Fingerprint peer, ClaimMessage message)
    {
        string name = network.Configuration.Name;
        _automatic.RemoveWhere(claim =>
            claim.Network == name && claim.Peer == peer && claim.Address.Family == message.Address.Family);
        if (message.IsAuto)
            _automatic.Add((name, peer, message.Address));
        _hasNews = true;
    }

    /// <summary>A peer knows somebody with a better claim to our address.</summary>
    public void OnClaimLost(OverlayNetwork network, ClaimLostMessage message, Instant now)
    {
        var claim = new AddressClaim(message.IsAuto, message.Winner);
        if (OwnOf(network, message.Address.Family) is not { } own || own.Address != message.Address || _notices.Count >= MaxRemembered)
            return;
        if (Contest(network, own, claim, now))
            return;
        _notices[(network.Configuration.Name, message.Address)] = (claim, now + NoticeLifetime);
    }

    /// <summary>A peer is gone: how it came to its addresses does not matter any more.</summary>
    public void Forget(Fingerprint peer)
    {
        _automatic.RemoveWhere(claim => claim.Peer == peer);
        _hasNews = true;
    }

    /// <summary>A peer announced one address of the network's subnets.</summary>
    public void OnAnnounced(OverlayNetwork network, PeerMachine peer, IpAddress address, Instant now)
    {
        Fingerprint id = peer.Identity ?? default;
        AddressClaim claim = ClaimOf(network, id, address);
        if (OwnOf(network, address.Family) is { } own && own.Address == address && Contest(network, own, claim, now))
            TellLost(network, peer, address, own.Claim, now);
        _hasNews |= _contested.Contains((network.Configuration.Name, address));
    }

    /// <summary>A peer's announcement of an address was judged, and only a better claim keeps the peer from having it.</summary>
    public void OnJudged(OverlayNetwork network, Fingerprint peer, IpAddress address)
    {
        if (_contested.Count < MaxRemembered && network.Routes.ClaimantsOf(IpPrefix.Host(address)).Any(other => other != peer))
            _hasNews |= _contested.Add((network.Configuration.Name, address));
    }

    /// <summary>Whether another peer has the better claim to an address that this peer announces.</summary>
    public Fingerprint? BetterClaim(OverlayNetwork network, Fingerprint peer, IpAddress address)
    {
        AddressClaim claim = ClaimOf(network, peer, address);
        foreach (Fingerprint other in network.Routes.ClaimantsOf(IpPrefix.Host(address)))
        {
            if (other != peer && ClaimOf(network, other, address).Beats(claim))
                return other;
        }
        return null;
    }

    /// <summary>Tells the losers of a contested address, and forgets the contest when there is none any more.</summary>
    /// <param name="contest">One of those that <see cref="TakeContested"/> returned.</param>
    /// <param name="peers">All peers.</param>
    /// <param name="now">The time.</param>
    /// <returns>Who announces the address.</returns>
    public IReadOnlyList<PeerMachine> Settle(
        (string Network, IpAddress Address) contest, IReadOnlyCollection<PeerMachine> peers, Instant now)
    {
        if (networks.Find(contest.Network) is not { } network)
        {
            _contested.Remove(contest);
            return [];
        }
        HashSet<Fingerprint> announcers = [.. network.Routes.ClaimantsOf(IpPrefix.Host(contest.Address))];
        PeerMachine[] claimants = [.. peers.Where(peer => peer.Identity is { } id && announcers.Contains(id))];
        if (announcers.Count < 2)
            _contested.Remove(contest);
        foreach (PeerMachine loser in claimants)
        {
            if (BetterClaim(network, loser.Identity ?? default, contest.Address) is { } winner)
                TellLost(network, loser, contest.Address, ClaimOf(network, winner, contest.Address), now);
        }
        return claimants;
    }

    /// <summary>Moves our own addresses that have to give way.</summary>
    /// <returns>Whether one has moved: peers are to be told, and everything announced is to be judged again.</returns>
    public bool Move(Instant now)
    {
        bool moved = false;
        foreach (((string name, _), OwnAddress own) in _own.ToArray())
        {
            if (now < own.MoveAt)
                continue;
            IpAddress before = own.Address;
            Fingerprint? winner = own.LostTo;
            if (networks.Find(name) is not { } network)
                _own.Remove((name, before.Family));
            else if (own.TryMove(now, address => IsClaimed(network, own, address, now)))
            {
                networks.Move(network, own.Address, now);
                Log.AddressMoved(logger, name, winner?.ToShortString() ?? "another node", before, own.Address);
                moved = true;
            }
        }
        foreach ((string, IpAddress) old in _notices.Where(notice => now >= notice.Value.Until).Select(notice => notice.Key).ToArray())
            _notices.Remove(old);
        return moved;
    }

    /// <summary>What an operator should know of our own addresses in a network.</summary>
    public IEnumerable<string> Warnings(OverlayNetwork network)
    {
        foreach (IpAddress address in network.OwnAddresses)
        {
            if (OwnOf(network, address.Family) is { LostTo: { } other } own && own.Address == address)
                yield return $"network {network.Configuration.Name}: node {other.ToShortString()} claims our address {address} too, and its claim is the better one"
                    + (own.Claim.IsAuto ? "" : ": write another address into one of the two configurations");
        }
    }

    /// <summary>Our address of a family, as far as the network has one; follows the configuration.</summary>
    private OwnAddress? OwnOf(OverlayNetwork network, IpFamily family)
    {
        (IpPrefix? prefix, IpAddress? address, bool isAuto) = family == IpFamily.V4
            ? (network.Configuration.Prefix, network.Configuration.Address, network.Configuration.AddressIsAuto)
            : (network.Configuration.Prefix6, network.Configuration.Address6, network.Configuration.Address6IsAuto);
        (string, IpFamily) key = (network.Configuration.Name, family);
        if (prefix is not { } subnet || address is not { } own)
        {
            _own.Remove(key);
            return null;
        }
        if (!_own.TryGetValue(key, out OwnAddress? known)
            || known.Address != own || known.Prefix != subnet || known.Claim.IsAuto != isAuto)
            _own[key] = known = new OwnAddress(network.Configuration.Name, self, subnet, own, isAuto);
        return known;
    }

    private bool Contest(OverlayNetwork network, OwnAddress own, AddressClaim theirs, Instant now)
    {
        bool isNews = own.LostTo is null;
        bool isOurs = own.OnContested(theirs, now, random);
        if (!isOurs && isNews && !own.Claim.IsAuto)
            Log.AddressContested(logger, network.Configuration.Name, theirs.Node.ToShortString(), own.Address);
        return isOurs;
    }

    private bool IsClaimed(OverlayNetwork network, OwnAddress own, IpAddress address, Instant now)
    {
        if (_notices.TryGetValue((network.Configuration.Name, address), out (AddressClaim Claim, Instant Until) notice) && now < notice.Until)
            return true;
        // Our own address only counts as taken when we have to give way; a new one must be free of everybody.
        return network.Routes.ClaimantsOf(IpPrefix.Host(address))
            .Any(peer => address != own.Address || ClaimOf(network, peer, address).Beats(own.Claim));
    }

    private AddressClaim ClaimOf(OverlayNetwork network, Fingerprint peer, IpAddress address) =>
        new(_automatic.Contains((network.Configuration.Name, peer, address)), peer);

    private void TellLost(OverlayNetwork network, PeerMachine loser, IpAddress address, AddressClaim winner, Instant now)
    {
        if (loser.Active is not { } connection || !connection.TryFind(network.Configuration.Name, out AgreedNetwork agreed))
            return;
        (string, IpAddress, Fingerprint) key = (network.Configuration.Name, address, loser.Identity ?? default);
        if (_told.TryGetValue(key, out Instant last) && now - last < RepeatNotice)
            return;
        if (_told.Count >= MaxRemembered)
            _told.Clear(); // some are told once more
        _told[key] = now;
        Span<byte> frame = stackalloc byte[ClaimLostMessage.LargestBody + 8];
        var message = new ClaimLostMessage(agreed.OurNumber, address, winner.IsAuto, winner.Node);
        connection.Transport.SendControl(frame[..ControlWriter.WriteClaimLost(frame, message)]);
    }
}
