using VibePN.Contracts;
using VibePN.Prefixes;

namespace VibePN.Benchmarks;

/// <summary>What a table is filled with.</summary>
public enum RouteKind
{
    /// <summary>Hosts at random in one subnet: 10.0.0.0/8, or one /64. The usual overlay.</summary>
    Hosts,

    /// <summary>Prefixes of many lengths all over the address space, some inside others, as on the Internet.</summary>
    Internet,
}

/// <summary>One table to measure, and the addresses to ask it for. A function of its parameters only.</summary>
public sealed class RouteSet
{
    /// <summary>Addresses asked for in one pass.</summary>
    public const int Addresses = 65_536;

    // Roughly how prefix lengths are spread in the public tables: sums of hundredths.
    private static readonly (int Share, int Length)[] Lengths4 =
        [(60, 24), (70, 23), (82, 22), (88, 21), (93, 20), (96, 19), (98, 18), (100, 16)];

    private static readonly (int Share, int Length)[] Lengths6 =
        [(46, 48), (56, 44), (62, 40), (72, 36), (86, 32), (100, 64)];

    private RouteSet(PrefixEntry[] entries, IpAddress[] addresses)
    {
        Entries = entries;
        Asked = addresses;
    }

    /// <summary>The routes, sorted by prefix as the routing policies sort them.</summary>
    public PrefixEntry[] Entries { get; }

    /// <summary>Addresses inside these routes, in random order.</summary>
    public IpAddress[] Asked { get; }

    /// <summary>Draws routes and addresses.</summary>
    public static RouteSet Draw(IpFamily family, RouteKind kind, int count)
    {
        var random = new Random(20_251_122);
        var prefixes = new HashSet<IpPrefix>(count);
        while (prefixes.Count < count)
            prefixes.Add(Prefix(random, family, kind));
        IpPrefix[] sorted = [.. prefixes];
        Array.Sort(sorted);
        var entries = new PrefixEntry[count];
        for (int i = 0; i < count; i++)
            entries[i] = new PrefixEntry(sorted[i], (ushort)random.Next(1, 1_000));
        var addresses = new IpAddress[Addresses];
        for (int i = 0; i < addresses.Length; i++)
            addresses[i] = Inside(random, sorted[random.Next(count)]);
        return new RouteSet(entries, addresses);
    }

    private static IpPrefix Prefix(Random random, IpFamily family, RouteKind kind)
    {
        if (family == IpFamily.V4)
        {
            return kind == RouteKind.Hosts
                ? IpPrefix.Host(IpAddress.FromV4(0x0A00_0000u | (uint)random.Next(1 << 24)))
                : new IpPrefix(IpAddress.FromV4((uint)random.NextInt64(1L << 24, 224L << 24)), Length(random, Lengths4));
        }
        return kind == RouteKind.Hosts
            ? IpPrefix.Host(IpAddress.FromV6(((UInt128)0xFD5A_1C3E_0077_0001 << 64) | Word(random)))
            : new IpPrefix(IpAddress.FromV6((UInt128)(0x2000_0000_0000_0000 | (Word(random) >> 3)) << 64), Length(random, Lengths6));
    }

    private static int Length(Random random, (int Share, int Length)[] lengths)
    {
        int drawn = random.Next(100);
        return Array.Find(lengths, l => drawn < l.Share).Length;
    }

    private static IpAddress Inside(Random random, IpPrefix prefix)
    {
        UInt128 size = prefix.Last.Bits - prefix.Address.Bits;
        UInt128 bits = prefix.Address.Bits | (new UInt128(Word(random), Word(random)) & size);
        return prefix.Family == IpFamily.V4 ? IpAddress.FromV4((uint)bits) : IpAddress.FromV6(bits);
    }

    private static ulong Word(Random random) => ((ulong)random.NextInt64() << 1) ^ (ulong)random.NextInt64();
}
