using System.Formats.Tar;
using System.IO.Compression;

namespace VibePN.Vpnctl.Tests;

public sealed class BundleTests : IDisposable
{
    private const string Files = """[{"name":"about.txt","text":"vibepnd: 1\n"},{"name":"log.txt","text":"line\n"}]""";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("vpn-bundle-");

    private string Path => System.IO.Path.Combine(_folder.FullName, "b.tar.gz");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_bundle_is_an_archive_for_its_owner_only()
    {
        await using FakeDaemon daemon = FakeDaemon.Answering("bundle.create", Files);
        Outcome outcome = daemon.Vpnctl("bundle", "--out", Path);
        Assert.Equal($"Wrote {Path} (2 files).\nIt holds addresses, names and fingerprints: --redact replaces them. Keys and secrets are left out.\n", outcome.Out);
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path));
        await using var zip = new GZipStream(File.OpenRead(Path), CompressionMode.Decompress);
        await using var tar = new TarReader(zip);
        List<(string, string)> entries = [];
        while (await tar.GetNextEntryAsync(cancellationToken: TestContext.Current.CancellationToken) is { } entry)
            entries.Add((entry.Name, await new StreamReader(entry.DataStream!).ReadToEndAsync(TestContext.Current.CancellationToken)));
        Assert.Equal([("vibepn-bundle/about.txt", "vibepnd: 1\n"), ("vibepn-bundle/log.txt", "line\n")], entries);
    }

    [Fact]
    public async Task Redaction_is_asked_of_the_daemon()
    {
        await using var daemon = new FakeDaemon(_ => $$"""{"status":"ok","output":{{Files}}}""" + "\n");
        Outcome outcome = daemon.Vpnctl("bundle", "--redact", "--json", "--out", Path);
        Assert.Equal("""{"cmd":"bundle.create","redact":true}""", daemon.Requests.Single());
        Assert.Equal($$"""
            {
              "files": [
                "about.txt",
                "log.txt"
              ],
              "path": "{{Path}}",
              "redacted": true
            }

            """, outcome.Out);
    }

    [Fact]
    public async Task A_file_that_exists_is_not_replaced()
    {
        await File.WriteAllTextAsync(Path, "precious", TestContext.Current.CancellationToken);
        await using FakeDaemon daemon = FakeDaemon.Answering("bundle.create", Files);
        Outcome outcome = daemon.Vpnctl("bundle", "--out", Path);
        Assert.Contains("Name another file with --out.", outcome.Error, StringComparison.Ordinal);
        Assert.Equal((1, "precious"), (outcome.ExitCode, await File.ReadAllTextAsync(Path, TestContext.Current.CancellationToken)));
    }

    [Theory]
    [InlineData("../x")]
    [InlineData("/etc/x")]
    [InlineData(".x")]
    [InlineData("")]
    public async Task No_file_is_unpacked_elsewhere(string name)
    {
        await using FakeDaemon daemon = FakeDaemon.Answering("bundle.create", $$"""[{"name":"{{name}}","text":""}]""");
        Assert.Contains("impossible name", daemon.Vpnctl("bundle", "--out", Path).Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Path));
    }
}
