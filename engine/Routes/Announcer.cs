using VibePN.Contracts;
using VibePN.Engine.Control;
using VibePN.Engine.Time;

namespace VibePN.Engine.Routes;

/// <summary>What one connection's peer has been told of one network, and how it is told what changed.</summary>
/// <param name="connection">Where messages go.</param>
/// <param name="network">Our number of the network on this connection.</param>
/// <param name="now">The time.</param>
internal sealed class Announcer(ITransportConnection connection, byte network, Instant now)
{
    // Keeps every frame far below the 16,384 bytes a frame may have: an item is at most 22 bytes.
    private const int ItemsPerFrame = 100;
    private const int LargestFrame = 16 + (ItemsPerFrame * 22);

    // A digest that never fits must not make us ask, and the peer tell, without end.
    private static readonly TimeSpan QuestionInterval = TimeSpan.FromSeconds(10);

    private readonly SortedDictionary<IpPrefix, uint> _told = [];
    private TokenBucket _repeats = new(perSecond: 1, burst: 4, now);
    private Instant _nextQuestion;

    /// <summary>Whether the peer may have everything told again now: it asks with four bytes for what may be thousands.</summary>
    public bool MayRepeat(Instant now) => _repeats.TryTake(now);

    /// <summary>Tells everything from the beginning, between the markers that let the peer forget the rest.</summary>
    public void TellAll(IReadOnlyDictionary<IpPrefix, uint> routes)
    {
        _told.Clear();
        Span<byte> frame = stackalloc byte[8];
        connection.SendControl(frame[..ControlWriter.WriteBegin(frame, network)]);
        Tell(routes);
        connection.SendControl(frame[..ControlWriter.WriteEnd(frame, network)]);
    }

    /// <summary>Tells what is new or changed, then takes back what is gone: never a moment without either.</summary>
    public void Tell(IReadOnlyDictionary<IpPrefix, uint> routes)
    {
        RouteItem[] added = [.. routes
            .Where(route => !_told.TryGetValue(route.Key, out uint metric) || metric != route.Value)
            .Select(route => new RouteItem(route.Key, route.Value))];
        IpPrefix[] removed = [.. _told.Keys.Where(prefix => !routes.ContainsKey(prefix))];
        Span<byte> frame = stackalloc byte[LargestFrame];
        if (Planted.Is(PlantedDefect.WithdrawnBeforeAnnounced) && removed.Length > 0)
            connection.SendControl(frame[..ControlWriter.WriteWithdraw(frame, network, removed)]);
        for (int start = 0; start < added.Length; start += ItemsPerFrame)
        {
            ReadOnlySpan<RouteItem> items = added.AsSpan(start, Math.Min(ItemsPerFrame, added.Length - start));
            connection.SendControl(frame[..ControlWriter.WriteAnnounce(frame, network, items)]);
        }
        for (int start = 0; start < removed.Length; start += ItemsPerFrame)
        {
            ReadOnlySpan<IpPrefix> prefixes = removed.AsSpan(start, Math.Min(ItemsPerFrame, removed.Length - start));
            connection.SendControl(frame[..ControlWriter.WriteWithdraw(frame, network, prefixes)]);
        }
        foreach (RouteItem item in added)
            _told[item.Prefix] = item.Metric;
        foreach (IpPrefix prefix in removed)
            _told.Remove(prefix);
    }

    /// <summary>Tells the summary that lets the peer see whether it has missed something.</summary>
    public void TellDigest()
    {
        ulong hash = 0;
        foreach ((IpPrefix prefix, uint metric) in _told)
            hash ^= RouteDigest.HashOf(prefix, metric);
        Span<byte> frame = stackalloc byte[32];
        connection.SendControl(frame[..ControlWriter.WriteDigest(frame, new DigestMessage(network, (uint)_told.Count, hash))]);
    }

    /// <summary>Asks the peer to tell everything again, unless it was asked a moment ago.</summary>
    /// <returns>Whether it is asked.</returns>
    public bool AskForAll(Instant now)
    {
        if (now < _nextQuestion)
            return false;
        _nextQuestion = now + QuestionInterval;
        Span<byte> frame = stackalloc byte[8];
        return connection.SendControl(frame[..ControlWriter.WriteRefresh(frame, network)]);
    }
}
