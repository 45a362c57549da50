using System.Formats.Tar;
using System.IO.Compression;
using VibePN.System.Tests.Lab;

namespace VibePN.System.Tests;

/// <summary><c>vpnctl doctor --online</c>, <c>netcheck</c> and <c>bundle</c> beside real daemons.</summary>
public sealed class DoctorTests
{
    [Fact]
    public async Task A_peer_that_is_gone_is_found_and_its_remedy_helps()
    {
        using MeshLab lab = await MeshLab.CreateAsync(nodes: 2);
        (Node one, Node two) = (lab.Nodes[0], lab.Nodes[1]);
        one.Configure(MeshLab.Dialled(two));
        two.Configure(MeshLab.Dialled(one));
        one.Start();
        two.Start();
        await one.JoinedAsync(two);

        ToolResult healthy = await DoctorAsync(lab, one);
        Assert.DoesNotContain("FAIL ", healthy.Output, StringComparison.Ordinal);
        Assert.Equal(20, healthy.Output.Split('\n').Count(line => line.Contains(") ", StringComparison.Ordinal) && char.IsUpper(line[0])));
        Assert.Contains("held by this configuration's own daemon", healthy.Output, StringComparison.Ordinal);
        Assert.Contains("PASS 20) peers reachable: 1 peers up (node2 ", healthy.Output, StringComparison.Ordinal);
        Assert.Equal(0, healthy.ExitCode);

        await two.KillAsync();
        await Wait.ForAsync(Node.Patience, "node1 to notice", async () => !await one.IsUpAsync(two), () => lab.AllLogs);
        ToolResult ill = await DoctorAsync(lab, one);
        Assert.Contains("FAIL 20) peers reachable: peer 'node2' is ", ill.Output, StringComparison.Ordinal);
        Assert.Contains($"  -> see that vibepnd runs on node2, that UDP {two.Underlay}:51820 leads there", ill.Output, StringComparison.Ordinal);
        Assert.Contains("FAIL=1\n", ill.Output, StringComparison.Ordinal);
        Assert.Equal(1, ill.ExitCode);

        two.Start();
        await one.JoinedAsync(two);
        Assert.Contains("PASS 20) ", (await DoctorAsync(lab, one)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_redacted_bundle_shows_nobody()
    {
        using MeshLab lab = await MeshLab.CreateAsync(nodes: 2);
        (Node one, Node two) = (lab.Nodes[0], lab.Nodes[1]);
        one.Configure(MeshLab.Dialled(two));
        two.Configure(MeshLab.Dialled(one));
        one.Start();
        two.Start();
        await one.JoinedAsync(two);

        string seen = (await one.ClientAsync("netcheck")).Succeeded().Output;
        Assert.Contains("UDP socket:   0.0.0.0:51820, buffers ", seen, StringComparison.Ordinal);
        Assert.Matches($"node2 +up +{two.Underlay}:51820 +[0-9.]+ ms +[0-9]+ B", seen);

        string path = Path.Combine(one.Folder, "bundle.tar.gz");
        (await one.ClientAsync("bundle", "--redact", "--out", path)).Succeeded();
        Dictionary<string, string> files = await ReadAsync(path);
        Assert.Equal(14, files.Count);
        string[] secrets =
        [
            "node2", "corp", "lab", one.Fingerprint, two.Fingerprint, two.Fingerprint[..12], one.Underlay, two.Underlay,
            NodeConfig.Address("corp", 1, v6: false), NodeConfig.Address("lab", 2, v6: true), "PRIVATE KEY",
        ];
        foreach ((string name, string text) in files)
        {
            Assert.NotEmpty(text);
            foreach (string secret in secrets)
                Assert.DoesNotMatch($"(?i)(?<![a-z0-9]){secret}(?![a-z0-9])", text);
        }
        Assert.Contains("peer-1 is up at address-", files["vibepn-bundle/log.txt"], StringComparison.Ordinal);
        Assert.Contains("# HELP vibepn_", files["vibepn-bundle/metrics.txt"], StringComparison.Ordinal);
    }

    private static Task<ToolResult> DoctorAsync(MeshLab lab, Node node) => node.InsideAsync(
        lab.Distribution.Client, "doctor", "--config", node.ConfigPath, "--plugins", lab.Distribution.Manifest, "--online");

    private static async Task<Dictionary<string, string>> ReadAsync(string path)
    {
        var files = new Dictionary<string, string>();
        await using var zip = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        await using var tar = new TarReader(zip);
        while (await tar.GetNextEntryAsync() is { } entry)
        {
            using var reader = new StreamReader(entry.DataStream!);
            files.Add(entry.Name, await reader.ReadToEndAsync());
        }
        return files;
    }
}
