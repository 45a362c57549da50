using VibePN.Contracts;

namespace VibePN.Prefixes.Tests;

/// <summary>Sets of prefixes as an adversary would announce them to make a table slow, large or wrong.</summary>
internal static class HostileSets
{
    public const int Kinds = 8;

    /// <summary>One set of at most about <paramref name="size"/> prefixes of both families.</summary>
    public static List<PrefixEntry> Draw(int kind, int size, Random random)
    {
        var entries = new List<PrefixEntry>(size);
        IpFamily family = random.Next(2) == 0 ? IpFamily.V4 : IpFamily.V6;
        int width = family == IpFamily.V4 ? 32 : 128;
        UInt128 anywhere = Bits(random, width);
        while (entries.Count < size)
        {
            int i = entries.Count;
            (UInt128 bits, int length) = kind switch
            {
                // Neighbouring hosts, and every other one.
                0 => (anywhere + (UInt128)i, width),
                1 => (anywhere + ((UInt128)i * 2), width),
                // Hosts at distances that double: every window has all but its outermost in one bucket.
                2 => (anywhere ^ (UInt128.One << (i % width)), width - random.Next(2)),
                // A few dozen hosts at each of several scales, each cluster inside one bucket of the wider one.
                3 => (anywhere + ((UInt128)(i % 40) << (i / 40 * (width / 8) % width)), width),
                // All prefixes of one address, and of its neighbours.
                4 => (anywhere ^ (UInt128)random.Next(4), i % (width + 1)),
                // Both ends of the address space, and of its halves.
                5 => (random.Next(4) switch { 0 => 0, 1 => ~UInt128.Zero, 2 => UInt128.One << 63, _ => ~UInt128.Zero >> 64 }, random.Next(width + 1)),
                // Hosts each in a /64 of its own, some of them neighbours.
                6 => (((anywhere >> 64) + (UInt128)random.Next(size) << (width / 2)) | (UInt128)random.Next(3), width - random.Next(2)),
                // Few bits vary, so that much nests and touches.
                _ => (Sparse(random, width), random.Next(width + 1)),
            };
            // Two values are few, so that neighbours with equal answers come about.
            ushort value = (ushort)(random.Next(3) == 0 ? random.Next(1, 65_536) : random.Next(1, 3));
            entries.Add(new PrefixEntry(new IpPrefix(Addresses.At(family, bits), length), value));
        }
        return entries;
    }

    private static UInt128 Bits(Random random, int width)
    {
        UInt128 bits = 0;
        for (int i = 0; i < width; i++)
            bits = (bits << 1) | (UInt128)random.Next(2);
        return bits;
    }

    private static UInt128 Sparse(Random random, int width)
    {
        UInt128 bits = 0;
        for (int i = 0; i < width; i++)
            bits = (bits << 1) | (random.Next(6) == 0 ? UInt128.One : UInt128.Zero);
        return bits;
    }
}

/// <summary>Addresses that find out mistakes.</summary>
internal static class Addresses
{
    public static IpAddress At(IpFamily family, UInt128 bits) =>
        family == IpFamily.V4 ? IpAddress.FromV4((uint)(bits & uint.MaxValue)) : IpAddress.FromV6(bits);

    /// <summary>Each prefix's first and last address, both neighbours of each, and one inside.</summary>
    public static List<IpAddress> AroundEdges(IReadOnlyCollection<PrefixEntry> entries, Random random)
    {
        var addresses = new List<IpAddress>(8 * entries.Count);
        foreach (PrefixEntry entry in entries)
        {
            IpFamily family = entry.Prefix.Family;
            UInt128 first = entry.Prefix.Address.Bits, last = entry.Prefix.Last.Bits;
            addresses.Add(At(family, first - 1));
            addresses.Add(At(family, first));
            addresses.Add(At(family, first + 1));
            addresses.Add(At(family, last - 1));
            addresses.Add(At(family, last));
            addresses.Add(At(family, last + 1));
            addresses.Add(At(family, first | (new UInt128((ulong)random.NextInt64(), (ulong)random.NextInt64()) & (last - first))));
        }
        return addresses;
    }
}
