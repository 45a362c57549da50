using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using VibePN.Host.Control;
using VibePN.Host.Running;

namespace VibePN.Host.Tests.Running;

public sealed class ServiceManagerTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Readiness_reaches_a_socket_with_or_without_a_file(bool isAbstract)
    {
        using var socket = new NotifySocket(isAbstract);
        using ServiceManager manager = socket.Open();
        manager.Ready("2 of 3 peers up.");
        Assert.Equal(["READY=1", "STATUS=2 of 3 peers up."], socket.Next());
    }

    [Fact]
    public void A_reload_says_when_it_began_on_the_clock_that_the_manager_uses()
    {
        using var socket = new NotifySocket();
        using ServiceManager manager = socket.Open();
        long before = Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000);
        manager.Reloading();
        string[] message = socket.Next();
        Assert.Equal("RELOADING=1", message[0]);
        Assert.StartsWith("MONOTONIC_USEC=", message[1], StringComparison.Ordinal);
        long told = long.Parse(message[1].Split('=')[1], CultureInfo.InvariantCulture);
        Assert.InRange(told, before, Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000));
    }

    [Fact]
    public void A_status_is_one_line_whatever_is_in_it()
    {
        using var socket = new NotifySocket();
        using ServiceManager manager = socket.Open();
        manager.Alive("a\nWATCHDOG=1\rb" + new string('x', 1_000));
        string line = Assert.Single(socket.Next());
        Assert.StartsWith("STATUS=a WATCHDOG=1 bxxx", line, StringComparison.Ordinal);
        Assert.Equal("STATUS=".Length + 256, line.Length);
    }

    [Theory]
    [InlineData("20000000", null, 20.0)]
    [InlineData("20000000", "own", 20.0)]
    [InlineData("20000000", "1", null)]
    [InlineData("0", null, null)]
    [InlineData("-5", null, null)]
    [InlineData("9223372036854775807", null, null)]
    [InlineData("soon", null, null)]
    [InlineData(null, null, null)]
    public void The_watchdog_counts_when_it_is_meant_for_this_process(string? microseconds, string? pid, double? seconds)
    {
        string? own = pid == "own" ? Environment.ProcessId.ToString(CultureInfo.InvariantCulture) : pid;
        using var manager = ServiceManager.FromEnvironment(name => name switch
        {
            "NOTIFY_SOCKET" => "/nowhere",
            "WATCHDOG_USEC" => microseconds,
            "WATCHDOG_PID" => own,
            _ => null,
        });
        Assert.Equal(seconds, manager.Watchdog?.TotalSeconds);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("vsock:2:1234")]
    [InlineData("relative")]
    public void Without_a_manager_nothing_is_said(string? address)
    {
        using var manager = ServiceManager.FromEnvironment(name => name == "NOTIFY_SOCKET" ? address : null);
        Assert.False(manager.IsPresent);
        manager.Ready("");
    }

    [Fact]
    public void A_manager_that_does_not_listen_is_no_failure()
    {
        using var tooLong = ServiceManager.FromEnvironment(name => name == "NOTIFY_SOCKET" ? "/" + new string('x', 300) : null);
        Assert.False(tooLong.IsPresent);
        using var gone = ServiceManager.FromEnvironment(name => name == "NOTIFY_SOCKET" ? "/nowhere/notify" : null);
        Assert.True(gone.IsPresent);
        gone.Ready("");
        gone.Dispose();
        gone.Stopping();
    }

    [Fact]
    public async Task A_daemon_tells_of_its_start_and_of_each_reload_even_a_refused_one()
    {
        using var socket = new NotifySocket();
        using ServiceManager manager = socket.Open(TimeSpan.FromSeconds(2));
        await using var bench = new DaemonBench { Manager = manager };
        await bench.StartAsync();
        Assert.Equal("READY=1", socket.Next()[0]);
        Assert.Contains("STATUS=0 of 2 peers up, 2 of 2 networks open.", socket.NextWith("WATCHDOG=1"));

        await bench.ReloadAsync();
        socket.NextWith("RELOADING=1");
        Assert.Contains("STATUS=Reloaded.", socket.NextWith("READY=1"));

        bench.WriteConfig("mtu = 1380", "mtu = 3");
        ReloadOutcome refused = await bench.ReloadAsync();
        Assert.NotEqual("", refused.Text);
        socket.NextWith("RELOADING=1");
        Assert.Contains(socket.NextWith("READY=1"), line =>
            line.StartsWith("STATUS=Reload refused, nothing changed: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_real_daemon_says_ready_and_later_that_it_stops()
    {
        using var socket = new NotifySocket();
        using var daemon = new DaemonProcess { NotifySocket = socket.Address };
        daemon.Start();
        socket.NextWith("READY=1");
        daemon.Signal("TERM");
        socket.NextWith("STOPPING=1");
        Assert.Equal(0, await daemon.ExitAsync());
    }
}
