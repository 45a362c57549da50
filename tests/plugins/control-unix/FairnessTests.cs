using System.Text.Json;

namespace VibePN.Plugins.ControlUnix.Tests;

/// <summary>Who gets one of the places when there are not enough. These connect as another user, so they need root.</summary>
public sealed class FairnessTests
{
    private const string Status = """{"v":1,"id":1,"method":"status"}""";

    [Fact]
    public async Task Viewers_cannot_take_the_places_kept_for_admins()
    {
        await using ControlFixture control = await WithViewersAsync();
        List<Client> viewers = AsViewer(control, 16, """{"v":1,"id":1,"method":"hang"}""");
        await ControlFixture.UntilAsync(() => control.Methods.Calls == 12);
        using var admin = new Client(control);
        Assert.Contains("\"ok\":true", admin.Ask(Status), StringComparison.Ordinal);
        Assert.Equal(13, control.Methods.Calls);
        viewers.ForEach(each => each.Dispose());
    }

    [Fact]
    public async Task A_viewer_who_waited_in_vain_is_told()
    {
        await using ControlFixture control = await WithViewersAsync(s => s["answer_timeout"] = TimeSpan.FromSeconds(30));
        List<Client> viewers = AsViewer(control, 12, """{"v":1,"id":1,"method":"hang"}""");
        await ControlFixture.UntilAsync(() => control.Methods.Calls == 12);
        List<Client> late = AsViewer(control, 1, """{"v":1,"id":1,"method":"status","deadline_ms":150}""");
        Assert.Contains("\"code\":\"unavailable\",\"message\":\"none of the 16 places for clients became free in time\"",
            late[0].Read(), StringComparison.Ordinal);
        viewers.ForEach(each => each.Dispose());
        late[0].Dispose();
    }

    [Fact]
    public async Task Streams_leave_places_for_questions()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        List<Client> streams = [];
        for (int i = 0; i < 12; i++)
        {
            streams.Add(new Client(control));
            Assert.Contains("\"event\"", streams[i].Ask("""{"v":1,"id":1,"method":"ticks"}"""), StringComparison.Ordinal);
        }
        using var late = new Client(control);
        Assert.Contains("\"code\":\"unavailable\",\"message\":\"streams have taken all the places they may\"",
            late.Ask("""{"v":1,"id":1,"method":"ticks"}"""), StringComparison.Ordinal);
        Assert.Contains("\"ok\":true", late.Ask(Status), StringComparison.Ordinal);
        Assert.Contains("\"event\"", streams[0].Ask("""{"v":1,"id":2,"method":"ticks"}"""), StringComparison.Ordinal);
        streams.ForEach(each => each.Dispose());
    }

    [Fact]
    public async Task A_stream_that_nobody_reads_gives_up_its_place()
    {
        await using ControlFixture control = await ControlFixture.StartAsync(s => s["max_connections"] = 1L);
        using var deaf = new Client(control);
        deaf.Send("""{"v":1,"id":1,"method":"flood"}""");
        await ControlFixture.UntilAsync(() => control.Methods.Calls == 1);
        using var other = new Client(control);
        Assert.Contains("\"ok\":true", other.Ask(Status), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_viewer_s_stream_makes_room_for_an_admin_and_is_told()
    {
        await using ControlFixture control = await WithViewersAsync(s => s["max_connections"] = 1L);
        List<Client> viewers = AsViewer(control, 1, """{"v":1,"id":1,"method":"hush"}""");
        await ControlFixture.UntilAsync(() => control.Methods.Calls == 1);
        using var admin = new Client(control);
        Assert.Contains("\"ok\":true", admin.Ask(Status), StringComparison.Ordinal);
        JsonElement last = JsonElement.Parse(viewers[0].Read()!);
        Assert.Equal("the daemon is busy and needed this place for another client",
            last.GetProperty("error").GetProperty("message").GetString());
        viewers[0].Dispose();
    }

    [Fact]
    public async Task Idle_connections_need_no_place_and_go_on()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        List<Client> idle = [];
        for (int i = 0; i < 80; i++)
        {
            idle.Add(new Client(control));
            Assert.Contains("\"ok\":true", idle[i].Ask(Status), StringComparison.Ordinal);
        }
        Assert.All(idle, each => Assert.Contains("\"ok\":true", each.Ask(Status), StringComparison.Ordinal));
        idle.ForEach(each => each.Dispose());
    }

    private static async Task<ControlFixture> WithViewersAsync(Action<Dictionary<string, object>>? settings = null)
    {
        ControlFixture control = await ControlFixture.StartAsync(s =>
        {
            s["mode"] = "0666";
            s["viewer_uids"] = new[] { "4001" };
            settings?.Invoke(s);
        });
        control.OpenDirectories();
        return control;
    }

    private static List<Client> AsViewer(ControlFixture control, int count, string request)
    {
        List<Client> clients = [];
        AsUser.Run(4001, [], () =>
        {
            for (int i = 0; i < count; i++)
            {
                clients.Add(new Client(control));
                clients[i].Send(request);
            }
            return "";
        });
        return clients;
    }
}
