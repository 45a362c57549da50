using System.Globalization;
using VibePN.Contracts;

namespace VibePN.Prefixes.Tests;

/// <summary>The table against its naive twin: toy spaces in full, large ones at random and at every edge.</summary>
public sealed class PrefixTableTwinTests
{
    [Theory]
    [InlineData(IpFamily.V4, 29)] // the lowest bits of IPv4
    [InlineData(IpFamily.V4, 0)]  // its highest
    [InlineData(IpFamily.V6, 63)] // across the seam of IPv6's two halves
    [InlineData(IpFamily.V6, 0)]
    [InlineData(IpFamily.V6, 125)]
    public void Every_set_of_up_to_six_prefixes_over_three_bits_is_right_everywhere(IpFamily family, int position) =>
        Assert.Equal(9_949, CheckSubsets(family, position, bits: 3, most: 6));

    [Theory]
    [InlineData(IpFamily.V4, 13)]
    [InlineData(IpFamily.V6, 60)]
    public void Every_set_of_up_to_two_prefixes_over_eight_bits_is_right_at_all_edges(IpFamily family, int position) =>
        Assert.Equal(130_817, CheckSubsets(family, position, bits: 8, most: 2));

    // 511 prefixes have 2.4e13 subsets of six, so eight bits stop at three prefixes, and six prefixes at four bits.
    [Theory(Explicit = true)]
    [InlineData(IpFamily.V4, 28, 4, 6, 942_649)]
    [InlineData(IpFamily.V4, 0, 4, 6, 942_649)]
    [InlineData(IpFamily.V6, 62, 4, 6, 942_649)]
    [InlineData(IpFamily.V6, 124, 4, 6, 942_649)]
    [InlineData(IpFamily.V4, 13, 8, 3, 22_239_232)]
    [InlineData(IpFamily.V6, 60, 8, 3, 22_239_232)]
    public void Every_small_set_is_right(IpFamily family, int position, int bits, int most, int sets) =>
        Assert.Equal(sets, CheckSubsets(family, position, bits, most));

    [Fact]
    public void Hostile_sets_are_right_at_every_edge_and_stay_small()
    {
        for (int seed = 0; seed < 400; seed++)
            CheckHostile(seed, largest: 120);
    }

    // Sixteen sets a seed with two kinds of twin; each set at seven addresses per prefix and some at random.
    [Fact(Explicit = true)]
    public void Millions_of_random_and_hostile_sets_are_right()
    {
        int seeds = int.Parse(Environment.GetEnvironmentVariable("PREFIX_SETS") ?? "4000000", CultureInfo.InvariantCulture);
        Parallel.For(1_000, 1_000 + seeds, seed => CheckHostile(seed, largest: seed % 50 == 0 ? 400 : 24));
    }

    [Theory]
    [InlineData(IpFamily.V4)]
    [InlineData(IpFamily.V6)]
    public void Sets_too_large_for_the_near_caches_are_right(IpFamily family)
    {
        var random = new Random(11);
        var entries = new List<PrefixEntry>();
        for (int i = 0; i < 40_000; i++)
        {
            UInt128 bits = new((ulong)random.NextInt64(), (ulong)random.NextInt64());
            int width = family == IpFamily.V4 ? 32 : 64 + (i % 2 * 64);
            // Every fourth is inside another; half of IPv6 is hosts of one /64.
            bits = width == 128 ? ((UInt128)0xFD00_0000_0000_0001 << 64) | (bits >> 64) : bits;
            entries.Add(new PrefixEntry(new IpPrefix(Addresses.At(family, bits), width - (random.Next(4) * 4)), (ushort)random.Next(1, 65_536)));
        }
        PrefixTable table = PrefixTable.Build(entries.ToArray());
        Assert.InRange(table.Bytes, 600_000, 6_000_000);
        var twin = new LengthTable(entries);
        CheckAddresses(table, twin.Find, [.. Addresses.AroundEdges(entries, random)], "large");
    }

