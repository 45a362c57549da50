using VibePN.Contracts;
using VibePN.Host.Plugins;
using VibePN.Plugins.TrustTofu;
using VibePN.Testkit;
using static VibePN.Testkit.Shown;

namespace VibePN.Stores.Tests;

/// <summary>trust-tofu over the daemon's own files, on disks and files that are not as they should be. Needs root.</summary>
public sealed class TrustStoreTests : IDisposable
{
    private readonly DirectoryInfo _scratch = Directory.CreateTempSubdirectory("vibepn-trust-");
    private readonly string _folder;
    private readonly string _file;

    public TrustStoreTests()
    {
        _folder = Path.Combine(_scratch.FullName, "trust-tofu");
        _file = Path.Combine(_folder, "pins");
    }

    public void Dispose() => _scratch.Delete(recursive: true);

    [Fact]
    public void Store_cut_at_any_byte_trusts_nothing_new_and_is_left_as_it_is()
    {
        byte[] good = PinnedFile();
        for (int length = 0; length < good.Length; length++)
            AssertFailsClosed(good[..length]);
    }

    [Fact]
    public void Store_with_any_byte_damaged_trusts_nothing_new_and_is_left_as_it_is()
    {
        byte[] good = PinnedFile();
        for (int i = 0; i < good.Length; i++)
        {
            for (int bit = 0; bit < 8; bit += 3)
            {
                byte[] flipped = [.. good];
                flipped[i] ^= (byte)(1 << bit);
                AssertFailsClosed(flipped);
            }
        }
    }

    [Theory]
    [InlineData(0b110_100_000)]
    [InlineData(0b110_000_100)]
    [InlineData(0b110_010_000)]
    public void Store_open_to_others_trusts_nothing_new(int mode)
    {
        PinnedFile();
        File.SetUnixFileMode(_file, (UnixFileMode)mode);
        AssertFailsClosed("mode 0");
        File.SetUnixFileMode(_file, (UnixFileMode)0b110_000_000);
        Assert.True(Started().List().Healthy);
    }

    [Fact]
    public void Store_of_another_owner_trusts_nothing_new()
    {
        PinnedFile();
        Owner.Set(_file, 65_534);
        AssertFailsClosed("belongs to uid 65534");
        Owner.Set(_file, 0);
        Owner.Set(_folder, 65_534);
        AssertFailsClosed("belongs to uid 65534");
        Owner.Set(_folder, 0);
        Assert.True(Started().List().Healthy);
    }

    [Fact]
    public void Store_in_a_folder_that_others_may_write_trusts_nothing_new()
    {
        PinnedFile();
        File.SetUnixFileMode(_folder, (UnixFileMode)0b111_111_111);
        AssertFailsClosed("may be written by others");
    }

    [Fact]
    public void Something_else_in_the_place_of_the_store_trusts_nothing_new()
    {
        Directory.CreateDirectory(_file);
        AssertFailsClosed("no regular file");
        Directory.Delete(_file);
        File.CreateSymbolicLink(_file, _file);
        AssertFailsClosed("symbolic links");
    }

    [Fact]
    public void Store_that_is_too_large_trusts_nothing_new()
    {
        PinnedFile();
        using (FileStream file = File.OpenWrite(_file))
            file.SetLength(9L * 1024 * 1024);
        AssertFailsClosed("too long");
    }

