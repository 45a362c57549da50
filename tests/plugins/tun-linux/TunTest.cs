using System.Diagnostics;
using System.Diagnostics.Metrics;
using VibePN.Contracts;
using VibePN.Testkit;

namespace VibePN.Plugins.TunLinux.Tests;

/// <summary>A started plugin in a network namespace of its own, for one test.</summary>
public abstract class TunTest : IDisposable
{
    protected static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);

    private readonly PluginHost _host = new();

    protected TunTest()
    {
        Namespace = NetworkNamespace.Create("tun");
        Plugin = new LinuxTun(_host);
        Namespace.Run(() => Plugin.StartAsync(CancellationToken.None).AsTask().Wait());
    }

    protected NetworkNamespace Namespace { get; }

    protected LinuxTun Plugin { get; }

    protected Meter Meter => _host.Meter;

    internal RecordedEvents Events { get; } = new();

    public void Dispose()
    {
        Plugin.StopAsync(CancellationToken.None).AsTask().Wait();
        Namespace.Dispose();
        _host.Dispose();
        GC.SuppressFinalize(this);
    }

    internal static TunConfiguration Configuration(int mtu, string[] addresses, params string[] routes) => new()
    {
        Mtu = mtu,
        Addresses = [.. addresses.Select(Address)],
        Routes = [.. routes.Select(IpPrefix.Parse)],
    };

    internal static InterfaceAddress Address(string text)
    {
        string[] parts = text.Split('/');
        return new InterfaceAddress(IpAddress.Parse(parts[0]), int.Parse(parts[1], null));
    }

    internal static TunOptions Options(
        string name, TunConfiguration configuration, OffloadCapabilities offloads = OffloadCapabilities.None) =>
        new() { Network = "corp", Name = name, Configuration = configuration, Offloads = offloads };

    internal LinuxTunDevice Open(string name, TunConfiguration configuration) =>
        (LinuxTunDevice)Namespace.Run(() => Plugin.Open(Options(name, configuration), Events));

    /// <summary>A device whose super packets and partial checksums are not undone, as for an engine that takes them.</summary>
    internal LinuxTunDevice OpenWhole() => (LinuxTunDevice)Namespace.Run(() => Plugin.Open(
        Options("vpn0", Configuration(1380, ["10.77.0.1/24"]), Plugin.Offloads), Events));

    internal LinuxTunDevice Open(string name = "vpn0") => Open(name, Configuration(1380, ["10.77.0.1/24"]));

    internal static PacketBatch NewBatch() => new(capacity: 64, arenaBytes: 256 * 1024);

    /// <summary>Waits for a condition that must come true within the bound.</summary>
    internal static void Eventually(Func<bool> condition, string what)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Bound, $"Not within {Bound.TotalSeconds} s: {what}");
            Thread.Yield();
        }
    }

    /// <summary>Reads until a packet comes that the test is looking for; others are the kernel's own and skipped.</summary>
    internal static byte[] ReadPacket(ITunDevice device, PacketBatch batch, Func<byte[], bool> wanted)
    {
        byte[]? found = null;
        Background search = Background.Start(() =>
        {
            int count = 0;
            while (found is null && (count = device.Read(batch)) > 0)
                for (int i = 0; i < count && found is null; i++)
                    if (batch.Packet(i).ToArray() is var packet && wanted(packet))
                        found = packet;
            return count;
        });
        Assert.True(search.EndsWithin(Bound), "The wanted packet did not come.");
        return found ?? throw new InvalidOperationException("The device was disposed.");
    }
}

/// <summary>A call that may block, on a thread of its own.</summary>
internal sealed class Background
{
    private readonly Thread _thread;
    private int _result;
    private Exception? _failure;

    private Background(Func<int> call) => _thread = new Thread(() =>
    {
        try
        {
            _result = call();
        }
        catch (Exception e)
        {
            _failure = e; // the test's to judge, whatever it is
        }
    })
    { IsBackground = true };

    /// <summary>What the call returned. Rethrows what it threw.</summary>
    public int Result => _failure is null ? _result : throw _failure;

    public static Background Start(Func<int> call)
    {
        var background = new Background(call);
        background._thread.Start();
        return background;
    }

    public bool EndsWithin(TimeSpan limit) => _thread.Join(limit);
}
