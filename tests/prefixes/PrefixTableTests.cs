using VibePN.Contracts;

namespace VibePN.Prefixes.Tests;

public sealed class PrefixTableTests
{
    [Fact]
    public void Empty_table_finds_nothing()
    {
        Assert.Equal(0, PrefixTable.Empty.Count);
        Assert.Equal(0, Find(PrefixTable.Empty, "10.0.0.1"));
        Assert.Equal(0, Find(PrefixTable.Empty, "::"));
        Assert.Equal(0, Find(PrefixTable.Empty, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
        Assert.Equal(0, PrefixTable.Empty.Find(default(IpAddress)));
    }

    [Fact]
    public void Longest_prefix_wins()
    {
        PrefixTable table = Table(("10.0.0.0/8", 1), ("10.42.0.0/16", 2), ("10.42.0.0/24", 3), ("10.42.0.36/32", 4));
        Assert.Equal(4, Find(table, "10.42.0.36"));
        Assert.Equal(3, Find(table, "10.42.0.35"));
        Assert.Equal(3, Find(table, "10.42.0.37"));
        Assert.Equal(2, Find(table, "10.42.1.0"));
        Assert.Equal(1, Find(table, "10.43.0.0"));
        Assert.Equal(0, Find(table, "11.0.0.0"));
        Assert.Equal(0, Find(table, "9.255.255.255"));
        Assert.Equal(4, table.Count);
    }

    [Fact]
    public void Default_routes_cover_both_ends_of_their_own_family_only()
    {
        PrefixTable v4 = Table(("0.0.0.0/0", 7), ("10.0.0.1/32", 8));
        Assert.Equal(7, Find(v4, "0.0.0.0"));
        Assert.Equal(7, Find(v4, "255.255.255.255"));
        Assert.Equal(8, Find(v4, "10.0.0.1"));
        Assert.Equal(0, Find(v4, "::"));
        Assert.Equal(0, Find(v4, "::10.0.0.1"));

        PrefixTable v6 = Table(("::/0", 7), ("fd00::1/128", 8));
        Assert.Equal(7, Find(v6, "::"));
        Assert.Equal(7, Find(v6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
        Assert.Equal(8, Find(v6, "fd00::1"));
        Assert.Equal(7, Find(v6, "fd00::2"));
        Assert.Equal(7, Find(v6, "fd00::"));
        Assert.Equal(0, Find(v6, "10.0.0.1"));
    }

    [Fact]
    public void First_and_last_addresses_of_a_family_can_be_hosts()
    {
        PrefixTable table = Table(("0.0.0.0/32", 1), ("255.255.255.255/32", 2), ("::/128", 3),
            ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", 4));
        Assert.Equal(1, Find(table, "0.0.0.0"));
        Assert.Equal(0, Find(table, "0.0.0.1"));
        Assert.Equal(0, Find(table, "255.255.255.254"));
        Assert.Equal(2, Find(table, "255.255.255.255"));
        Assert.Equal(3, Find(table, "::"));
        Assert.Equal(0, Find(table, "::1"));
        Assert.Equal(0, Find(table, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"));
        Assert.Equal(4, Find(table, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
    }

    [Fact]
    public void A_64_is_the_answer_around_the_hosts_inside_it()
    {
        PrefixTable table = Table(("fd00::/48", 1), ("fd00:0:0:1::/64", 2), ("fd00:0:0:1::5/128", 3), ("fd00:0:0:2::/96", 4));
        Assert.Equal(2, Find(table, "fd00:0:0:1::4"));
        Assert.Equal(3, Find(table, "fd00:0:0:1::5"));
        Assert.Equal(2, Find(table, "fd00:0:0:1:ffff:ffff:ffff:ffff"));
        Assert.Equal(4, Find(table, "fd00:0:0:2::"));
        Assert.Equal(1, Find(table, "fd00:0:0:2:0:1::"));
        Assert.Equal(1, Find(table, "fd00:0:0:3::"));
        Assert.Equal(0, Find(table, "fd00:0:1::"));
    }

    [Fact]
    public void The_later_of_two_equal_prefixes_counts()
    {
        PrefixTable table = Table(("10.0.0.0/8", 1), ("10.0.0.0/8", 3), ("10.0.0.0/8", 2));
        Assert.Equal(2, Find(table, "10.1.2.3"));
        Assert.Equal(1, table.Count);
    }

    [Fact]
    public void Value_0_and_the_default_prefix_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Table(("10.0.0.0/8", 0)));
        Assert.Throws<ArgumentException>(() => PrefixTable.Build([new PrefixEntry(default, 1)]));
    }

    [Fact]
    public void Batch_answers_as_single_lookups_do()
    {
        PrefixTable table = Table(("10.0.0.0/8", 1), ("fd00::/8", 2));
        IpAddress[] addresses = [IpAddress.Parse("10.1.1.1"), default, IpAddress.Parse("fd00::1"), IpAddress.Parse("11.0.0.0")];
        ushort[] values = [9, 9, 9, 9, 9];
        table.Find(addresses, values);
        Assert.Equal<ushort>([1, 0, 2, 0, 9], values);
        Assert.Throws<ArgumentException>(() => table.Find(addresses, new ushort[3]));
    }

    [Fact]
    public void Batches_of_any_length_and_mixture_answer_as_single_lookups_do()
    {
        // Hosts of two /64, one of them the larger, and prefixes around them: every way through IPv6 is taken.
        PrefixTable table = Table(("10.0.0.0/8", 1), ("10.42.0.36/32", 2), ("fd00::/8", 3), ("fd00:0:0:1::5/128", 4),
            ("fd00:0:0:1::7/128", 5), ("fd00:0:0:2::5/128", 6));
        IpAddress[] pool = [.. new[] { "10.42.0.36", "10.1.2.3", "11.0.0.0", "fd00:0:0:1::5", "fd00:0:0:1::6", "fd00:0:0:1::7",
            "fd00:0:0:2::5", "fd00:0:0:2::6", "fd00:0:0:3::", "fe00::" }.Select(IpAddress.Parse), default];
        ushort[] answers = [2, 1, 0, 4, 3, 5, 6, 3, 3, 0, 0];
        var random = new Random(4);
        for (int round = 0; round < 3_000; round++)
        {
            // A few neighbours of the pool, so that batches of one family, and of one /64, are among them.
            int from = random.Next(pool.Length), among = random.Next(1, pool.Length - from + 1);
            int[] drawn = [.. Enumerable.Range(0, random.Next(150)).Select(_ => from + random.Next(among))];
            ushort[] values = new ushort[drawn.Length];
            table.Find(drawn.Select(i => pool[i]).ToArray(), values);
            Assert.Equal(drawn.Select(i => answers[i]), values);
        }
    }

    [Fact]
    public void Overlay_of_a_thousand_hosts_takes_at_most_64_KiB_a_family()
    {
        var random = new Random(5);
        PrefixEntry[] v4 = [.. Enumerable.Range(0, 1_000).Select(i => Host(IpAddress.FromV4(0x0A2A_0000u + (uint)random.Next(1 << 16))))];
        PrefixEntry[] v6 = [.. Enumerable.Range(0, 1_000).Select(i => Host(IpAddress.FromV6(((UInt128)0xFD00 << 112) | (ulong)random.NextInt64())))];
        Assert.InRange(PrefixTable.Build(v4).Bytes, 10_000, 65_536);
        Assert.InRange(PrefixTable.Build(v6).Bytes, 10_000, 65_536);
        Assert.InRange(PrefixTable.Build(v4.AsSpan(0, 1)).Bytes, 64, 4_096);
        Assert.InRange(PrefixTable.Build(v6.AsSpan(0, 1)).Bytes, 64, 4_096);

        static PrefixEntry Host(IpAddress address) => new(IpPrefix.Host(address), 7);
    }

    [Fact]
    public void Lookups_allocate_nothing()
    {
        PrefixTable table = Table(("10.0.0.0/8", 1), ("10.42.0.36/32", 2), ("fd00::/64", 3), ("fd00::5/128", 4));
        IpAddress[] addresses = [IpAddress.Parse("10.42.0.36"), IpAddress.Parse("fd00::5"), IpAddress.Parse("192.0.2.1")];
        ushort[] values = new ushort[3];
        table.Find(addresses, values);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1_000; i++)
            table.Find(addresses, values);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static PrefixTable Table(params (string Prefix, ushort Value)[] entries) =>
        PrefixTable.Build([.. entries.Select(e => new PrefixEntry(IpPrefix.Parse(e.Prefix), e.Value))]);

    private static ushort Find(PrefixTable table, string address) => table.Find(IpAddress.Parse(address));
}
