using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Net;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Engine.Configuration;
using VibePN.Host.Configuration;
using VibePN.Host.Control;
using VibePN.Host.Logging;
using VibePN.Host.Plugins;
using VibePN.Host.Running;
using VibePN.Host.Tests.Plugins;
using VibePN.Testkit;

namespace VibePN.Host.Tests.Running;

/// <summary>Three engines on a memory wire, whose routing and trust plugins are really loaded; node 1's can be swapped.</summary>
internal sealed class SwapLab : IAsyncDisposable
{
    /// <summary>What nodes 2 and 3 both announce.</summary>
    public const string Shared = "192.168.7.0/24";

    private readonly MemoryWire _wire = new();
    private readonly List<SwapNode> _nodes = [];

    public SwapNode this[int number] => _nodes[number - 1];

    /// <summary>Starts all three and waits until node 1 knows all routes.</summary>
    /// <param name="more">Prefixes that nodes 2 and 3 announce beside, each half of them.</param>
    public static async Task<SwapLab> StartAsync(int more = 0)
    {
        var lab = new SwapLab();
        for (int number = 1; number <= 3; number++)
            lab._nodes.Add(new SwapNode(lab._wire, number, more / 2));
        foreach (SwapNode node in lab._nodes)
            await node.StartAsync([.. lab._nodes.Where(other => other != node)]);
        await lab[1].UntilAsync(status => status.Routes.Length == 4 + more, "two own addresses, twice the shared prefix, and more");
        return lab;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (SwapNode node in _nodes)
            await node.DisposeAsync();
    }
}

/// <summary>One engine of a <see cref="SwapLab"/>.</summary>
internal sealed class SwapNode(MemoryWire wire, int number, int more) : IAsyncDisposable
{
    private readonly PluginBench _bench = new();
    private readonly Identity _identity = Identity.Make();
    private readonly MemoryTransport _transport = new(wire);
    private readonly FakeTunPlugin _tun = new();
    private readonly Meter _meter = new("lab");
    private DaemonLog _log = null!;
    private PluginSet _plugins = null!;

    public RunningParts Parts { get; private set; } = null!;

    public FakeTunDevice Device => _tun.Device("vpn-corp");

    private static IPEndPoint AddressOf(int node) => new(new IPAddress([192, 0, 2, (byte)node]), 51820);

    public async Task StartAsync(SwapNode[] others)
    {
        string folder = _bench.Scratch.Install("policies");
        _bench.Replace("routing", "policies", "policy-first");
        _bench.Replace("trust", "policies", "trust-picky");
        foreach (string name in (string[])["policy-last", "policy-none", "policy-unbuilt", "policy-unstarted", "policy-import",
            "policy-export", "policy-compile", "policy-slow", "policy-late"])
            _bench.Use(name, "routing", folder, "standby = true");
        _bench.Use("routing-lpm", "routing", Scratch.PluginOutput("routing-lpm"), "standby = true");
        _bench.Use("fake-trust", "trust", _bench.Scratch.Install("fakes"), "standby = true");
        _log = new DaemonLog(Stream.Null, forJournal: false, LogLevel.Error);
        PluginSelection selection = _bench.Selection();
        _plugins = new PluginSet(selection.Active,
            new PluginServices(NullLoggerFactory.Instance, TimeProvider.System, _bench.Scratch.At("state"), PluginLimits.Standard));
        await _plugins.StartAsync();
        var settings = new HostSettings
        {
            StateDirectory = _bench.Scratch.At("state"), ControlSocket = "none", MetricsListen = null, LogLevel = LogLevel.Error,
        };
        Parts = new RunningParts(settings, _plugins, selection, _log) { Trust = [.. _plugins.Trust()] };
        Parts.SetEngine(MakeEngine(others));
        await Parts.Engine.StartAsync(CancellationToken.None);
    }

    /// <summary>The load context of the routing plugin in use, held weakly only.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public WeakReference RoutingContext() => _plugins.Loaded(PluginRole.Routing).Single().Context!;

    public string Running(PluginRole role) => _plugins.Loaded(role).Single().Entry.Name;

    public Task<SwapOutcome> SwapAsync(string role, string name, bool dryRun = false) =>
        new Swapping(Parts).RunAsync(new SwapRequest(role, name, Replace: null, dryRun));

    public async Task UntilAsync(Func<EngineStatus, bool> condition, string what)
    {
        long began = TimeProvider.System.GetTimestamp();
        while (!condition(await Parts.Engine.GetStatusAsync(CancellationToken.None)))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(30), "never: " + what);
            await Task.Delay(10);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Parts is not null)
        {
            await Parts.Engine.DisposeAsync();
            await _plugins.StopAsync();
            _log.Dispose();
        }

        await _transport.StopAsync(default);
        _meter.Dispose();
        _bench.Dispose();
    }

    // In a method of its own, so that no frame keeps the first policy.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private OverlayEngine MakeEngine(SwapNode[] others) => new(
        new EngineConfiguration
        {
            Identity = new NodeIdentity(_identity.Fingerprint, _identity.CertificatePem, _identity.KeyPem),
            Listen = [AddressOf(number)],
            Peers = [.. others.Select(other => other.AsPeer())],
            Networks =
            [
                new NetworkConfiguration
                {
                    Name = "corp", Prefix = IpPrefix.Parse("10.42.0.0/24"), Address = IpAddress.Parse($"10.42.0.{number}"),
                    Export = true, Originate = number == 1 ? [] : [IpPrefix.Parse(SwapLab.Shared), .. More()],
                    Limits = new RouteLimits(PerPeer: 100_000),
                    Rules = new NetworkRules
                    {
                        Import =
                        [
                            new ImportRule
                            {
                                Prefixes =
                                [
                                    PrefixRange.Exactly(IpPrefix.Parse(SwapLab.Shared)),
                                    new PrefixRange(IpPrefix.Parse("10.128.0.0/9"), 24, 24),
                                ],
                                Outside = true,
                            },
                        ],
                    },
                },
            ],
        },
        new EngineParts
        {
            Transports = [_transport],
            Tun = _tun,
            Routing = (IRoutePolicyPlugin)_plugins.Loaded(PluginRole.Routing).Single().Instance,
            Trust = [.. Parts.Trust],
            Loggers = NullLoggerFactory.Instance,
            Time = TimeProvider.System,
            Random = Random.Shared,
            Events = Parts.Events,
            Meter = _meter,
            Store = new PluginStore(_bench.Scratch.At("state/engine")),
        });

    // 10.130.0.0/24 and those after it are node 2's, 10.190.0.0/24 and those after it node 3's.
    private IEnumerable<IpPrefix> More() => Enumerable.Range(0, more)
        .Select(i => new IpPrefix(IpAddress.FromV4(0x0A000000u + ((uint)(number == 2 ? 130 : 190) << 16) + ((uint)i << 8)), 24));

    private PeerConfiguration AsPeer() => new()
    {
        Name = $"node{number}", Addresses = [AddressOf(number).ToString()], Fingerprint = _identity.Fingerprint, Networks = ["corp"],
    };
}
