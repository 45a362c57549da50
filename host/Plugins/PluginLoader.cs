using System.Composition;
using System.Composition.Hosting;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using McMaster.NETCore.Plugins.Loader;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;

namespace VibePN.Host.Plugins;

/// <summary>Loads one plugin's assemblies into a load context of their own and makes its object.</summary>
/// <remarks>The only class that knows the loading and composing libraries.</remarks>
internal sealed class PluginLoader
{
    private readonly AssemblyLoadContext _context;
    private readonly CompositionHost _composition;

    private PluginLoader(AssemblyLoadContext context, CompositionHost composition)
    {
        _context = context;
        _composition = composition;
        Context = context.IsCollectible ? new WeakReference(context) : null;
    }

    /// <summary>The plugin's load context, dead once its code is really gone; null for code that stays until the daemon's end.</summary>
    public WeakReference? Context { get; }

    /// <summary>Loads and constructs.</summary>
    /// <param name="folder">The staged folder, absolute.</param>
    /// <param name="export">The class.</param>
    /// <param name="context">What its constructor imports.</param>
    /// <param name="plugin">The object.</param>
    /// <returns>What unloads it again.</returns>
    /// <exception cref="Exception">Whatever the plugin's constructor or the runtime threw; nothing stays loaded.</exception>
    public static PluginLoader Load(string folder, PluginExport export, IPluginContext context, out IPlugin plugin)
    {
        string path = Path.Combine(folder, export.File);
        AssemblyLoadContext loaded = NewContext(path, isCollectible: PluginRoles.IsReplaceable(export.Role));
        CompositionHost? composition = null;
        try
        {
            Type type = loaded.LoadFromAssemblyPath(path).GetType(export.TypeName, throwOnError: true)!;
            composition = new ContainerConfiguration()
                .WithPart(type)
                .WithExport(context)
                .CreateContainer();
            plugin = (IPlugin)composition.GetExport(PluginRoles.ContractOf(export.Role), export.Name);
            return new PluginLoader(loaded, composition);
        }
        catch
        {
            composition?.Dispose();
            Unload(loaded);
            throw;
        }
    }

    /// <summary>Whether an exception comes from this plugin: whether its code is on the exception's stack.</summary>
    public bool Owns(IEnumerable<AssemblyLoadContext?> contexts) => contexts.Contains(_context);

    /// <summary>Disposes the parts and lets the code go. The memory is freed once nothing refers to it any more.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Unload()
    {
        try
        {
            _composition.Dispose();
        }
        finally
        {
            Unload(_context);
        }
    }

    private static void Unload(AssemblyLoadContext context)
    {
        if (context.IsCollectible)
            context.Unload();
    }

    // Not the library's own loader class: it also reads the daemon's runtimeconfig.json, with a JSON serializer that
    // costs every start 40 ms, for probing paths that a staged plugin must not use.
    // The runtime ignores ahead-of-time code in collectible contexts (docs/decisions/0007-start-time.md), so only what can
    // leave while the daemon runs gets one.
    private static AssemblyLoadContext NewContext(string path, bool isCollectible)
    {
        AssemblyLoadContextBuilder builder = new AssemblyLoadContextBuilder()
            .SetMainAssemblyPath(path)
            .IsLazyLoaded(true); // otherwise everything that the three refer to would be shared as well
        if (isCollectible)
            builder.EnableUnloading();
        foreach (Assembly shared in (Assembly[])[typeof(IPlugin).Assembly, typeof(ExportAttribute).Assembly, typeof(ILogger).Assembly])
            builder.PreferDefaultLoadContextAssembly(shared.GetName());
        return builder.Build();
    }
}
