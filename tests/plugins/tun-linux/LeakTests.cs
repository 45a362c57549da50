using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using VibePN.Contracts;

namespace VibePN.Plugins.TunLinux.Tests;

/// <summary>Counts what belongs to the whole process, so nothing else may run beside it.</summary>
[Collection(nameof(Alone))]
public sealed class LeakTests : TunTest
{
    [Fact]
    public void Many_devices_open_and_close_and_no_descriptor_stays()
    {
        const int Cycles = 1000;
        TunConfiguration configuration = Configuration(1380, ["10.77.0.1/24", "fd77::1/64"], "192.168.40.0/24");
        int before = OpenDescriptors();
        Namespace.Run(() =>
        {
            for (int i = 0; i < Cycles; i++)
            {
                using ITunDevice device = Plugin.Open(Options("vpn0", configuration), Events);
                if (i % 10 == 0) // an open that fails leaves nothing, either
                    Assert.Throws<TunException>(() => Plugin.Open(Options("vpn0", configuration), Events));
            }
        });
        Assert.Equal(before, OpenDescriptors());
        Assert.DoesNotContain("vpn0", Namespace.Exec("ip", "link"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plugin_that_was_stopped_leaves_no_descriptor_and_no_thread()
    {
        using var host = new PluginHost();
        int descriptors = OpenDescriptors();
        Assert.Equal(1, MonitorThreads()); // of the plugin that every test has
        for (int i = 0; i < 20; i++)
        {
            var plugin = new LinuxTun(host);
            await Namespace.Run(() => plugin.StartAsync(CancellationToken.None));
            Namespace.Run(() => plugin.Open(Options("vpn0", Configuration(1380, ["10.77.0.1/24"])), Events));
            await plugin.StopAsync(CancellationToken.None);
        }
        Assert.Equal(descriptors, OpenDescriptors());
        Eventually(() => MonitorThreads() == 1, "the kernel has buried the last thread");
    }

    [Fact]
    public async Task Plugin_that_was_stopped_can_be_unloaded()
    {
        WeakReference code = await UseAndUnload();
        for (int i = 0; i < 50 && code.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.False(code.IsAlive, "Something still holds the plugin's code.");
    }

    [Fact]
    public async Task Stop_after_a_start_that_never_was_is_no_error()
    {
        using var host = new PluginHost();
        await new LinuxTun(host).StopAsync(CancellationToken.None);
    }

    // Loads the plugin a second time, as a host does: code of its own, contracts shared.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private async Task<WeakReference> UseAndUnload()
    {
        using var host = new PluginHost();
        var load = new AssemblyLoadContext("plugin", isCollectible: true);
        Type type = load.LoadFromAssemblyPath(typeof(LinuxTun).Assembly.Location).GetType(typeof(LinuxTun).FullName!)!;
        Assert.NotEqual(typeof(LinuxTun), type);
        var plugin = (ITunPlugin)Activator.CreateInstance(type, host)!;
        await Namespace.Run(() => plugin.StartAsync(CancellationToken.None));
        ITunDevice device = Namespace.Run(() => plugin.Open(Options("vpn0", Configuration(1380, ["10.77.0.1/24"])), Events));
        using (PacketBatch batch = NewBatch())
        {
            Background read = Background.Start(() => device.Read(batch));
            device.Dispose();
            Assert.True(read.EndsWithin(Bound));
        }
        await plugin.StopAsync(CancellationToken.None);
        load.Unload();
        return new WeakReference(load);
    }

    // Only the kinds that devices and the plugin use: the runtime opens files of its own at times.
    private static int OpenDescriptors() => Directory.GetFiles("/proc/self/fd").Count(path =>
    {
        string? target = new FileInfo(path).LinkTarget;
        return target is not null && (target == "/dev/net/tun" || target.Contains("eventfd", StringComparison.Ordinal)
            || target.StartsWith("socket:", StringComparison.Ordinal));
    });

    private static int MonitorThreads() => Directory.GetDirectories("/proc/self/task").Count(task =>
    {
        try
        {
            return File.ReadAllText(task + "/comm").StartsWith("tun-linux", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false; // it ended between the two looks
        }
    });
}

/// <summary>Tests that run when no other test does.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
