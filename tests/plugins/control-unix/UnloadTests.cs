using System.Net.Sockets;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using VibePN.Contracts;

namespace VibePN.Plugins.ControlUnix.Tests;

public sealed class UnloadTests
{
    [Fact]
    public async Task Nothing_keeps_the_plugin_s_code_after_stop()
    {
        await using var control = new ControlFixture();
        WeakReference code = await ServeFromOwnContextAsync(control);
        // The plugin's own stop may have resumed this method, and would then still be on the stack below it.
        await Task.Yield();
        for (int i = 0; code.IsAlive && i < 50; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.False(code.IsAlive, "Something still refers to the plugin's load context.");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<WeakReference> ServeFromOwnContextAsync(ControlFixture control)
    {
        var context = new PluginLoadContext();
        Assembly assembly = context.LoadFromAssemblyPath(typeof(UnixControl).Assembly.Location);
        Type type = assembly.GetType(typeof(UnixControl).FullName!)!;
        Assert.NotSame(typeof(UnixControl), type);
        var plugin = (IControlPlugin)Activator.CreateInstance(type, control.Context)!;
        await plugin.StartAsync(CancellationToken.None);
        plugin.Serve(new ControlOptions { Endpoint = control.Socket }, control.Methods);
        foreach (string command in new[] { "status", "reload", "echo", "fail", "break", "count", "nonsense" })
            Assert.NotEqual("", control.Ask($$"""{"cmd":"{{command}}","x":[1]}"""));
        using (Socket idle = control.Connect())
            await plugin.StopAsync(CancellationToken.None);
        context.Unload();
        return new WeakReference(context);
    }

    /// <summary>What the host shares comes from the process; the plugin is a copy of its own.</summary>
    private sealed class PluginLoadContext() : AssemblyLoadContext("plugin", isCollectible: true)
    {
        protected override Assembly? Load(AssemblyName assemblyName) => null;
    }
}