    [Fact]
    public void Clusters_inside_clusters_end_in_a_search_by_halving()
    {
        var random = new Random(12);
        List<PrefixEntry> entries = NestedClusters();
        PrefixTable table = PrefixTable.Build(entries.ToArray());
        Assert.True(table.Halves);
        CheckAddresses(table, new LinearTable(entries).Find, [.. Addresses.AroundEdges(entries, random)], "clusters");
    }

    [Fact]
    public void Random_sets_are_right_at_every_edge_and_at_random()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var entries = new List<PrefixEntry>();
            int count = random.Next(1, 120);
            for (int i = 0; i < count; i++)
                entries.Add(new PrefixEntry(RandomPrefix(random), (ushort)random.Next(1, 65_536)));
            Check(entries, random, $"seed {seed}");
        }
    }

    [Fact]
    public void A_cluster_far_from_an_outlier_is_right()
    {
        // The outliers stretch the window so that the whole cluster falls into one bucket.
        var random = new Random(1);
        var entries = new List<PrefixEntry>
        {
            new(IpPrefix.Parse("0.0.0.0/32"), 1),
            new(IpPrefix.Parse("255.255.255.255/32"), 2),
            new(IpPrefix.Parse("::/128"), 3),
            new(IpPrefix.Parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"), 4),
        };
        for (int i = 0; i < 200; i++)
        {
            entries.Add(new PrefixEntry(IpPrefix.Host(IpAddress.FromV4(0x0A2A_0000u + ((uint)i * 2))), (ushort)(i + 10)));
            entries.Add(new PrefixEntry(new IpPrefix(Addresses.At(IpFamily.V6, ((UInt128)0xFD00 << 112) + ((UInt128)i << 65)), 64), (ushort)(i + 10)));
            entries.Add(new PrefixEntry(IpPrefix.Host(Addresses.At(IpFamily.V6, ((UInt128)0xFD01 << 112) + ((UInt128)(uint)i * 3))), (ushort)(i + 10)));
        }
        Check(entries, random, "cluster");
    }

    [Fact]
    public void Nested_prefixes_of_every_length_are_right()
    {
        var entries = new List<PrefixEntry>();
        for (int length = 0; length <= 128; length++)
            entries.Add(new PrefixEntry(new IpPrefix(IpAddress.Parse("fd5a:1c3e:77:ffff:8000::1"), length), (ushort)(length + 1)));
        for (int length = 0; length <= 32; length++)
            entries.Add(new PrefixEntry(new IpPrefix(IpAddress.Parse("255.255.255.255"), length), (ushort)(length + 1)));
        Check(entries, new Random(2), "nested");
    }

    // At each scale some prefixes, all of the next scale's between two of them: each window has one bucket with the rest.
    private static List<PrefixEntry> NestedClusters()
    {
        var entries = new List<PrefixEntry>();
        for (int scale = 0; scale < 10; scale++)
        {
            for (int i = 0; i < 8; i++)
            {
                UInt128 bits = ((UInt128)0xFD01 << 112) + ((UInt128)i << (scale * 6));
                entries.Add(new PrefixEntry(IpPrefix.Host(IpAddress.FromV6(bits)), (ushort)((scale * 8) + i + 1)));
            }
        }
        return entries;
    }

    private static void CheckHostile(int seed, int largest)
    {
        var random = new Random(seed);
        int kind = seed % HostileSets.Kinds;
        List<PrefixEntry> entries = HostileSets.Draw(kind, random.Next(1, largest + 1), random);
        PrefixTable table = PrefixTable.Build(entries.ToArray());
        List<IpAddress> addresses = Addresses.AroundEdges(entries, random);
        for (int i = 0; i < 8; i++)
            addresses.Add(RandomPrefix(random).Address);
        CheckAddresses(table, new LinearTable(entries).Find, [.. addresses], $"seed {seed} of kind {kind}");
        // A window and a line each, and directories in proportion to what lies in them.
        Assert.True(table.Bytes <= 2_048 + (400 * entries.Count), $"seed {seed}: {table.Bytes} bytes for {entries.Count} prefixes");
    }

    // All subsets, by taking each toy or not; what they find is kept for every toy key by painting over it.
    private static int CheckSubsets(IpFamily family, int position, int bits, int most)
    {
        int width = family == IpFamily.V4 ? 32 : 128;
        var toys = new List<IpPrefix>();
        for (int length = 0; length <= bits; length++)
        {
            for (int key = 0; key < 1 << length; key++)
                toys.Add(new IpPrefix(Addresses.At(family, (UInt128)key << (width - position - length)), position + length));
        }
        UInt128 step = UInt128.One << (width - position - bits);
        ushort[][] painted = [.. Enumerable.Range(0, most + 1).Select(_ => new ushort[1 << bits])];
        return Extend(0, []);

        int Extend(int from, List<PrefixEntry> set)
        {
            CheckToy(PrefixTable.Build(set.ToArray()), set, painted[set.Count]);
            int sets = 1;
            for (int i = from; set.Count < most && i < toys.Count; i++)
            {
                // Toys come by length, so a later one is at least as long. Two values only, so that some are equal.
                ushort value = (ushort)(1 + (i % 2));
                ushort[] next = painted[set.Count + 1];
                painted[set.Count].CopyTo(next, 0);
                int first = (int)((toys[i].Address.Bits / step) & ((1u << bits) - 1));
                next.AsSpan(first, 1 << (bits - (toys[i].Length - position))).Fill(value);
                set.Add(new PrefixEntry(toys[i], value));
                sets += Extend(i + 1, set);
                set.RemoveAt(set.Count - 1);
            }
            return sets;
        }

        void CheckToy(PrefixTable table, List<PrefixEntry> set, ushort[] expected)
        {
            if (bits <= 4)
            {
                for (int key = 0; key < expected.Length; key++)
                    CheckKey(key);
            }
            foreach (PrefixEntry entry in set)
            {
                int first = (int)((entry.Prefix.Address.Bits / step) & ((1u << bits) - 1));
                int behind = first + (1 << (bits - (entry.Prefix.Length - position)));
                CheckKey(first - 1);
                CheckKey(first);
                CheckKey(behind - 1);
                CheckKey(behind);
            }

            // A key's first and last address; a key outside the toys is one that nothing covers, unless toys are all there is.
            void CheckKey(int key)
            {
                bool inside = key >= 0 && key < expected.Length;
                if (!inside && position == 0)
                    return;
                IpAddress low = Addresses.At(family, (UInt128)(Int128)key * step), high = Addresses.At(family, ((UInt128)(Int128)(key + 1) * step) - 1);
                ushort value = inside ? expected[key] : (ushort)0;
                if (table.Find(low) != value || table.Find(high) != value)
                    Assert.Fail($"{low} or {high} in {string.Join(' ', set)}: {table.Find(low)} and {table.Find(high)}, not {value}");
            }
        }
    }

    private static void Check(List<PrefixEntry> entries, Random random, string what)
    {
        List<IpAddress> addresses = Addresses.AroundEdges(entries, random);
        for (int i = 0; i < 50; i++)
            addresses.Add(RandomPrefix(random).Address);
        CheckAddresses(PrefixTable.Build(entries.ToArray()), new LinearTable(entries).Find, [.. addresses], what);
    }

    private static void CheckAddresses(PrefixTable table, Func<IpAddress, ushort> twin, IpAddress[] addresses, string what)
    {
        ushort[] found = new ushort[addresses.Length];
        table.Find(addresses, found);
        for (int i = 0; i < found.Length; i++)
        {
            ushort expected = twin(addresses[i]);
            if (found[i] != expected || table.Find(addresses[i]) != expected)
                Assert.Fail($"{what}: {addresses[i]} found {found[i]} in a batch and {table.Find(addresses[i])} alone, not {expected}");
        }
    }

    // Few leading bits vary, so that prefixes nest and touch.
    private static IpPrefix RandomPrefix(Random random)
    {
        bool v4 = random.Next(2) == 0;
        int width = v4 ? 32 : 128;
        UInt128 bits = 0;
        for (int i = 0; i < width; i++)
            bits = (bits << 1) | (random.Next(6) == 0 ? UInt128.One : UInt128.Zero);
        return new IpPrefix(Addresses.At(v4 ? IpFamily.V4 : IpFamily.V6, bits), random.Next(width + 1));
    }
}
