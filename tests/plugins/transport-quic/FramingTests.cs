namespace VibePN.Plugins.TransportQuic.Tests;

public sealed class FramingTests
{
    [Theory]
    [InlineData(0, 0, 0, false, new byte[] { 0x00 })]
    [InlineData(0, 30, 0, false, new byte[] { 0x1e })]
    [InlineData(0, 31, 0, false, new byte[] { 0x1f, 31 })]
    [InlineData(0, 255, 0, false, new byte[] { 0x1f, 255 })]
    [InlineData(1, 5, 9, false, new byte[] { 0x25, 9 })]
    [InlineData(2, 5, 9, false, new byte[] { 0x45, 9 })]
    [InlineData(2, 200, 255, false, new byte[] { 0x5f, 200, 255 })]
    [InlineData(0, 0, 0, true, new byte[] { 0x80 })]
    [InlineData(0, 30, 0, true, new byte[] { 0x9e })]
    [InlineData(0, 255, 0, true, new byte[] { 0x9f, 255 })]
    public void Header_has_these_bytes(int part, int network, byte splitId, bool isPartial, byte[] expected)
    {
        Span<byte> room = stackalloc byte[DatagramFraming.MaxHeader];
        int length = DatagramFraming.Write(room, (DatagramPart)part, network, splitId, isPartial);
        Assert.Equal(expected, room[..length].ToArray());
        Assert.Equal(expected.Length, DatagramFraming.HeaderLength(network, (DatagramPart)part));
        Assert.True(DatagramFraming.TryRead([.. expected, 1], out DatagramHeader header));
        Assert.Equal(new DatagramHeader((DatagramPart)part, network, splitId, expected.Length, isPartial), header);
        for (int cut = 0; cut <= expected.Length; cut++)
            Assert.False(DatagramFraming.TryRead(expected.AsSpan(0, cut), out _));
    }

    [Theory]
    [InlineData(new byte[] { 0xA0, 1, 2 })]
    [InlineData(new byte[] { 0xC5, 1, 2 })]
    [InlineData(new byte[] { 0xE0, 1, 2 })]
    [InlineData(new byte[] { 0x60, 1, 2 })]
    [InlineData(new byte[] { 0x1f, 30, 2 })]
    [InlineData(new byte[] { 0x9f, 30, 2 })]
    public void Partial_halves_a_third_half_and_a_short_number_written_long_are_refused(byte[] datagram) =>
        Assert.False(DatagramFraming.TryRead(datagram, out _));

    [Fact]
    public void Whatever_is_read_is_what_would_be_written()
    {
        var random = new Random(4);
        byte[] datagram = new byte[6];
        Span<byte> again = stackalloc byte[DatagramFraming.MaxHeader];
        int read = 0;
        for (int i = 0; i < 50_000; i++)
        {
            random.NextBytes(datagram);
            if (!DatagramFraming.TryRead(datagram, out DatagramHeader header))
                continue;
            read++;
            int length = DatagramFraming.Write(again, header.Part, header.Network, header.SplitId, header.IsPartial);
            Assert.Equal(header.Length, length);
            Assert.Equal(datagram[..length], again[..length].ToArray());
        }
        Assert.InRange(read, 10_000, 40_000);
    }

    [Fact]
    public void Halves_join_in_either_order()
    {
        using var table = new HalfTable(100);
        byte[] whole = new byte[201];
        Assert.Equal(0, table.Add(Half(DatagramPart.FirstHalf, 1), [1, 2, 3], whole));
        Assert.Equal(0, table.Add(Half(DatagramPart.SecondHalf, 2), [8, 9], whole));
        Assert.Equal(5, table.Add(Half(DatagramPart.SecondHalf, 1), [4, 5], whole));
        Assert.Equal([1, 2, 3, 4, 5], whole[..5]);
        Assert.Equal(4, table.Add(Half(DatagramPart.FirstHalf, 2), [6, 7], whole));
        Assert.Equal([6, 7, 8, 9], whole[..4]);
        Assert.Equal(0, table.Missing);
    }

    [Fact]
    public void Lost_halves_are_counted_and_make_room()
    {
        using var table = new HalfTable(100);
        byte[] whole = new byte[201];
        for (int id = 0; id < 100; id++)
            Assert.Equal(0, table.Add(Half(DatagramPart.FirstHalf, (byte)id), [1], whole));
        Assert.Equal(100 - HalfTable.Capacity, table.Missing);
        // The same number again before its other half came: the older one is lost.
        Assert.Equal(0, table.Add(Half(DatagramPart.FirstHalf, 99), [7], whole));
        Assert.Equal(101 - HalfTable.Capacity, table.Missing);
        Assert.Equal(2, table.Add(Half(DatagramPart.SecondHalf, 99), [8], whole));
        Assert.Equal([7, 8], whole[..2]);
        // Too long to keep.
        Assert.Equal(0, table.Add(Half(DatagramPart.FirstHalf, 5), new byte[101], whole));
        Assert.Equal(102 - HalfTable.Capacity, table.Missing);
    }

    [Fact]
    public void Halves_of_different_networks_never_join()
    {
        using var table = new HalfTable(100);
        byte[] whole = new byte[201];
        Assert.Equal(0, table.Add(new DatagramHeader(DatagramPart.FirstHalf, 1, 7, 2), [1], whole));
        Assert.Equal(0, table.Add(new DatagramHeader(DatagramPart.SecondHalf, 2, 7, 2), [2], whole));
    }

    private static DatagramHeader Half(DatagramPart part, byte id) => new(part, 3, id, 2);
}