    [Fact]
    public void Damaged_store_is_copied_once_and_can_be_begun_anew()
    {
        byte[] good = PinnedFile();
        File.WriteAllBytes(_file, good[..^1]);
        Started();
        File.Delete(_file);
        TofuTrust anew = Started();
        Assert.True(anew.List().Healthy);
        Assert.Null(FirstUse(anew, "n2", A));
        Assert.Equal(good[..^1], File.ReadAllBytes(_file + ".bad"));
        Assert.Equal(["pins", "pins.bad"], Directory.EnumerateFileSystemEntries(_folder).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Full_disk_refuses_the_first_use_and_goes_on_without_a_restart_once_there_is_room() =>
        SmallDisk.Run(_scratch.FullName, disk =>
        {
            PinnedFile();
            TofuTrust trust = Started();
            disk.Fill();
            AssertRefusedButRunning(trust, "No space left on device");
            disk.Clear();
            AssertRecovered(trust);
        });

    [Fact]
    public void Full_disk_at_the_first_start_refuses_the_first_use_until_there_is_room() =>
        SmallDisk.Run(_scratch.FullName, disk =>
        {
            disk.Fill();
            TofuTrust trust = Started();
            Assert.NotNull(FirstUse(trust, "n3", B));
            Assert.False(trust.List().Healthy);
            Assert.Equal(TrustReason.ConfiguredPin, trust.Decide(A.Dialled(Peer("n2", A))).Reason);
            disk.Clear();
            Assert.Null(FirstUse(trust, "n3", B));
            Assert.True(trust.List().Healthy);
        });

    [Fact]
    public void Read_only_disk_refuses_the_first_use_and_goes_on_without_a_restart_once_it_is_writable() =>
        SmallDisk.Run(_scratch.FullName, disk =>
        {
            PinnedFile();
            disk.SetReadOnly(true);
            TofuTrust trust = Started();
            Assert.True(trust.List().Healthy);
            AssertRefusedButRunning(trust, "Read-only file system");
            disk.SetReadOnly(false);
            AssertRecovered(trust);
        });

    // n2 is pinned to A. The file's bytes.
    private byte[] PinnedFile()
    {
        Assert.Null(FirstUse(Started(), "n2", A));
        return File.ReadAllBytes(_file);
    }

    private TofuTrust Started()
    {
        var trust = new TofuTrust(new StoreContext(new PluginStore(_folder)));
        trust.StartAsync(default).AsTask().GetAwaiter().GetResult();
        return trust;
    }

    // Why the first use came to nothing, or null.
    private static string? FirstUse(TofuTrust trust, string peer, Shown shown)
    {
        TrustRequest request = shown.Dialled(Peer(peer));
        TrustVerdict verdict = trust.Decide(request);
        return verdict.Outcome != TrustOutcome.Accept
            ? verdict.Text
            : trust.CommitAsync(request, verdict, default).AsTask().GetAwaiter().GetResult();
    }

    private void AssertFailsClosed(byte[] content)
    {
        File.WriteAllBytes(_file, content);
        AssertFailsClosed("cannot be used");
        Assert.Equal(content, File.ReadAllBytes(_file));
        Assert.Equal(content, File.ReadAllBytes(_file + ".bad"));
    }

    private void AssertFailsClosed(string says)
    {
        TofuTrust trust = Started();
        TrustListing listing = trust.List();
        Assert.False(listing.Healthy);
        Assert.Contains(says, listing.HealthText, StringComparison.Ordinal);
        Assert.DoesNotContain(listing.Records, record => record.State == TrustState.Pinned);
        Assert.Equal(TrustReason.StoreUnavailable, trust.Decide(A.Dialled(Peer("n2"))).Reason);
        Assert.Equal(TrustReason.StoreUnavailable, trust.Decide(B.Dialled(Peer("n3"))).Reason);
        Assert.Equal(TrustOutcome.Pending, trust.Decide(A.Inbound(Peer("n2"))).Outcome);
        Assert.Equal(TrustReason.ConfiguredPin, trust.Decide(A.Dialled(Peer("n2", A))).Reason);
        Assert.Equal(TrustReason.ConfiguredPin, trust.Decide(A.Inbound(Peer("n2", A))).Reason);
    }

    private static void AssertRefusedButRunning(TofuTrust trust, string cause)
    {
        Assert.Contains(cause, FirstUse(trust, "n3", B), StringComparison.Ordinal);
        TrustListing listing = trust.List();
        Assert.False(listing.Healthy);
        Assert.Contains(cause, listing.HealthText, StringComparison.Ordinal);
        Assert.Equal(TrustReason.FirstUse, trust.Decide(B.Dialled(Peer("n3"))).Reason); // not pinned: asked again
        Assert.Equal(TrustReason.StoredPin, trust.Decide(A.Dialled(Peer("n2"))).Reason);
        Assert.Equal(TrustReason.ConfiguredPin, trust.Decide(C.Inbound(Peer("n4", C))).Reason);
    }

    private void AssertRecovered(TofuTrust trust)
    {
        Assert.Null(FirstUse(trust, "n3", B));
        Assert.True(trust.List().Healthy);
        Assert.Equal(["n2", "n3"], Started().List().Records.Select(record => record.Peer));
    }
}
