using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using VibePN.Testkit;

namespace VibePN.System.Tests.Lab;

/// <summary>One node: a namespace with an underlay address, a folder, an identity, and at times a daemon.</summary>
internal sealed class Node : IDisposable
{
    /// <summary>Long enough for a loaded machine, short enough to end a hung run.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly MeshLab _lab;
    private Process? _daemon;
    private int _logged;

    internal Node(MeshLab lab, int number, NetworkNamespace space, string folder)
    {
        _lab = lab;
        Number = number;
        Namespace = space;
        Folder = folder;
        foreach (string part in new[] { folder, Path.Combine(folder, "run"), Path.Combine(folder, "state") })
            Directory.CreateDirectory(part, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>From 1; the last part of every address of the node.</summary>
    public int Number { get; }

    /// <summary>The node's label in the others' configurations.</summary>
    public string Name => string.Create(CultureInfo.InvariantCulture, $"node{Number}");

    /// <summary>Where the node lives.</summary>
    public NetworkNamespace Namespace { get; }

    /// <summary>Its files.</summary>
    public string Folder { get; }

    /// <summary>The control socket.</summary>
    public string Socket => Path.Combine(Folder, "run", "vibepn.sock");

    /// <summary>The configuration file.</summary>
    public string ConfigPath => Path.Combine(Folder, "config.toml");

    /// <summary>Where the daemon's output goes.</summary>
    public string LogPath => Path.Combine(Folder, "vibepnd.log");

    /// <summary>64 hexadecimal digits, known after <see cref="MakeIdentityAsync"/>.</summary>
    public string Fingerprint { get; private set; } = "";

    /// <summary>The address others dial.</summary>
    public string Underlay => string.Create(CultureInfo.InvariantCulture, $"192.0.2.{Number}");

    /// <summary>The IPv6 address others dial.</summary>
    public string Underlay6 => string.Create(CultureInfo.InvariantCulture, $"2001:db8::{Number:x}");

    /// <summary>The daemon's process id.</summary>
    public int ProcessId => _daemon?.Id ?? throw new InvalidOperationException($"{Name} has no daemon.");

    /// <summary>All the daemon has written; empty before its first start.</summary>
    public string Log => File.Exists(LogPath) ? File.ReadAllText(LogPath) : "";

    /// <summary>Key and certificate, as an operator makes them.</summary>
    public async Task MakeIdentityAsync()
    {
        (await Tool.RunAsync(Patience, _lab.Distribution.Client, "init", "--identity-only", "--name", Name,
            "--cert", $"{Folder}/node.crt", "--key", $"{Folder}/node.key")).Succeeded();
        ToolResult answer = await Tool.RunAsync(Patience, _lab.Distribution.Client, "fingerprint", "--cert", $"{Folder}/node.crt");
        Fingerprint = answer.Succeeded().Output.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries)
            .Single(word => word.Length == 64);
    }

    /// <summary>Writes config.toml: this node's standard one with the given peers.</summary>
    public void Configure(params IEnumerable<PeerLine> peers) => WriteConfig(NodeConfig.Text(this, peers));

    /// <summary>Writes config.toml.</summary>
    public void WriteConfig(string text)
    {
        File.WriteAllText(ConfigPath, text);
        File.SetUnixFileMode(ConfigPath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    /// <summary>Starts the daemon in the namespace and does not wait for anything.</summary>
    public void Start()
    {
        Assert.True(_daemon is null or { HasExited: true }, $"{Name} runs already.");
        _daemon?.Dispose();
        _logged = Log.Length - 1;
        // The shell is replaced twice, so the process that is started is the daemon in the end.
        var start = new ProcessStartInfo("sh",
            ["-c", "exec \"$0\" --config \"$1\" --plugins \"$2\" >> \"$3\" 2>&1 < /dev/null",
                _lab.Distribution.Daemon, ConfigPath, _lab.Distribution.Manifest, LogPath]);
        _daemon = Namespace.Start(start);
        _lab.Remember(_daemon.Id);
    }

    /// <summary>Runs the daemon in the foreground, for starts that are to fail.</summary>
    /// <param name="before">What stands before the daemon on the command line, such as setpriv and its options.</param>
    /// <param name="options">More options for the daemon.</param>
    public Task<ToolResult> RunDaemonAsync(string[]? before = null, params string[] options) =>
        Tool.RunAsync(Patience, "ip",
            ["netns", "exec", Namespace.Name, .. before ?? [], _lab.Distribution.Daemon,
                "--config", ConfigPath, "--plugins", _lab.Distribution.Manifest, .. options]);

    /// <summary>Ends the daemon at once, as SIGKILL does.</summary>
    public async Task KillAsync()
    {
        _daemon!.Kill();
        await _daemon.WaitForExitAsync();
    }

    /// <summary>Sends the daemon a signal and does not wait for what it does.</summary>
    /// <param name="signal">Its name without SIG.</param>
    public async Task SignalAsync(string signal) =>
        (await Tool.RunAsync(Patience, "kill", "-" + signal, ProcessId.ToString(CultureInfo.InvariantCulture))).Succeeded();

    /// <summary>Processor time that the daemon has taken so far.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _daemon!.Refresh();
            return _daemon.TotalProcessorTime;
        }
    }

    /// <summary>Whether the daemon that runs now has said that it is ready.</summary>
    public bool IsReady => Log.Length > 0 && Log.LastIndexOf("ready after", StringComparison.Ordinal) > _logged;

    /// <summary>Sends SIGTERM and waits for the end.</summary>
    /// <returns>The exit status.</returns>
    public async Task<int> TerminateAsync()
    {
        await SignalAsync("TERM");
        using var deadline = new CancellationTokenSource(Patience);
        try
        {
            await _daemon!.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"{Name} did not end within {Patience.TotalSeconds} s of SIGTERM.\n{Log}");
        }
        return _daemon.ExitCode;
    }

