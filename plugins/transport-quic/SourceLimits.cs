using System.Security.Cryptography;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

/// <summary>
/// How many handshakes one source may begin: 20 a second and 5 at once from one IPv4 address or IPv6 /64 that has not
/// proved that it receives there, 50 a second and 50 at once in all, and 200 a second and 100 at once from the /24 or
/// /48 around it.
/// </summary>
/// <remarks>
/// One table of fixed size, taken when the first handshake comes: a flood from ever new sources cannot make it grow, it
/// only makes buckets of others give way at random, which gives those a fresh allowance. Source addresses can be
/// forged, so this bounds work, not truth: a forger can use up somebody's allowance, but not for longer than it floods.
/// One thread at a time.
/// </remarks>
internal sealed class SourceLimits
{
    /// <summary>Buckets kept at once.</summary>
    public const int Capacity = 65_536;

    // A bucket lies in one of this many places next to each other.
    private const int Ways = 8;
    private const int SetBits = 13;
    private const double Second = 1_000_000_000;

    private static readonly Allowance Unproven = new(20, 5);
    private static readonly Allowance Narrow = new(50, 50);
    private static readonly Allowance Wide = new(200, 100);

    private readonly ulong _seed = Draw();
    private readonly ulong _multiplier = Draw() | 1;
    private ulong _random = Draw() | 1;
    private Bucket[] _buckets = [];

    private enum Level : byte
    {
        Free,
        V4Host,
        V4Block,
        V6Subnet,
        V6Site,
        V4Unproven,
        V6Unproven,
    }

    /// <summary>Counts a first packet.</summary>
    /// <returns>False when the source, or the block around it, has sent too many; it is not counted then.</returns>
    public bool TryArrive(in SocketAddress28 source, ulong now)
    {
        if (_buckets.Length == 0)
            _buckets = new Bucket[Capacity];
        bool v4 = source.Family == LibC.AF_INET;
        // Addresses stand in memory in network order: their first bytes are the low ones here.
        ulong block = v4 ? source.V4 & 0xff_ffff : source.V6High & 0xffff_ffff_ffff;
        int wide = Find(block, v4 ? Level.V4Block : Level.V6Site, Wide, now, keep: -1);
        if (Refill(wide, Wide, now) < 1)
            return false;
        int narrow = Find(Host(source), v4 ? Level.V4Host : Level.V6Subnet, Narrow, now, keep: wide);
        if (Refill(narrow, Narrow, now) < 1)
            return false;
        _buckets[narrow].Tokens--;
        _buckets[wide].Tokens--;
        return true;
    }

    /// <summary>Counts a handshake of a client that has not proved its address. After <see cref="TryArrive"/>.</summary>
    /// <returns>False when the source has begun too many of these; it is not counted then.</returns>
    public bool TryBeginUnproven(in SocketAddress28 source, ulong now)
    {
        Level level = source.Family == LibC.AF_INET ? Level.V4Unproven : Level.V6Unproven;
        int index = Find(Host(source), level, Unproven, now, keep: -1);
        if (Refill(index, Unproven, now) < 1)
            return false;
        _buckets[index].Tokens--;
        return true;
    }

    private static ulong Host(in SocketAddress28 source) => source.Family == LibC.AF_INET ? source.V4 : source.V6High;

    private float Refill(int index, Allowance allowance, ulong now)
    {
        ref Bucket bucket = ref _buckets[index];
        double more = (now - bucket.Since) / Second * allowance.PerSecond;
        bucket.Tokens = (float)Math.Min(allowance.AtOnce, bucket.Tokens + more);
        bucket.Since = now;
        return bucket.Tokens;
    }

    // The bucket of this source; a fresh one in a free place, or in the place of another, when it has none.
    private int Find(ulong key, Level level, Allowance allowance, ulong now, int keep)
    {
        ulong hash = (key ^ _seed ^ ((ulong)level << 56)) * _multiplier;
        int first = (int)(hash >> (64 - SetBits)) * Ways;
        int free = -1;
        for (int i = first; i < first + Ways; i++)
        {
            if (_buckets[i].Key == key && _buckets[i].Level == level)
                return i;
            if (_buckets[i].Level == Level.Free)
                free = i;
        }
        if (free < 0)
        {
            int chance = (int)(Next() % Ways);
            free = first + chance;
            if (free == keep)
                free = first + ((chance + 1) % Ways);
        }
        _buckets[free] = new Bucket { Key = key, Level = level, Since = now, Tokens = allowance.AtOnce };
        return free;
    }

    // xorshift: which bucket gives way must not be foreseen, but nothing worse follows when it is.
    private ulong Next()
    {
        _random ^= _random << 13;
        _random ^= _random >> 7;
        _random ^= _random << 17;
        return _random;
    }

    private static ulong Draw() => BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));

    private readonly record struct Allowance(double PerSecond, float AtOnce);

    private struct Bucket
    {
        public ulong Key;
        public ulong Since;
        public float Tokens;
        public Level Level;
    }
}
