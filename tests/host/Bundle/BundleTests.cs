using System.Collections.Immutable;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Contracts;
using VibePN.Host.Bundle;
using VibePN.Host.Control;
using VibePN.Host.Tests.Running;

namespace VibePN.Host.Tests.Bundle;

public sealed class BundleTests
{
    private static readonly string[] Private =
        ["node2", "node3", "corp", "lab", "203.0.113.2", "10.42.0", "10.43.0", "192.168.7.0", "fd43", new string('2', 64), new string('3', 64)];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_bundle_has_every_file_and_shows_no_more_than_asked(bool redact)
    {
        await using var bench = new DaemonBench();
        await bench.StartAsync();
        var methods = new ControlMethods(bench.Daemon, _ => { }, NullLogger.Instance);
        ControlReply reply = await CallAsync(methods, $$"""{"redact":{{(redact ? "true" : "false")}}}""");
        Assert.Equal("", reply.Message);
        Dictionary<string, string> files = reply.Result.EnumerateArray()
            .ToDictionary(file => file.GetProperty("name").GetString()!, file => file.GetProperty("text").GetString()!);
        Assert.Equal(BundleMaker.Names, files.Keys);
        Assert.All(files, file => Assert.NotEmpty(file.Value.Trim()));
        Assert.Contains("PASS 1) config parse/load: ", files["doctor.txt"], StringComparison.Ordinal);
        Assert.Contains("\"health\"", files["status.json"], StringComparison.Ordinal);
        Assert.All(files.Values, text => Assert.DoesNotContain("PRIVATE KEY", text, StringComparison.Ordinal));

        string node = bench.Daemon.Node.ToString();
        foreach (string word in Private.Append(node))
        {
            if (redact)
                Assert.All(files, file => Assert.False(file.Value.Contains(word, StringComparison.OrdinalIgnoreCase), $"{file.Key} shows {word}: {file.Value}"));
            else
                Assert.Contains(files.Values, text => text.Contains(word, StringComparison.OrdinalIgnoreCase));
        }
        if (redact)
            Assert.All(["peers.json", "config.toml"], name => Assert.Contains("peer-1", files[name], StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_dry_run_names_the_files()
    {
        await using var bench = new DaemonBench();
        await bench.StartAsync();
        ControlReply reply = await CallAsync(new ControlMethods(bench.Daemon, _ => { }, NullLogger.Instance), """{"dry_run":true}""");
        Assert.Equal(BundleMaker.Names, reply.Result.EnumerateArray().Select(file => file.GetProperty("name").GetString()));
        Assert.All(reply.Result.EnumerateArray(), file => Assert.Equal("", file.GetProperty("text").GetString()));
    }

    [Fact]
    public void Without_a_daemon_there_are_the_files()
    {
        using var bench = new Doctor.DoctorBench();
        ImmutableArray<BundleFile> files = new BundleMaker(bench.Line, redact: true).MakeOffline();
        Assert.Equal(["about.txt", "doctor.txt", "config.toml", "plugins.toml", "interfaces.txt"], files.Select(file => file.Name));
        Assert.Contains("name = \"peer-1\"", files[2].Text, StringComparison.Ordinal);
        foreach (string word in new[] { "node2", "corp", "203.0.113.2", bench.Identity.Fingerprint.ToString() })
            Assert.All(files, file => Assert.DoesNotContain(word, file.Text, StringComparison.Ordinal));

        bench.Edit("state = \"state\"", "state = \"state");
        Assert.All(new BundleMaker(bench.Line, redact: true).MakeOffline(), file => Assert.DoesNotContain("node2", file.Text, StringComparison.Ordinal));
        Assert.Contains("node2", new BundleMaker(bench.Line, redact: false).MakeOffline()[2].Text, StringComparison.Ordinal);
    }

    private static async Task<ControlReply> CallAsync(ControlMethods methods, string parameters)
    {
        var call = new ControlCall("bundle.create", JsonElement.Parse(parameters), new ControlPrincipal(ControlRole.Admin, "uid 0"));
        await foreach (ControlReply reply in methods.InvokeAsync(call, TestContext.Current.CancellationToken))
            return reply;
        throw new InvalidOperationException("no answer");
    }
}