    /// <summary>Asks the daemon over its socket, in its own protocol; null while it does not answer.</summary>
    public async Task<JsonElement?> AskAsync(string command) =>
        await CallAsync($"{{\"cmd\":\"{command}\"}}") is { } answer && answer.TryGetProperty("output", out JsonElement output)
            ? output : null;

    /// <summary>Sends one request as it stands and returns the whole answer; null while the daemon does not answer.</summary>
    public async Task<JsonElement?> CallAsync(string request)
    {
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            using var deadline = new CancellationTokenSource(Patience);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket), deadline.Token);
            await socket.SendAsync(Encoding.UTF8.GetBytes(request + "\n"), deadline.Token);
            using var stream = new NetworkStream(socket);
            return (await JsonDocument.ParseAsync(stream, default, deadline.Token)).RootElement;
        }
        catch (Exception e) when (e is SocketException or IOException or JsonException or OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>Runs the client against the daemon.</summary>
    public Task<ToolResult> ClientAsync(params string[] arguments) =>
        Tool.RunAsync(Patience, _lab.Distribution.Client, ["--socket", Socket, .. arguments]);

    /// <summary>The entry of one peer in what <c>peers</c> answers; null while there is none.</summary>
    public async Task<JsonElement?> PeerAsync(Node peer)
    {
        if (await AskAsync("peers") is not { ValueKind: JsonValueKind.Array } peers)
            return null;
        foreach (JsonElement entry in peers.EnumerateArray())
        {
            if (entry.GetProperty("name").GetString() == peer.Name)
                return entry;
        }
        return null;
    }

    /// <summary>Whether the session with a peer is up.</summary>
    public async Task<bool> IsUpAsync(Node peer) =>
        await PeerAsync(peer) is { } entry && entry.GetProperty("state").GetString() == "up";

    /// <summary>Waits until this node has a session with, and routes to, each of the others, and packets take them.</summary>
    public Task<TimeSpan> JoinedAsync(params Node[] others) => Wait.ForAsync(
        Patience, $"{Name} to be joined", () => IsJoinedAsync(others), () => $"{Ask("peers")}\n{Ask("routes")}\n{_lab.AllLogs}");

    private string Ask(string command) => $"{Name}, {command}: {AskAsync(command).GetAwaiter().GetResult()}";

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);

    private async Task<bool> IsJoinedAsync(Node[] others)
    {
        foreach (Node other in others)
        {
            if (!await IsUpAsync(other))
                return false;
        }
        if (await AskAsync("routes") is not { ValueKind: JsonValueKind.Array } routes)
            return false;
        // Per other node: its host address in two networks and two families.
        if (!others.All(other => routes.EnumerateArray().Count(route => route.GetProperty("peer_name").GetString() == other.Name) >= 4))
            return false;
        // The control thread answers before it hands the routes to the packet threads, network by network.
        foreach (Node other in others)
        {
            if (!await ReachesAsync(NodeConfig.Address(NodeConfig.Networks[^1], other.Number, v6: true)))
                return false;
        }
        return true;
    }

    /// <summary>Pings from inside the namespace.</summary>
    /// <param name="address">Whom.</param>
    /// <param name="count">How many requests.</param>
    /// <param name="interval">Seconds between two requests.</param>
    /// <param name="options">More options for ping.</param>
    public async Task<Ping> PingAsync(string address, int count, double interval = 0.005, params string[] options)
    {
        // With a deadline ping goes on until so many replies have come. Without one it waits after the last
        // request for twice the longest round trip only, and on a busy machine counts a late reply as lost.
        double deadline = (count * interval * 2) + 3; // a busy machine sends them more slowly
        return Ping.Parse(await Tool.RunAsync(TimeSpan.FromSeconds(deadline + 20), "ip",
            ["netns", "exec", Namespace.Name, "ping", "-n", "-c", Text(count), "-i", Text(interval),
                "-w", Text(Math.Ceiling(deadline)), .. options, address]));
    }

    /// <summary>Whether one ping is answered at once.</summary>
    public async Task<bool> ReachesAsync(string address) =>
        (await InsideAsync("ping", "-q", "-n", "-c", "1", "-W", "0.2", address)).ExitCode == 0;

    /// <summary>Runs a tool inside the namespace, for at most half a minute.</summary>
    public Task<ToolResult> InsideAsync(params string[] command) =>
        Tool.RunAsync(TimeSpan.FromSeconds(30), "ip", ["netns", "exec", Namespace.Name, .. command]);

    /// <summary>Names of the interfaces that are not part of the lab.</summary>
    public async Task<string[]> OverlayDevicesAsync()
    {
        ToolResult links = (await InsideAsync("ls", "/sys/class/net")).Succeeded();
        return [.. links.Output.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries)
            .Where(name => name is not ("lo" or "eth0"))];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_daemon is { HasExited: false })
        {
            _daemon.Kill();
            _daemon.WaitForExit();
        }
        _daemon?.Dispose();
        Namespace.Dispose();
    }
}
