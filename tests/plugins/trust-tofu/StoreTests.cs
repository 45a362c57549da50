using System.Security.Cryptography;
using System.Text;
using VibePN.Contracts;
using VibePN.Testkit;
using static VibePN.Plugins.TrustTofu.Tests.Tofu;
using static VibePN.Testkit.Shown;

namespace VibePN.Plugins.TrustTofu.Tests;

public sealed class StoreTests
{
    private readonly FakeContext _context = new();

    [Fact]
    public void Pins_and_denials_come_back_as_they_went()
    {
        PinSet pins = Sample();
        PinSet? read = PinFile.Decode(PinFile.Encode(pins), out _);
        Assert.Equal(pins.Pins, read?.Pins);
        Assert.Equal(pins.Denials, read?.Denials);
    }

    [Fact]
    public void File_looks_as_documented()
    {
        var pin = new Pin("n2", new Fingerprint(Repeat(0xAB)), default, Now, "first use");
        string text = Encoding.UTF8.GetString(PinFile.Encode(new PinSet([pin], [])));
        string body = """
            {
              "pins": [
                {
                  "peer": "n2",
                  "certificate": "abababababababababababababababababababababababababababababababab",
                  "public_key": "",
                  "since": "2026-11-22T12:00:00Z",
                  "how": "first use"
                }
              ],
              "denied": []
            }
            """;
        string checksum = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(body)));
        Assert.Equal($"vibepn-trust 1 {checksum}\n{body}", text);
    }

    [Fact]
    public void Every_prefix_of_a_file_is_refused()
    {
        byte[] file = PinFile.Encode(Sample());
        for (int length = 0; length < file.Length; length++)
            Assert.Null(PinFile.Decode(file.AsMemory(0, length), out _));
        Assert.Null(PinFile.Decode((byte[])[.. file, (byte)'\n'], out _));
    }

    [Fact]
    public void Every_flipped_bit_is_refused()
    {
        byte[] file = PinFile.Encode(Sample());
        for (int bit = 0; bit < file.Length * 8; bit++)
        {
            file[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Null(PinFile.Decode(file, out _));
            file[bit / 8] ^= (byte)(1 << (bit % 8));
        }
        Assert.NotNull(PinFile.Decode(file, out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"pins":{},"denied":[]}""")]
    [InlineData("""{"pins":[7],"denied":[]}""")]
    [InlineData("""{"pins":[{"peer":"a"}],"denied":[]}""")]
    [InlineData("""{"pins":[],"denied":[{"subject":"xyz","public_key":"","since":"2026-11-22T12:00:00Z"}]}""")]
    [InlineData("""{"pins":[],"denied":[]""")]
    public void Content_that_is_not_ours_is_refused_whatever_its_checksum(string body)
    {
        Assert.Null(PinFile.Decode(WithHeader("1", body), out string fault));
        Assert.Equal("its content is not a list of pins", fault);
    }

    [Fact]
    public void Peer_that_stands_twice_is_refused()
    {
        string pin = $$"""{"peer":"a","certificate":"{{A.Id}}","public_key":"","since":"2026-11-22T12:00:00Z","how":"operator"}""";
        Assert.NotNull(PinFile.Decode(WithHeader("1", $$"""{"pins":[{{pin}}],"denied":[]}"""), out _));
        Assert.Null(PinFile.Decode(WithHeader("1", $$"""{"pins":[{{pin}},{{pin}}],"denied":[]}"""), out _));
    }

    [Fact]
    public void File_of_a_later_format_is_refused_and_named()
    {
        Assert.Null(PinFile.Decode(WithHeader("2", "{}"), out string fault));
        Assert.Equal("its format 2 is not the format 1 that this version reads", fault);
    }

    [Fact]
    public void Fullest_store_fits_the_reading_limit()
    {
        // Characters outside ASCII take six bytes each in the file.
        var pins = Enumerable.Range(0, PinSet.MaxEach).Select(i => new Pin(
            $"{i:D4}" + new string('é', PinSet.MaxNameLength - 4), Numbered(i), A.Key, Now, "first use"));
        var denials = Enumerable.Range(0, PinSet.MaxEach).Select(i => new Denial(Numbered(i), A.Key, Now));
        Assert.InRange(PinFile.Encode(new PinSet(pins, denials)).Length, 1, PinFile.MaxBytes);
    }

    public static TheoryData<string> Damages => ["empty", "cut", "garbage", "unreadable", "denied"];

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task Store_that_cannot_be_used_fails_closed(string damage)
    {
        await PinnedAsync(_context, ("n2", A));
        byte[] good = _context.Files["pins"];
        switch (damage)
        {
            case "empty":
                _context.Files["pins"] = [];
                break;
            case "cut":
                _context.Files["pins"] = good[..^1];
                break;
            case "garbage":
                _context.Files["pins"] = RandomNumberGenerator.GetBytes(300);
                break;
            case "unreadable":
                _context.ReadFailure = new IOException("mode is 0644, open to others");
                break;
            default:
                _context.ReadFailure = new UnauthorizedAccessException("Permission denied");
                break;
        }
        byte[] damaged = _context.Files["pins"];
        TofuTrust trust = await StartedAsync(_context);

        AssertVerdict(TrustOutcome.Refuse, TrustReason.StoreUnavailable, null, trust.Decide(A.Dialled(Peer("n2"))));
        AssertVerdict(TrustOutcome.Refuse, TrustReason.StoreUnavailable, null, trust.Decide(B.Dialled(Peer("n3"))));
        AssertVerdict(TrustOutcome.Pending, TrustReason.Unknown, null, trust.Decide(A.Inbound(Peer("n2"))));
        AssertVerdict(TrustOutcome.Accept, TrustReason.ConfiguredPin, "n2", trust.Decide(A.Dialled(Peer("n2", A))));
        AssertVerdict(TrustOutcome.Accept, TrustReason.ConfiguredPin, "n2", trust.Decide(A.Inbound(Peer("n2", A))));
        Assert.False(trust.List().Healthy);
        Assert.Contains("'/var/lib/vibepn/trust-tofu/pins' cannot be used", trust.List().HealthText, StringComparison.Ordinal);
        Assert.False((await AcceptAsync(trust, "n3", B)).Done);
        Assert.Same(damaged, _context.Files["pins"]);
        Assert.Equal(_context.ReadFailure is null ? damaged : null, _context.Files.GetValueOrDefault("pins.bad"));
        Assert.Contains(_context.Lines, line => line.StartsWith("Error: Trust store", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Store_that_was_mended_is_read_again_at_the_next_order()
    {
        await PinnedAsync(_context, ("n2", A));
        _context.ReadFailure = new IOException("mode is 0644, open to others");
        TofuTrust trust = await StartedAsync(_context);
        _context.ReadFailure = null;
        Assert.True((await AcceptAsync(trust, "n3", B)).Done);
        Assert.Equal(["n2", "n3"], Records(trust, TrustState.Pinned).Select(record => record.Peer));
        Assert.True(trust.List().Healthy);
    }

    [Fact]
    public async Task Full_disk_refuses_the_first_use_and_changes_nothing_until_there_is_room()
    {
        TofuTrust trust = await PinnedAsync(_context, ("n2", A));
        _context.WriteFailure = new IOException("No space left on device");
        string? fault = await CommitAsync(trust, B.Dialled(Peer("n3")));
        Assert.Equal("Trust store '/var/lib/vibepn/trust-tofu/pins' could not be written: No space left on device. "
            + "Nothing new is trusted until it can be: check free space and the directory's owner and mode.", fault);
        Assert.False(trust.List().Healthy);
        Assert.False((await AcceptAsync(trust, "n3", B)).Done);
        Assert.Equal("n2", Assert.Single(Records(trust, TrustState.Pinned)).Peer);
        AssertVerdict(TrustOutcome.Accept, TrustReason.StoredPin, "n2", trust.Decide(A.Dialled(Peer("n2"))));
        Assert.Single(_context.Lines, line => line.StartsWith("Error:", StringComparison.Ordinal));

        _context.WriteFailure = null;
        Assert.Null(await CommitAsync(trust, B.Dialled(Peer("n3"))));
        Assert.True(trust.List().Healthy);
    }

    private static ValueTask<TrustResult> AcceptAsync(TofuTrust trust, string peer, Shown certificate) =>
        trust.ApplyAsync(new TrustOrder(TrustAction.Accept, peer, certificate.Id), CancellationToken.None);

    private static PinSet Sample() => new(
        [new Pin("n2", A.Id, A.Key, Now, "first use"), new Pin("büro \"x\"\n", B.Id, default, Now, "operator")],
        [new Denial(C.Id, C.Key, Now), new Denial(C.Key, default, Now)]);

    private static byte[] WithHeader(string version, string body)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        return [.. Encoding.ASCII.GetBytes($"vibepn-trust {version} {Convert.ToHexStringLower(SHA256.HashData(bytes))}\n"), .. bytes];
    }

    private static byte[] Repeat(byte value) => [.. Enumerable.Repeat(value, Fingerprint.Length)];

    private static Fingerprint Numbered(int number)
    {
        byte[] bytes = new byte[Fingerprint.Length];
        BitConverter.TryWriteBytes(bytes, number + 1);
        return new Fingerprint(bytes);
    }
}
