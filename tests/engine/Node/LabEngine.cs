using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Events;
using VibePN.Engine.Tests.Packets;
using VibePN.Engine.Tests.Time;
using VibePN.Testkit;

namespace VibePN.Engine.Tests.Node;

/// <summary>One node of a <see cref="NodeLab"/>: its plugins live as long as one run of the engine, its identity and store longer.</summary>
internal sealed class LabEngine : IAsyncDisposable
{
    private readonly MemoryWire _wire;
    private readonly LabContext _context;
    private readonly Meter _meter = new("lab");
    private bool _started;

    public LabEngine(MemoryWire wire, int number)
    {
        _wire = wire;
        _context = new LabContext(Clock);
        Number = number;
        Identity = NodeLab.MakeIdentity(Name);
        Configuration = new EngineConfiguration
        {
            Identity = Identity,
            Listen = [NodeLab.AddressOf(number)],
            Peers = [],
            Networks = [NodeLab.Network("corp", 42, number), NodeLab.Network("lab", 43, number)],
            Sessions = new SessionConfiguration { RestartHold = TimeSpan.Zero }, // a test that holds routes says so
        };
    }

    public int Number { get; }

    public string Name => $"node{Number}";

    public NodeIdentity Identity { get; }

    public EngineConfiguration Configuration { get; set; }

    public OverlayEngine Engine { get; private set; } = null!;

    public MemoryTransport Transport { get; private set; } = null!;

    public FakeTunPlugin Tun { get; private set; } = null!;

    public LabTrust Trust { get; private set; } = null!;

    /// <summary>Prepares the TUN plugin of each run.</summary>
    public Action<FakeTunPlugin>? OnTunMade { get; set; }

    /// <summary>Prepares the trust plugin of each run.</summary>
    public Action<LabTrust>? OnTrustMade { get; set; }

    /// <summary>What happened in the present run.</summary>
    public EventRing Events { get; private set; } = null!;

    /// <summary>Keeps invites; nobody does by default.</summary>
    public IJoinAuthority? Joining { get; set; }

    public LabPolicy Policy { get; private set; } = null!;

    /// <summary>The machine's clock, which can be set wrong.</summary>
    public WrongClock Clock { get; } = new();

    /// <summary>The files of the engine and of the trust plugin.</summary>
    public IPluginStore Store => _context;

    public LabLog Lines { get; } = new();

    public PeerConfiguration AsPeer(params string[] networks) => new()
    {
        Name = Name,
        Addresses = [NodeLab.AddressOf(Number).ToString()],
        Fingerprint = Identity.Fingerprint,
        Networks = networks.Length > 0 ? [.. networks] : ["corp", "lab"],
    };

    public async Task StartAsync()
    {
        Transport = new MemoryTransport(_wire);
        Tun = new FakeTunPlugin();
        OnTunMade?.Invoke(Tun);
        Trust = new LabTrust(_context);
        OnTrustMade?.Invoke(Trust);
        Policy = new LabPolicy(_context);
        await Trust.StartAsync(default);
        await Policy.StartAsync(default);
        Engine = new OverlayEngine(Configuration, new EngineParts
        {
            Transports = [Transport],
            Tun = Tun,
            Routing = Policy,
            Trust = [Trust],
            Loggers = Lines,
            Time = Clock,
            Random = Random.Shared,
            Events = Events = new EventRing(Clock),
            Meter = _meter,
            Store = _context,
            Joining = Joining,
        });
        _started = true;
        await Engine.StartAsync(default);
    }

    public async Task StopAsync()
    {
        if (!_started)
            return;
        _started = false;
        await Engine.DisposeAsync();
        await Transport.StopAsync(default);
        Assert.Empty(Transport.Faults);
    }

    /// <summary>Dies as by kill -9; the rest is only cleaned up.</summary>
    public async Task KillAsync()
    {
        _started = false;
        Transport.Kill();
        await Engine.DisposeAsync();
    }

    public async Task<EngineStatus> StatusAsync() => await Engine.GetStatusAsync(default);

    public async Task<NetworkStatus> NetworkAsync(string name) =>
        (await StatusAsync()).Networks.Single(network => network.Name == name);

    public async Task<IReadOnlyList<string>> ReloadAsync(Func<EngineConfiguration, EngineConfiguration> change)
    {
        Configuration = change(Configuration);
        return await Engine.ReloadAsync(Configuration, default);
    }

    public async Task<EngineStatus> UntilAsync(Func<EngineStatus, bool> condition, string what)
    {
        EngineStatus status = await StatusAsync();
        long start = TimeProvider.System.GetTimestamp();
        while (!condition(status))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(start) < NodeLab.Patience,
                $"{Name} never: {what}. Peers: {string.Join("; ", status.Peers.Select(peer => $"{peer.Name} {peer.State} {peer.Connections} {peer.LastError}"))}. "
                + $"Routes: {string.Join(", ", status.Routes.Select(route => $"{route.Network} {route.Candidate.Prefix} {route.PeerName} {route.Best}"))}.");
            await Task.Delay(5);
            status = await StatusAsync();
        }
        return status;
    }

    public FakeTunDevice Device(string network) => Tun.Device($"vpn-{network}");

    /// <summary>An address of this node.</summary>
    public string Address(string network, bool v6 = false) =>
        (network, v6) switch
        {
            ("corp", false) => $"10.42.0.{Number}",
            ("corp", true) => $"fd42::{Number}",
            (_, false) => $"10.43.0.{Number}",
            _ => $"fd43::{Number}",
        };

    /// <summary>Sends a packet to another node's kernel and waits until it is there.</summary>
    public async Task SendAsync(LabEngine to, string network, bool v6 = false, string? destination = null)
    {
        ushort mark = LabMarks.Next();
        byte[] packet = TestPackets.Udp(Address(network, v6), destination ?? to.Address(network, v6), sourcePort: mark);
        Device(network).Arrive(packet);
        bool HasArrived() => to.Device(network).Written.Any(written => written.SequenceEqual(packet));
        try
        {
            await NodeLab.UntilAsync(HasArrived, $"packet from {Name} to {to.Name} in {network}, v6 {v6}");
        }
        catch (Xunit.Sdk.XunitException) when (!HasArrived())
        {
            Assert.Fail($"A packet from {Name} to {to.Name} in {network}, v6 {v6}, never arrived. "
                + $"Dropped: {await DropsAsync(network)}, {await to.DropsAsync(network)}.");
        }
    }

    private async Task<string> DropsAsync(string network) =>
        $"{Name} [{string.Join(", ", (await NetworkAsync(network)).Drops.Select(drop => $"{drop.Key} {drop.Value}"))}]";

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _meter.Dispose();
    }
}

/// <summary>Numbers that tell packets apart.</summary>
internal static class LabMarks
{
    private static int s_last;

    public static ushort Next() => (ushort)Interlocked.Increment(ref s_last);
}

/// <summary>Keeps every line that a node logs.</summary>
internal sealed class LabLog : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<(LogLevel Level, string Text)> _lines = new();

    public IEnumerable<string> From(LogLevel level) => _lines.Where(line => line.Level >= level).Select(line => line.Text);

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue((logLevel, formatter(state, exception)));

    public void Dispose()
    {
    }
}
