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
        Context = new WeakReference(context);
    }

    /// <summary>The plugin's load context; dead once its code is really gone.</summary>
    public WeakReference Context { get; }

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
        AssemblyLoadContext loaded = NewContext(path);
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
            loaded.Unload();
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
            _context.Unload();
        }
    }

    // Not the library's own loader class: it also reads the daemon's runtimeconfig.json, with a JSON serializer that
    // costs every start 40 ms, for probing paths that a staged plugin must not use.
    private static AssemblyLoadContext NewContext(string path)
    {
        AssemblyLoadContextBuilder builder = new AssemblyLoadContextBuilder()
            .SetMainAssemblyPath(path)
            .EnableUnloading()
            .IsLazyLoaded(true); // otherwise everything that the three refer to would be shared as well
        foreach (Assembly shared in (Assembly[])[typeof(IPlugin).Assembly, typeof(ExportAttribute).Assembly, typeof(ILogger).Assembly])
            builder.PreferDefaultLoadContextAssembly(shared.GetName());
        return builder.Build();
    }
}
