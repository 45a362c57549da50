using VibePN.Contracts;

namespace VibePN.Prefixes.Tests;

/// <summary>The table against its naive twin: toy spaces in full, large ones at random and at every edge.</summary>
public sealed class PrefixTableTwinTests
{
    [Theory]
    [InlineData(IpFamily.V4, 28)] // the lowest bits of IPv4
    [InlineData(IpFamily.V4, 0)]  // its highest
    [InlineData(IpFamily.V6, 62)] // across the seam of the two IPv6 stages
    [InlineData(IpFamily.V6, 124)]
    public void Every_set_of_up_to_three_prefixes_over_four_bits_is_right_everywhere(IpFamily family, int position)
    {
        int width = family == IpFamily.V4 ? 32 : 128;
        var toys = new List<IpPrefix>();
        for (int length = 0; length <= 4; length++)
        {
            for (int key = 0; key < 1 << length; key++)
                toys.Add(new IpPrefix(At(family, (UInt128)key << (width - position - length)), position + length));
        }
        IpAddress[] addresses = ToyAddresses(family, width, position);
        var set = new List<PrefixEntry>();
        CheckSubsets(toys, 0, set, addresses);
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
            entries.Add(new PrefixEntry(new IpPrefix(At(IpFamily.V6, ((UInt128)0xFD00 << 112) + ((UInt128)i << 65)), 64), (ushort)(i + 10)));
            entries.Add(new PrefixEntry(IpPrefix.Host(At(IpFamily.V6, ((UInt128)0xFD01 << 112) + ((UInt128)(uint)i * 3))), (ushort)(i + 10)));
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

    [Fact]
    public void Vector_and_scalar_counts_agree()
    {
        var random = new Random(3);
        ulong[] interesting = [0, 1, long.MaxValue, (ulong)long.MaxValue + 1, ulong.MaxValue - 1, ulong.MaxValue];
        for (int round = 0; round < 100_000; round++)
        {
            ulong[] starts = new ulong[IntervalTable.Lanes];
            for (int i = 0; i < starts.Length; i++)
                starts[i] = Draw();
            Array.Sort(starts);
            ulong key = random.Next(3) == 0 ? starts[random.Next(starts.Length)] : Draw();
            int expected = starts.Count(start => start <= key);
            Assert.Equal(expected, IntervalTable.CountUpToScalar(starts, key));
            Assert.Equal(expected, IntervalTable.CountUpTo256(starts, key));
            Assert.Equal(expected, IntervalTable.CountUpTo512(starts, key));
        }

        ulong Draw() => random.Next(4) == 0 ? interesting[random.Next(interesting.Length)] : (ulong)random.NextInt64() * 2;
    }

    private static void CheckSubsets(List<IpPrefix> toys, int from, List<PrefixEntry> set, IpAddress[] addresses)
    {
        PrefixTable table = PrefixTable.Build(set.ToArray());
        var twin = new LinearTable(set);
        foreach (IpAddress address in addresses)
        {
            if (table.Find(address) != twin.Find(address))
                Assert.Fail($"{address} in {string.Join(' ', set)}");
        }
        for (int i = from; set.Count < 3 && i < toys.Count; i++)
        {
            // Two values only, so that neighbours with equal answers come about.
            set.Add(new PrefixEntry(toys[i], (ushort)(1 + (i % 2))));
            CheckSubsets(toys, i + 1, set, addresses);
            set.RemoveAt(set.Count - 1);
        }
    }

    private static IpAddress[] ToyAddresses(IpFamily family, int width, int position)
    {
        UInt128 step = UInt128.One << (width - position - 4);
        var addresses = new List<IpAddress>();
        for (int key = 0; key < 16; key++)
        {
            addresses.Add(At(family, step * (UInt128)key));
            addresses.Add(At(family, (step * (UInt128)key) + (step - 1)));
        }
        addresses.Add(At(family, Max(width)));
        addresses.Add(At(family, Max(width) >> 1));
        return [.. addresses];
    }

    private static void Check(List<PrefixEntry> entries, Random random, string what)
    {
        PrefixTable table = PrefixTable.Build(entries.ToArray());
        var twin = new LinearTable(entries);
        var addresses = new List<IpAddress>();
        foreach (IpPrefix prefix in entries.Select(e => e.Prefix))
        {
            addresses.Add(prefix.Address);
            addresses.Add(prefix.Last);
            addresses.Add(At(prefix.Family, prefix.Address.Bits - 1));
            addresses.Add(At(prefix.Family, prefix.Last.Bits + 1));
            addresses.Add(At(prefix.Family, prefix.Address.Bits + (UInt128)(uint)random.Next()));
        }
        for (int i = 0; i < 50; i++)
            addresses.Add(RandomPrefix(random).Address);
        ushort[] found = new ushort[addresses.Count];
        table.Find(addresses.ToArray(), found);
        for (int i = 0; i < found.Length; i++)
        {
            if (found[i] != twin.Find(addresses[i]) || found[i] != table.Find(addresses[i]))
                Assert.Fail($"{what}: {addresses[i]} found {found[i]}, not {twin.Find(addresses[i])}");
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
        return new IpPrefix(At(v4 ? IpFamily.V4 : IpFamily.V6, bits), random.Next(width + 1));
    }

    private static IpAddress At(IpFamily family, UInt128 bits) =>
        family == IpFamily.V4 ? IpAddress.FromV4((uint)(bits & uint.MaxValue)) : IpAddress.FromV6(bits);

    private static UInt128 Max(int width) => UInt128.MaxValue >> (128 - width);
}
