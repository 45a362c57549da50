using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using VibePN.System.Tests.Lab;

namespace VibePN.System.Tests;

/// <summary>Starts that cannot succeed: one sentence, the right exit status, and nothing left behind.</summary>
public sealed partial class FailedStartTests : IAsyncLifetime
{
    private const int Unavailable = 69;
    private const int NoPrivilege = 77;
    private const int BadConfiguration = 78;

    private MeshLab? _lab;

    private MeshLab Lab => _lab ?? throw new InvalidOperationException("The lab was not made.");

    private Node One => Lab.Nodes[0];

    private Node Two => Lab.Nodes[1];

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        _lab = await MeshLab.CreateAsync(nodes: 2);
        One.Configure(MeshLab.Dialled(Two));
        Two.Configure(MeshLab.Dialled(One));
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _lab?.Dispose();
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData("export = true", "export = true and more", "")]
    [InlineData("[control]", "[kontrol]", "control")]
    [InlineData("export = true", "exprot = true", "export")]
    [InlineData("export = true", "export = \"yes\"", "export")]
    [InlineData("10.42.0.0/24", "10.42.0.0/33", "10.42.0.0/33")]
    [InlineData("10.42.0.0/24", "10.42.1.0/24", "10.42.0.1")]
    [InlineData("networks = [\"corp\", \"lab\"]", "networks = [\"corq\"]", "corq")]
    [InlineData("name = \"node2\"", "nane = \"node2\"", "name")]
    [InlineData("address = \"192.0.2.2:51820\"", "address = \"192.0.2.2:99999\"", "192.0.2.2:99999")]
    [InlineData("listen = [\"0.0.0.0:51820\"", "listen = [\"0.0.0.0\"", "listen")]
    public async Task A_mistake_in_the_configuration_is_named_with_its_place(string right, string wrong, string named)
    {
        string text = File.ReadAllText(One.ConfigPath);
        Assert.Contains(right, text, StringComparison.Ordinal);
        One.WriteConfig(text.Replace(right, wrong, StringComparison.Ordinal));

        await AssertFailsAsync(BadConfiguration, await One.RunDaemonAsync(), $@"config\.toml\(\d+,\d+\).*{Regex.Escape(named)}");
        ToolResult check = await One.RunDaemonAsync(null, "--check");
        Assert.Equal(BadConfiguration, check.ExitCode);
    }

    [Fact]
    public async Task All_mistakes_are_named_at_once()
    {
        string text = File.ReadAllText(One.ConfigPath)
            .Replace("export = true", "exprot = true", StringComparison.Ordinal)
            .Replace("[control]", "[kontrol]", StringComparison.Ordinal)
            .Replace("10.42.0.0/24", "10.42.0.0/99", StringComparison.Ordinal);
        One.WriteConfig(text);
        ToolResult result = await One.RunDaemonAsync();
        Assert.Equal(BadConfiguration, result.ExitCode);
        Assert.True(Places().Count(result.Text) >= 4, result.Text); // one key, one table, two networks' exports
    }

    [Fact]
    public async Task A_duplicate_peer_is_refused()
    {
        One.Configure(MeshLab.Dialled(Two), MeshLab.Dialled(Two));
        await AssertFailsAsync(BadConfiguration, await One.RunDaemonAsync(), "node2");
    }

    [Fact]
    public async Task The_own_fingerprint_as_a_peer_is_refused()
    {
        One.Configure(new PeerLine("node2", One.Fingerprint, "192.0.2.2:51820"));
        await AssertFailsAsync(BadConfiguration, await One.RunDaemonAsync(), "own");
    }

    [Fact]
    public async Task An_identity_that_is_not_the_configured_one_is_refused()
    {
        One.WriteConfig(File.ReadAllText(One.ConfigPath).Replace(One.Fingerprint, new string('a', 64), StringComparison.Ordinal));
        await AssertFailsAsync(BadConfiguration, await One.RunDaemonAsync(), One.Fingerprint);
    }

    [Fact]
    public async Task A_missing_configuration_file_is_named()
    {
        File.Delete(One.ConfigPath);
        await AssertFailsAsync(BadConfiguration, await One.RunDaemonAsync(), Regex.Escape(One.ConfigPath));
    }

    [Fact]
    public async Task A_missing_plugin_folder_is_named()
    {
        string manifest = File.ReadAllText(Lab.Distribution.Manifest);
        File.WriteAllText(Lab.Distribution.Manifest, manifest.Replace("plugins/routing-lpm", "plugins/routing-none", StringComparison.Ordinal));
        await AssertFailsAsync(BadConfiguration, await One.RunDaemonAsync(), @"plugins\.toml\(\d+,\d+\).*routing-none");
    }

    [Fact]
    public async Task A_plugin_with_another_hash_is_refused()
    {
        string manifest = File.ReadAllText(Lab.Distribution.Manifest);
        File.WriteAllText(Lab.Distribution.Manifest, manifest.Replace(
            "path = \"plugins/trust-tofu\"", $"path = \"plugins/trust-tofu\"\nsha256 = [\"{new string('a', 64)}\"]", StringComparison.Ordinal));
        await AssertFailsAsync(BadConfiguration, await One.RunDaemonAsync(), "VPN1103.*trust-tofu");
    }

    [Fact]
    public async Task A_plugin_folder_that_others_may_write_is_refused()
    {
        string folder = Path.Combine(Lab.Distribution.Folder, "plugins", "trust-tofu");
        File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.OtherWrite);
        await AssertFailsAsync(BadConfiguration, await One.RunDaemonAsync(), "trust-tofu");
    }

    [Fact]
    public async Task Check_says_that_a_good_configuration_is_good_and_starts_nothing()
    {
        ToolResult result = (await One.RunDaemonAsync(null, "--check")).Succeeded();
        Assert.NotEmpty(result.Output.Trim());
        await AssertNothingLeftAsync();
    }

    [Fact]
    public async Task Without_privilege_one_sentence_says_what_is_missing()
    {
        OpenFor("nobody");
        ToolResult result = await One.RunDaemonAsync(
            ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--bounding-set", "-all"]);
        await AssertFailsAsync(NoPrivilege, result, "CAP_NET_ADMIN");
    }

    [Fact]
    public async Task A_port_in_use_is_named()
    {
        One.Start();
        await Wait.ForAsync(Node.Patience, "the daemon to run", async () => await One.AskAsync("status") is not null, () => One.Log);
        string[] devices = await One.OverlayDevicesAsync();
        string second = Path.Combine(One.Folder, "second.toml");
        // Only the port is shared with the first: another socket, other networks on other subnets, no metrics.
        File.WriteAllText(second, File.ReadAllText(One.ConfigPath)
            .Replace("vibepn.sock", "second.sock", StringComparison.Ordinal)
            .Replace($"{One.Folder}/state", $"{One.Folder}/state2", StringComparison.Ordinal)
            .Replace("10.42.0.", "10.43.0.", StringComparison.Ordinal)
            .Replace("10.99.0.", "10.98.0.", StringComparison.Ordinal)
            .Replace("fd5a:1c3e:77:", "fd5a:1c3e:87:", StringComparison.Ordinal)
            .Replace("fd5a:1c3e:78:", "fd5a:1c3e:88:", StringComparison.Ordinal)
            .Replace("[networks.corp]", "[networks.corp2]", StringComparison.Ordinal)
            .Replace("[networks.lab]", "[networks.lab2]", StringComparison.Ordinal)
            .Replace("[\"corp\", \"lab\"]", "[\"corp2\", \"lab2\"]", StringComparison.Ordinal)
            .Replace("[control]", "[metrics]\nlisten = \"\"\n\n[control]", StringComparison.Ordinal));
        File.SetUnixFileMode(second, UnixFileMode.UserRead | UnixFileMode.UserWrite);

        ToolResult result = await Tool.RunAsync(Node.Patience, "ip", "netns", "exec", One.Namespace.Name,
            Lab.Distribution.Daemon, "--config", second, "--plugins", Lab.Distribution.Manifest);

        Assert.True(result.ExitCode == Unavailable, result.Text);
        Assert.Matches("51820", Assert.Single(Errors(result)));
        Assert.Equal(devices, await One.OverlayDevicesAsync());
        Assert.NotNull(await One.AskAsync("status"));
    }

    [Fact]
    public async Task A_second_daemon_on_the_same_socket_is_refused_and_the_first_goes_on()
    {
        One.Start();
        await Wait.ForAsync(Node.Patience, "the daemon to run", async () => await One.AskAsync("status") is not null, () => One.Log);
        ToolResult result = await One.RunDaemonAsync();
        Assert.True(result.ExitCode == Unavailable, result.Text);
        Assert.Single(Errors(result));
        Assert.NotNull(await One.AskAsync("status"));
        Assert.Equal(2, (await One.OverlayDevicesAsync()).Length);
    }

    [Fact]
    public async Task A_device_name_that_is_taken_is_named()
    {
        One.Start();
        JsonElement? networks = null;
        await Wait.ForAsync(Node.Patience, "the daemon to run", async () =>
            (networks = await One.AskAsync("networks")) is { ValueKind: JsonValueKind.Array }, () => One.Log);
        string device = networks!.Value[0].GetProperty("device").GetString()!;
        Assert.Equal(0, await One.TerminateAsync());
        One.Namespace.Exec("ip", "link", "add", device, "type", "bridge");

        ToolResult result = await One.RunDaemonAsync();

        Assert.True(result.ExitCode is Unavailable or NoPrivilege, result.Text);
        Assert.Contains(device, Assert.Single(Errors(result)), StringComparison.Ordinal);
        Assert.Equal([device], await One.OverlayDevicesAsync());
        Assert.False(File.Exists(One.Socket));
    }

    [Fact]
    public async Task An_unknown_option_is_a_usage_error()
    {
        ToolResult result = await One.RunDaemonAsync(null, "--cofnig");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("--cofnig", result.Error, StringComparison.Ordinal);
    }

    private async Task AssertFailsAsync(int exitCode, ToolResult result, string sentence)
    {
        Assert.True(result.ExitCode == exitCode, result.Text);
        Assert.Matches(new Regex(sentence, RegexOptions.IgnoreCase), result.Text);
        Assert.DoesNotContain("   at ", result.Text, StringComparison.Ordinal); // no stack trace
        await AssertNothingLeftAsync();
    }

    private async Task AssertNothingLeftAsync()
    {
        Assert.Empty(await One.OverlayDevicesAsync());
        Assert.False(File.Exists(One.Socket));
    }

    // What went wrong, without the ordinary log.
    private static string[] Errors(ToolResult result) => [.. result.Text.Split('\n').Skip(2)
        .Where(line => line.Length > 0 && !OrdinaryLine().IsMatch(line))];

    // The files are made for root; the unprivileged daemon is to fail for want of privilege, not of files.
    private void OpenFor(string user)
    {
        foreach (string path in (string[])[One.Folder, Lab.Distribution.Folder])
            One.Namespace.Exec("chown", "-R", user, path);
    }

    [GeneratedRegex(@"\.toml\(\d+,\d+\): error")]
    private static partial Regex Places();

    [GeneratedRegex(@"^\[\S+Z\] (DEBUG|INFO |WARN ) \[")]
    private static partial Regex OrdinaryLine();
}
