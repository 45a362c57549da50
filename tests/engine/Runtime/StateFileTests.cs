using System.Text;
using VibePN.Engine.Runtime;

namespace VibePN.Engine.Tests.Runtime;

public sealed class StateFileTests
{
    private readonly MemoryStore _store = new();

    [Theory]
    [InlineData(0)]
    [InlineData(1_795_350_000_000)]
    [InlineData(ulong.MaxValue)]
    public void What_was_written_is_read(ulong value)
    {
        StateFile.Write(_store, "instance", value);
        Assert.Equal(value, StateFile.Read(_store, "instance", out string? fault));
        Assert.Null(fault);
    }

    [Fact]
    public void A_file_is_one_line_and_says_what_it_is()
    {
        Assert.Equal(
            "vibepn-clock 1 17 e0d04ee83fe7ae64fa25bc2f53c76e4e0e9ca92ae25b5b5e8c5c71ffd1b9a8ba\n".Length,
            StateFile.Encode("clock", 17).Length);
        Assert.StartsWith("vibepn-clock 1 17 ", Encoding.ASCII.GetString(StateFile.Encode("clock", 17)), StringComparison.Ordinal);
    }

    [Fact]
    public void No_file_is_no_fault()
    {
        Assert.Null(StateFile.Read(_store, "instance", out string? fault));
        Assert.Null(fault);
        Assert.Empty(_store.Files);
    }

    [Fact]
    public void Every_truncation_every_flipped_bit_and_bytes_behind_are_noticed_and_put_aside()
    {
        byte[] good = StateFile.Encode("instance", 1_795_350_000_000);
        for (int length = 0; length < good.Length; length++)
            AssertDamaged(good[..length]);
        for (int bit = 0; bit < good.Length * 8; bit++)
        {
            byte[] flipped = [.. good];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            AssertDamaged(flipped);
        }
        AssertDamaged([.. good, (byte)'\n']);
        AssertDamaged(StateFile.Encode("clock", 1_795_350_000_000)); // another file's content
        AssertDamaged("1795350000000"u8.ToArray());
    }

    [Fact]
    public void Random_bytes_are_no_number()
    {
        var random = new Random(1);
        for (int round = 0; round < 5_000; round++)
        {
            byte[] bytes = new byte[random.Next(200)];
            random.NextBytes(bytes);
            AssertDamaged(bytes);
        }
    }

    [Fact]
    public void A_damaged_file_on_a_full_disk_is_still_only_damaged()
    {
        _store.Files["instance"] = [1, 2, 3];
        _store.Failure = "No space left on device";
        Assert.Null(StateFile.Read(_store, "instance", out string? fault));
        Assert.NotNull(fault);
    }

    [Fact]
    public void A_file_that_cannot_be_read_is_not_taken_for_damaged()
    {
        _store.Files["instance"] = new byte[1_000];
        Assert.Throws<IOException>(() => StateFile.Read(_store, "instance", out _));
        Assert.Single(_store.Files);
    }

    private void AssertDamaged(byte[] bytes)
    {
        _store.Files["instance"] = bytes;
        Assert.Null(StateFile.Read(_store, "instance", out string? fault));
        Assert.Equal("State file /var/lib/vibepn/engine/instance is damaged and was put aside as instance.bad.", fault);
        Assert.Equal(bytes, _store.Files["instance.bad"]);
    }
}
