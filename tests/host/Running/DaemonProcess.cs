using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace VibePN.Host.Tests.Running;

/// <summary>A real vibepnd in a process of its own, every role filled by a fake.</summary>
internal sealed class DaemonProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    // What build.sh has made, for measurements: code compiled ahead answers a first question as an operator's does.
    private static readonly string? Published = Environment.GetEnvironmentVariable("VIBEPN_DIST");

    private readonly StringBuilder _output = new();
    private Process? _process;

    /// <summary>Writes an identity, a config.toml and a plugins.toml.</summary>
    public DaemonProcess()
    {
        Identity.Shared.WriteTo(Scratch);
        MetricsPort = FreePort();
        WriteConfig("");
        WritePlugins("fakes", "fake-tun");
    }

    /// <summary>Where everything is.</summary>
    public Scratch Scratch { get; } = new();

    /// <summary>The metrics port.</summary>
    public int MetricsPort { get; }

    /// <summary>Where a service manager listens, or null for none.</summary>
    public string? NotifySocket { get; init; }

    /// <summary>Everything written to both output streams so far.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    /// <summary>Writes config.toml.</summary>
    public void WriteConfig(string more) => Scratch.Write("config.toml", $"""
        listen = ["127.0.0.1:51820"]
        state = "state"
        [identity]
        cert = "node.crt"
        key = "node.key"
        [control]
        socket = "run/control.sock"
        [metrics]
        listen = "127.0.0.1:{MetricsPort}"
        {more}
        """);

    /// <summary>Writes plugins.toml with a TUN plugin of choice.</summary>
    public void WritePlugins(string tunFixture, string tun, string control = "fake-control", string? controlFolder = null)
    {
        Scratch.Install("fakes");
        Scratch.Install(tunFixture);
        Scratch.Write("plugins.toml", $"""
            schema = 1
            plugin = [
              {Entry("fake-trust", "trust", "fakes")},
              {Entry("fake-routing", "routing", "fakes")},
              {Entry(tun, "tun", tunFixture)},
              {Entry("fake-transport", "transport", "fakes")},
              {Entry(control, "control", controlFolder ?? "fakes")},
            ]
            """);
    }

    /// <summary>The folder of a plugin's build that belongs to the daemon that runs.</summary>
    public static string PluginFolder(string name) =>
        Published is null ? Scratch.PluginOutput(name) : Path.Combine(Published, "plugins", name);

    /// <summary>Starts the daemon and returns at once.</summary>
    public void Start(params string[] more)
    {
        var start = new ProcessStartInfo(Published is null ? "dotnet" : Path.Combine(Published, "bin/vibepnd"))
        {
            WorkingDirectory = Scratch.Path,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["NOTIFY_SOCKET"] = NotifySocket;
        if (Published is null)
            start.ArgumentList.Add(typeof(VibePN.Host.Running.ExitCodes).Assembly.Location);
        foreach (string argument in new[] { "--config", "config.toml", "--plugins", "plugins.toml" }.Concat(more))
            start.ArgumentList.Add(argument);
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Append(line.Data);
        _process.ErrorDataReceived += (_, line) => Append(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Waits until the output contains a text.</summary>
    public async Task SeeAsync(string text)
    {
        long began = Stopwatch.GetTimestamp();
        while (!Output.Contains(text, StringComparison.Ordinal))
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < Patience && !(_process!.HasExited && Output.Length == 0),
                $"'{text}' never came: {Output}");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Waits until it has nothing to do: until half a second of its life takes a hundredth of a processor.</summary>
    public async Task RestAsync()
    {
        long began = Stopwatch.GetTimestamp();
        TimeSpan used;
        do
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < Patience, "the daemon never rests");
            used = ProcessorTime();
            await Task.Delay(500, TestContext.Current.CancellationToken);
        }
        while (ProcessorTime() - used > TimeSpan.FromMilliseconds(10));
    }

    /// <summary>The most memory that the process has held, bytes.</summary>
    public long PeakMemory
    {
        get
        {
            _process!.Refresh();
            return _process.PeakWorkingSet64;
        }
    }

    /// <summary>Sends a signal by name.</summary>
    public void Signal(string name)
    {
        using Process kill = Process.Start("kill", ["-" + name, _process!.Id.ToString(null as IFormatProvider)]);
        kill.WaitForExit();
    }

    /// <summary>Waits for the end and returns the exit code.</summary>
    public async Task<int> ExitAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        await _process!.WaitForExitAsync(patience.Token);
        return _process.ExitCode;
    }

    /// <summary>Asks over the Unix socket as vpnctl does.</summary>
    public async Task<string> AskAsync(string command)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(Scratch.At("run/control.sock")), TestContext.Current.CancellationToken);
        await socket.SendAsync(Encoding.UTF8.GetBytes($"{{\"cmd\":\"{command}\"}}\n"), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(new NetworkStream(socket));
        return await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_process is { HasExited: false })
            _process.Kill();
        _process?.WaitForExit();
        _process?.Dispose();
        Scratch.Dispose();
    }

    private TimeSpan ProcessorTime()
    {
        _process!.Refresh();
        return _process.TotalProcessorTime;
    }

    private static string Entry(string name, string role, string path) =>
        $$"""{ name = "{{name}}", role = "{{role}}", path = "{{path}}" }""";

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    private void Append(string? line)
    {
        lock (_output)
            _output.AppendLine(line);
    }
}
