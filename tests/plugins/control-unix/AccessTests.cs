namespace VibePN.Plugins.ControlUnix.Tests;

public sealed class AccessTests
{
    private const string Status = """{"cmd":"status"}""";
    private const string Reload = """{"cmd":"reload"}""";

    [Fact]
    public async Task Stranger_is_refused_although_the_mode_lets_him_connect()
    {
        await using ControlFixture control = await OpenToAllAsync();
        string answer = AsUser.Run(65534, [], () => control.Ask(Status));
        Assert.Equal(
            $$"""{"status":"error","error":"not authorised: uid 65534 pid {{Environment.ProcessId}} has no role here"}""" + "\n",
            answer);
        Assert.Equal(0, control.Methods.Calls);
    }

    [Fact]
    public async Task Flood_of_strangers_logs_one_line()
    {
        await using ControlFixture control = await OpenToAllAsync();
        AsUser.Run(65534, [], () =>
        {
            for (int i = 0; i < 200; i++)
                control.Ask(Status);
            return "";
        });
        Assert.Single(control.Context.Lines, line => line.StartsWith("refused", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Mode_keeps_a_stranger_from_connecting()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        control.OpenDirectories();
        string answer = AsUser.Run(65534, [], () =>
        {
            try
            {
                return control.Ask(Status);
            }
            catch (System.Net.Sockets.SocketException error)
            {
                return error.SocketErrorCode.ToString();
            }
        });
        Assert.Equal("AccessDenied", answer);
    }

    [Theory]
    [InlineData("viewer_uids", "4001", false)]
    [InlineData("viewer_gids", "4001", false)]
    [InlineData("viewer_gids", "4777", false)]
    [InlineData("admin_uids", "4001", true)]
    [InlineData("admin_gids", "4777", true)]
    public async Task Listed_user_or_group_has_its_role(string setting, string id, bool mayReload)
    {
        await using ControlFixture control = await OpenToAllAsync(s => s[setting] = new[] { id });
        string look = AsUser.Run(4001, [4777], () => control.Ask(Status));
        string change = AsUser.Run(4001, [4777], () => control.Ask(Reload));
        Assert.StartsWith("{\"status\":\"ok\"", look, StringComparison.Ordinal);
        if (mayReload)
            Assert.StartsWith("{\"status\":\"ok\"", change, StringComparison.Ordinal);
        else
            Assert.Contains("not authorised: 'reload' needs the role admin; uid 4001", change, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Socket_gid_lets_a_group_connect()
    {
        await using ControlFixture control = await ControlFixture.StartAsync(s =>
        {
            s["socket_gid"] = 4777L;
            s["viewer_gids"] = new[] { "4777" };
        });
        control.OpenParentDirectory();
        Assert.StartsWith("{\"status\":\"ok\"",
            AsUser.Run(4001, [4777], () => control.Ask(Status)), StringComparison.Ordinal);
    }

    private static async Task<ControlFixture> OpenToAllAsync(Action<Dictionary<string, object>>? settings = null)
    {
        ControlFixture control = await ControlFixture.StartAsync(s =>
        {
            s["mode"] = "0666";
            settings?.Invoke(s);
        });
        control.OpenDirectories();
        return control;
    }
}
