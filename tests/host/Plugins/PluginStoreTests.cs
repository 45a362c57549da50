using System.Text;
using VibePN.Host.Plugins;

namespace VibePN.Host.Tests.Plugins;

public sealed class PluginStoreTests : IDisposable
{
    private readonly Scratch _scratch = new();
    private readonly PluginStore _store;

    public PluginStoreTests() => _store = new PluginStore(_scratch.At("state/plugin"));

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void What_was_written_is_read_and_only_the_owner_may()
    {
        Assert.Null(_store.Read("pins.json", 100));
        _store.Write("pins.json", "one"u8);
        _store.Write("pins.json", "two"u8);
        Assert.Equal("two", Encoding.UTF8.GetString(_store.Read("pins.json", 3)!));
        Assert.Equal((UnixFileMode)0b110_000_000, File.GetUnixFileMode(_scratch.At("state/plugin/pins.json")));
        Assert.Equal((UnixFileMode)0b111_000_000, File.GetUnixFileMode(_scratch.At("state/plugin")));
        Assert.Single(Directory.EnumerateFileSystemEntries(_scratch.At("state/plugin")));
    }

    [Fact]
    public void A_longer_file_than_expected_is_not_read()
    {
        _store.Write("a", "four"u8);
        Assert.Contains("at most 3", Assert.Throws<IOException>(() => _store.Read("a", 3)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_open_to_others_is_not_read()
    {
        _store.Write("a", "x"u8);
        File.SetUnixFileMode(_scratch.At("state/plugin/a"), (UnixFileMode)0b110_100_100);
        Assert.Contains("mode 0644", Assert.Throws<IOException>(() => _store.Read("a", 10)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".hidden")]
    [InlineData("../up")]
    [InlineData("a/b")]
    [InlineData("a\0b")]
    public void A_name_is_a_bare_file_name(string name)
    {
        Assert.Throws<ArgumentException>(() => _store.Read(name, 10));
        Assert.Throws<ArgumentException>(() => _store.Write(name, "x"u8));
    }

    [Fact]
    public void A_write_that_fails_leaves_the_old_file_and_nothing_else()
    {
        _store.Write("a", "old"u8);
        Directory.CreateDirectory(_scratch.At("state/plugin/b/in"));
        Assert.ThrowsAny<IOException>(() => _store.Write("b", "new"u8)); // a directory stands in its place
        Assert.Equal(["a", "b"], Directory.EnumerateFileSystemEntries(_scratch.At("state/plugin")).Select(Path.GetFileName).Order());
    }
}
