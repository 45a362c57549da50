using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using VibePN.Contracts;
using VibePN.Engine.Time;
using VibePN.Invites;

namespace VibePN.Engine.Joining;

/// <summary>Who we expect at the other end of a dial that is to redeem an invite.</summary>
/// <param name="Fingerprint">The inviter's certificate.</param>
/// <param name="Key">The key that signed the invite.</param>
internal sealed record InviterPin(Fingerprint Fingerprint, InviteKey Key);

/// <summary>Whether a stranger may come in to redeem an invite, and whom our own redemptions must reach. Any thread.</summary>
/// <remarks>
/// Open only while there is an invite to redeem, and then for ten handshakes a minute from one address (IPv6: one /64).
/// Bounded: with too many addresses at once, all are kept out.
/// </remarks>
internal sealed class JoinDoor(TimeProvider time, IJoinAuthority? authority)
{
    /// <summary>Handshakes a minute from one address.</summary>
    public const int PerMinute = 10;

    /// <summary>Handshakes a minute from everywhere together.</summary>
    public const int PerMinuteInAll = 120;

    private const int MaxAddresses = 1_024;
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, Visits> _visits = [];
    private readonly Visits _all = new();
    private readonly ConcurrentDictionary<long, InviterPin> _dials = new();
    private readonly long _start = time.GetTimestamp();

    /// <summary>Whether anybody is let in at all.</summary>
    public bool IsOpen => authority?.IsOpen == true;

    /// <summary>Addresses remembered now; for tests.</summary>
    internal int Remembered
    {
        get
        {
            lock (_lock)
                return _visits.Count;
        }
    }

    /// <summary>Whether somebody from this address may come in now; counts it.</summary>
    public bool TryEnter(IPEndPoint remote)
    {
        if (!IsOpen)
            return false;
        var now = Instant.Read(time, _start);
        IPAddress address = Block(remote.Address);
        lock (_lock)
        {
            if (!_visits.TryGetValue(address, out Visits? visits) && !TryAdd(address, now, out visits))
                return false;
            return visits.Count(now) <= PerMinute && _all.Count(now) <= PerMinuteInAll;
        }
    }

    /// <summary>A dial of ours is about to begin.</summary>
    public void OnDial(long dialId, InviterPin pin) => _dials[dialId] = pin;

    /// <summary>A dial ended.</summary>
    public void OnDialEnded(long dialId) => _dials.TryRemove(dialId, out _);

    /// <summary>Whom a dial must reach.</summary>
    public InviterPin? PinOf(long dialId) => _dials.GetValueOrDefault(dialId);

    private bool TryAdd(IPAddress address, Instant now, out Visits visits)
    {
        visits = new Visits { Began = now };
        if (_visits.Count >= MaxAddresses)
        {
            foreach (IPAddress old in _visits.Where(visit => now >= visit.Value.Began + Minute).Select(visit => visit.Key).ToArray())
                _visits.Remove(old);
        }
        return _visits.Count < MaxAddresses && _visits.TryAdd(address, visits);
    }

    // Whoever has an IPv6 address has the /64 around it.
    private static IPAddress Block(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            return address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return address;
        byte[] bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes);
    }

    private sealed class Visits
    {
        private int _count;

        public Instant Began { get; set; }

        public int Count(Instant now)
        {
            if (now >= Began + Minute)
                (Began, _count) = (now, 0);
            return ++_count;
        }
    }
}
