using VibePN.Contracts;

namespace VibePN.Prefixes.Tests;

public sealed class SwapTests
{
    private PrefixTable _published = Filled(1);

    [Fact]
    public async Task Readers_see_one_table_whole_while_tables_are_swapped()
    {
        // Every address finds the number of its table, so answers of two tables, or of half a table, would differ.
        const ushort Swaps = 400;
        var addresses = new IpAddress[256];
        for (int i = 0; i < addresses.Length; i++)
            addresses[i] = i % 3 == 0 ? Addresses.At(IpFamily.V6, ((UInt128)0xFD << 120) + (UInt128)(i * 5)) : IpAddress.FromV4((uint)i << 20);
        using var ended = new CancellationTokenSource();
        Task<long>[] readers = [.. Enumerable.Range(0, 2).Select(_ => Task.Run(() => Read(addresses, Swaps, ended.Token)))];

        for (ushort number = 2; number <= Swaps; number++)
            Volatile.Write(ref _published, Filled(number));
        foreach (Task<long> reader in readers)
            Assert.InRange(await reader.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken), 1, long.MaxValue);
        await ended.CancelAsync();
    }

    // Reads until the last table has come by.
    private long Read(IpAddress[] addresses, ushort lastNumber, CancellationToken ended)
    {
        ushort[] values = new ushort[addresses.Length];
        long batches = 0;
        ushort seen = 0;
        while (seen != lastNumber && !ended.IsCancellationRequested)
        {
            PrefixTable table = Volatile.Read(ref _published);
            table.Find(addresses, values);
            Assert.All(values, value => Assert.Equal(values[0], value));
            Assert.Equal(values[0], table.Find(addresses[^1]));
            Assert.InRange(values[0], seen, lastNumber);
            seen = values[0];
            batches++;
        }
        return batches;
    }

    private static PrefixTable Filled(ushort number)
    {
        var entries = new List<PrefixEntry> { new(IpPrefix.Parse("0.0.0.0/0"), number), new(IpPrefix.Parse("fd00::/8"), number) };
        for (uint i = 0; i < 200; i++)
        {
            entries.Add(new PrefixEntry(new IpPrefix(IpAddress.FromV4(i << 20), 13), number));
            entries.Add(new PrefixEntry(IpPrefix.Host(Addresses.At(IpFamily.V6, ((UInt128)0xFD << 120) + (i * 5))), number));
        }
        // Neighbours of equal answers become one interval; other numbers between them keep the table large.
        for (uint i = 0; i < 2_000; i++)
            entries.Add(new PrefixEntry(IpPrefix.Host(IpAddress.FromV4((i << 20) | 0x777)), (ushort)(number + 1 + (i % 7))));
        return PrefixTable.Build(entries.ToArray());
    }
}
