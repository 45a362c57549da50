using System.Reflection;
using System.Runtime;
using System.Runtime.Loader;
using VibePN.Host.Plugins;
using VibePN.Host.Tests.Running;

namespace VibePN.Host.Tests.Plugins;

public sealed class CompileAheadTests
{
    [Fact]
    public void Afterwards_nothing_of_a_plugin_is_left_to_compile()
    {
        var context = new AssemblyLoadContext("compile-ahead", isCollectible: true);
        Assembly plugin = context.LoadFromAssemblyPath(
            Path.Combine(DaemonProcess.PluginFolder("control-unix"), "VibePN.Plugins.ControlUnix.dll"));
        Assert.Equal(0, CompileAhead.Run(plugin, new CancellationToken(canceled: true)));
        long before = JitInfo.GetCompiledMethodCount(currentThread: true);
        int methods = CompileAhead.Run(plugin, TestContext.Current.CancellationToken);
        long between = JitInfo.GetCompiledMethodCount(currentThread: true);
        Assert.InRange(methods, 200, 5_000);
        Assert.InRange(between - before, methods * 9 / 10, long.MaxValue); // delegates have methods without code
        Assert.Equal(methods, CompileAhead.Run(plugin, TestContext.Current.CancellationToken));
        Assert.InRange(JitInfo.GetCompiledMethodCount(currentThread: true) - between, 0, methods / 10); // the test's own
        context.Unload();
    }

    [Fact]
    public void What_does_not_load_is_passed_over()
    {
        var context = new WithoutContracts();
        Assembly plugin = context.LoadFromAssemblyPath(
            Path.Combine(DaemonProcess.PluginFolder("control-unix"), "VibePN.Plugins.ControlUnix.dll"));
        Assert.Throws<ReflectionTypeLoadException>(plugin.GetTypes);
        Assert.InRange(CompileAhead.Run(plugin, TestContext.Current.CancellationToken), 1, 5_000);
        context.Unload();
    }

    private sealed class WithoutContracts() : AssemblyLoadContext("without-contracts", isCollectible: true)
    {
        protected override Assembly? Load(AssemblyName assemblyName) =>
            assemblyName.Name == "VibePN.Contracts" ? throw new FileNotFoundException(assemblyName.Name) : null;
    }
}
