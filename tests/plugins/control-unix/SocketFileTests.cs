using System.Net.Sockets;
using VibePN.Contracts;

namespace VibePN.Plugins.ControlUnix.Tests;

public sealed class SocketFileTests
{
    private const UnixFileMode Mode0660 =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    private const UnixFileMode Mode0750 = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute;

    [Fact]
    public async Task Directory_and_socket_are_made_with_their_modes()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        Assert.Equal(Mode0660, File.GetUnixFileMode(control.Socket));
        Assert.Equal(Mode0750, File.GetUnixFileMode(Path.GetDirectoryName(control.Socket)!));
        Assert.Single(Directory.GetFileSystemEntries(Path.GetDirectoryName(control.Socket)!));
    }

    [Fact]
    public async Task Mode_setting_is_applied()
    {
        await using ControlFixture control = await ControlFixture.StartAsync(s => s["mode"] = "0600");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(control.Socket));
    }

    [Fact]
    public async Task Stop_removes_the_socket_and_closes_clients()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        using Socket idle = control.Connect();
        // Clients are accepted in turn, so after this answer the idle one has its slot.
        control.Ask("""{"cmd":"status"}""");
        await control.StopAsync();
        Assert.False(File.Exists(control.Socket));
        Assert.Empty(Directory.GetFileSystemEntries(Path.GetDirectoryName(control.Socket)!));
        Assert.Contains("the daemon is stopping", ControlFixture.ReadAll(idle), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stop_lets_an_answer_under_way_reach_its_client()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        using Socket client = control.Connect();
        client.Send("{\"cmd\":\"wait\"}"u8);
        Assert.True(SpinWait.SpinUntil(() => control.Methods.Calls == 1, 10_000));
        Task stop = control.StopAsync();
        control.Methods.Release.SetResult();
        await stop;
        Assert.Equal("{\"status\":\"ok\",\"output\":\"released\"}\n", ControlFixture.ReadAll(client));
    }

    [Fact]
    public async Task Stop_does_not_wait_for_a_hanging_method()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        using Socket client = control.Connect();
        client.Send("{\"cmd\":\"hang\"}"u8);
        Assert.True(SpinWait.SpinUntil(() => control.Methods.Calls == 1, 10_000));
        await control.StopAsync();
        Assert.NotNull(ControlFixture.ReadAll(client));
    }

    [Fact]
    public async Task Living_socket_is_not_replaced()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        PluginException error = await Assert.ThrowsAsync<PluginException>(async () =>
        {
            var second = new UnixControl(control.Context);
            await second.StartAsync(CancellationToken.None);
            second.Serve(new ControlOptions { Endpoint = control.Socket }, control.Methods);
        });
        Assert.Equal(PluginFault.Unavailable, error.Fault);
        Assert.Contains("another daemon answers there", error.Message, StringComparison.Ordinal);
        Assert.StartsWith("{\"status\":\"ok\"", control.Ask("""{"cmd":"status"}"""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dead_socket_is_replaced()
    {
        await using var control = new ControlFixture();
        Directory.CreateDirectory(Path.GetDirectoryName(control.Socket)!);
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            // Bound elsewhere and moved, so that disposing it does not remove the file.
            dead.Bind(new UnixDomainSocketEndPoint(control.Socket + ".tmp"));
            File.Move(control.Socket + ".tmp", control.Socket);
        }
        Assert.True(File.Exists(control.Socket));
        await control.ServeAsync();
        Assert.StartsWith("{\"status\":\"ok\"", control.Ask("""{"cmd":"status"}"""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Regular_file_is_not_replaced()
    {
        await using var control = new ControlFixture();
        Directory.CreateDirectory(Path.GetDirectoryName(control.Socket)!);
        await File.WriteAllTextAsync(control.Socket, "precious", TestContext.Current.CancellationToken);
        PluginException error = await Assert.ThrowsAsync<PluginException>(control.ServeAsync);
        Assert.Contains("something that is not a socket is there", error.Message, StringComparison.Ordinal);
        Assert.Equal("precious", await File.ReadAllTextAsync(control.Socket, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Socket_that_replaced_ours_survives_our_stop()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        File.Delete(control.Socket);
        await File.WriteAllTextAsync(control.Socket, "another's", TestContext.Current.CancellationToken);
        await control.StopAsync();
        Assert.True(File.Exists(control.Socket));
    }

    [Fact]
    public async Task Two_daemons_that_start_at_once_do_not_both_win()
    {
        for (int round = 0; round < 20; round++)
        {
            await using ControlFixture control = await ControlFixture.StartAsync();
            string path = control.Socket + "2";
            using var start = new ManualResetEventSlim();
            Task<SocketFile?>[] racers = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
            {
                start.Wait();
                try
                {
                    return SocketFile.Create(path, Mode0660, null);
                }
                catch (PluginException)
                {
                    return null;
                }
            }))];
            start.Set();
            SocketFile?[] made = await Task.WhenAll(racers);
            SocketFile winner = Assert.Single(made, file => file is not null)!;
            winner.Listener.Dispose();
            winner.Remove();
        }
    }

    [Theory]
    [InlineData("relative.sock", "not an absolute file path")]
    [InlineData("/tmp/", "not an absolute file path")]
    [InlineData("/proc/vibepn/x.sock", "could not be opened")]
    public void Impossible_path_is_explained(string path, string cause)
    {
        PluginException error = Assert.Throws<PluginException>(() => SocketFile.Create(path, Mode0660, null));
        Assert.Contains(cause, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Path_longer_than_the_kernel_takes_is_explained()
    {
        PluginException error = Assert.Throws<PluginException>(
            () => SocketFile.Create("/tmp/" + new string('x', 103), Mode0660, null));
        Assert.Contains("the kernel takes 107 bytes, this needs 108", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mode", "0999", "plugins.toml(7,3): 'mode' is '0999'")]
    [InlineData("mode", "1777", "permission bits only")]
    [InlineData("mode", "0060", "a mode its owner can read and write")]
    public async Task Wrong_setting_is_explained_with_its_place(string name, string value, string message)
    {
        await using var control = new ControlFixture();
        control.Context.Values[name] = value;
        PluginException error = await Assert.ThrowsAsync<PluginException>(control.ServeAsync);
        Assert.Equal(PluginFault.Configuration, error.Fault);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Group_that_is_no_number_is_explained()
    {
        await using var control = new ControlFixture();
        control.Context.Values["admin_gids"] = new[] { "wheel" };
        PluginException error = await Assert.ThrowsAsync<PluginException>(control.ServeAsync);
        Assert.Contains("'admin_gids' is 'wheel'; it must be a numeric id", error.Message, StringComparison.Ordinal);
    }
}
