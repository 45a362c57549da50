using System.Composition;
using System.Composition.Hosting;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using McMasterLoader = McMaster.NETCore.Plugins.PluginLoader;

namespace VibePN.Host.Plugins;

/// <summary>Loads one plugin's assemblies into a load context of their own and makes its object.</summary>
/// <remarks>The only class that knows the loading and composing libraries.</remarks>
internal sealed class PluginLoader
{
    private readonly McMasterLoader _loader;
    private readonly CompositionHost _composition;

    private PluginLoader(McMasterLoader loader, CompositionHost composition)
    {
        _loader = loader;
        _composition = composition;
        Context = new WeakReference(loader.LoadContext);
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
        McMasterLoader loader = McMasterLoader.CreateFromAssemblyFile(
            Path.Combine(folder, export.File),
            isUnloadable: true,
            sharedTypes: [typeof(IPlugin), typeof(ExportAttribute), typeof(ILogger)],
            // Otherwise everything that the three refer to would be shared as well.
            configure: config => config.IsLazyLoaded = true);
        CompositionHost? composition = null;
        try
        {
            Type type = loader.LoadDefaultAssembly().GetType(export.TypeName, throwOnError: true)!;
            composition = new ContainerConfiguration()
                .WithPart(type)
                .WithExport(context)
                .CreateContainer();
            plugin = (IPlugin)composition.GetExport(PluginRoles.ContractOf(export.Role), export.Name);
            return new PluginLoader(loader, composition);
        }
        catch
        {
            composition?.Dispose();
            loader.Dispose();
            throw;
        }
    }

    /// <summary>Whether an exception comes from this plugin: whether its code is on the exception's stack.</summary>
    public bool Owns(IEnumerable<AssemblyLoadContext?> contexts) => contexts.Contains(_loader.LoadContext);

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
            _loader.Dispose();
        }
    }
}
