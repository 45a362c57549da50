using System.Globalization;
using VibePN.System.Tests.Lab;

namespace VibePN.System.Tests;

/// <summary>What may be done to a running daemon's files without harm.</summary>
public sealed class RunningTests : IAsyncLifetime
{
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
        One.Start();
        Two.Start();
        await Task.WhenAll(One.JoinedAsync(Two), Two.JoinedAsync(One));
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _lab?.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Plugin_folders_overwritten_in_place_do_not_harm_the_running_daemon()
    {
        Task<Ping> traffic = One.PingAsync(NodeConfig.Address("corp", 2, v6: false), count: 400);
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Lab.Distribution.Folder, "plugins"), "*", SearchOption.AllDirectories))
        {
            // The file keeps its inode, as with cp: whoever had mapped it now reads zeros or gets SIGBUS.
            using FileStream open = File.Open(file, FileMode.Open, FileAccess.Write);
            open.SetLength(0);
            open.Write(new byte[1024]);
        }
        (await traffic).AssertAllAnswered(400);
        (await One.ClientAsync("routes")).Succeeded();
        (await One.ClientAsync("goodbye")).Succeeded();
        await Wait.ForAsync(Node.Patience, "the session to come back", async () =>
            await One.IsUpAsync(Two) && (await One.PingAsync(NodeConfig.Address("corp", 2, v6: false), 1)).Answered.Count == 1, () => Lab.AllLogs);
        Assert.Equal(0, await One.TerminateAsync());
    }

    [Fact]
    public async Task Reload_of_an_invalid_file_changes_nothing_and_names_every_mistake()
    {
        string good = File.ReadAllText(One.ConfigPath);
        string routes = (await One.AskAsync("routes"))!.Value.GetArrayLength().ToString(CultureInfo.InvariantCulture);
        Task<Ping> traffic = One.PingAsync(NodeConfig.Address("corp", 2, v6: false), count: 400);
        One.WriteConfig(good
            .Replace("export = true", "exprot = true", StringComparison.Ordinal)
            .Replace("10.99.0.0/24", "10.99.0.0/77", StringComparison.Ordinal));

        ToolResult result = await One.ClientAsync("reload");

        Assert.True(result.ExitCode == 4, result.Text);
        Assert.Contains("exprot", result.Error, StringComparison.Ordinal);
        Assert.Contains("10.99.0.0/77", result.Error, StringComparison.Ordinal);
        (await traffic).AssertAllAnswered(400);
        Assert.Equal(routes, (await One.AskAsync("routes"))!.Value.GetArrayLength().ToString(CultureInfo.InvariantCulture));

        One.WriteConfig(good);
        (await One.ClientAsync("reload")).Succeeded();
        (await One.PingAsync(NodeConfig.Address("lab", 2, v6: true), count: 50)).AssertAllAnswered(50);
    }

    [Fact]
    public async Task Reload_of_the_same_file_loses_no_packet()
    {
        Task<Ping> traffic = One.PingAsync(NodeConfig.Address("corp", 2, v6: false), count: 400);
        for (int i = 0; i < 3; i++)
            (await One.ClientAsync("reload")).Succeeded();
        (await traffic).AssertAllAnswered(400);
    }

    [Fact]
    public async Task The_client_says_when_no_daemon_answers()
    {
        ToolResult result = await Tool.RunAsync(Node.Patience, Lab.Distribution.Client, "--socket", "/run/vibepn-test.none.sock", "status");
        Assert.Equal(3, result.ExitCode);
        Assert.Contains("/run/vibepn-test.none.sock", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_command_is_a_usage_error_with_a_suggestion()
    {
        ToolResult result = await One.ClientAsync("stauts");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("status", result.Error, StringComparison.Ordinal);
    }
}
