using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.Loader;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Host.Configuration;
using VibePN.Host.Logging;
using VibePN.Host.Running;

namespace VibePN.Host.Plugins;

/// <summary>Where a plugin stands.</summary>
internal enum PluginState
{
    /// <summary>Not loaded, or loaded and not yet started.</summary>
    Waiting = 0,

    /// <summary>Started.</summary>
    Running = 1,

    /// <summary>Did not load or start, or let an exception escape on a thread of its own.</summary>
    Failed = 2,

    /// <summary>Stopped.</summary>
    Stopped = 3,

    /// <summary>Did not stop in time and was abandoned.</summary>
    Zombie = 4,
}

/// <summary>One plugin from loading to unloading.</summary>
/// <remarks>Load, start and stop are called one after the other; state and facts may be read from any thread.</remarks>
[SuppressMessage("Design", "CA1001", Justification = "StopAsync, or the failed Load itself, disposes the context.")]
internal sealed class LoadedPlugin
{
    private CheckedPlugin _plugin;
    private readonly PluginServices _services;
    private readonly ILogger _logger;
    private PluginContext? _context;
    private PluginLoader? _loader;
    private IPlugin? _instance;
    private volatile PluginState _state;

    /// <summary>Takes a checked plugin; loads nothing yet.</summary>
    public LoadedPlugin(CheckedPlugin plugin, PluginServices services)
    {
        _plugin = plugin;
        _services = services;
        _logger = services.Loggers.CreateLogger("host/plugins");
    }

    /// <summary>What it was loaded from, with the settings it has now.</summary>
    public CheckedPlugin Plugin => _plugin;

    /// <summary>What plugins.toml says.</summary>
    public PluginEntry Entry => _plugin.Entry;

    /// <summary>The plugin's class, as its metadata has it.</summary>
    public PluginExport Export => _plugin.Export;

    /// <summary>The folder's hash.</summary>
    public string Hash => _plugin.Package.Hash;

    /// <summary>Where it stands.</summary>
    public PluginState State => _state;

    /// <summary>The load context, dead once the code is gone; null when it was never loaded, or stays until the daemon's end.</summary>
    public WeakReference? Context { get; private set; }

    /// <summary>The object, while it runs.</summary>
    /// <exception cref="InvalidOperationException">It does not.</exception>
    public IPlugin Instance => _instance ?? throw new InvalidOperationException($"Plugin '{Entry.Name}' is not loaded.");

    /// <summary>The object, or null when it is not loaded any more.</summary>
    public T? TryGetInstance<T>()
        where T : class, IPlugin => _instance as T;

    /// <summary>Whether it is loaded: not before it is constructed, not after it has stopped.</summary>
    public bool IsLoaded => _instance is not null;

    /// <summary>Whether its settings can change while it runs.</summary>
    public bool IsReconfigurable => _instance is IReconfigurable;

    /// <summary>Asks the plugin whether other settings could be applied now.</summary>
    /// <returns>What stands against them, or null.</returns>
    public async Task<string?> CheckSettingsAsync(CheckedPlugin next)
    {
        if (_instance is not IReconfigurable reconfigurable)
            return "it cannot change its settings while it runs";
        string? objection = null;
        try
        {
            bool isInTime = await PluginThread.RunAsync(
                _ =>
                {
                    objection = reconfigurable.Check(next.Settings);
                    return ValueTask.CompletedTask;
                },
                _services.Limits.Stop);
            return isInTime ? objection : $"it did not answer within {_services.Limits.Stop.TotalSeconds:0.###} s";
        }
        catch (Exception exception) // a plugin may throw anything; only its text is kept
        {
            return Describe(exception);
        }
    }

    /// <summary>Gives the plugin settings that it has agreed to.</summary>
    public void ApplySettings(CheckedPlugin next)
    {
        Take(next);
        _context!.Settings = next.Settings;
        ((IReconfigurable)_instance!).Apply(next.Settings);
    }

    /// <summary>Takes over what plugins.toml says now, where it means the same.</summary>
    public void Take(CheckedPlugin next) => _plugin = next;

    /// <summary>Stages, loads and constructs.</summary>
    /// <exception cref="DaemonException">It cannot be staged or loaded, or its constructor threw; nothing stays loaded.</exception>
    public void Load(PluginStage stage)
    {
        _context = new PluginContext(Entry.Name, _plugin.Settings, _services);
        try
        {
            string folder = stage.Ensure(_plugin.Package);
            _loader = PluginLoader.Load(folder, Export, _context, out _instance);
            Context = _loader.Context;
        }
        catch (PluginPackageException exception)
        {
            Discard();
            throw new DaemonException(ExitCodes.Unavailable, $"plugin '{Entry.Name}': {exception.Message}");
        }
        catch (Exception exception) // a plugin's constructor may throw anything; only its text is kept
        {
            Discard();
            throw Failure(exception, ErrorCodes.ConstructorFailed, "could not be constructed");
        }
    }

    /// <summary>Starts.</summary>
    /// <exception cref="DaemonException">It threw or took too long; it is stopped and unloaded again.</exception>
    public async Task StartAsync()
    {
        IPlugin instance = Instance;
        DaemonException failure;
        try
        {
            bool inTime = await PluginThread.RunAsync(instance.StartAsync, _services.Limits.Start);
            if (inTime && _state == PluginState.Waiting)
            {
                _state = PluginState.Running;
                Log.PluginStarted(_logger, PluginRoles.NameOf(Entry.Role), Entry.Name, Export.Version, Entry.Path, Hash);
                return;
            }

            string what = inTime
                ? "let an exception escape while it started."
                : $"did not start within {_services.Limits.Start.TotalSeconds:0.###} s.";
            failure = new DaemonException(ExitCodes.Internal,
                $"{Entry.Position}: error {ErrorCodes.StartFailed}: plugin '{Entry.Name}' {what} "
                + "See its log lines, or report it to its author.");
        }
        catch (Exception exception) // as above
        {
            failure = Failure(exception, ErrorCodes.StartFailed, "could not start");
        }

        await StopAsync();
        _state = PluginState.Failed;
        throw failure;
    }

    /// <summary>Compiles what has not run yet, on the caller's thread, so that nobody waits for it later. Any thread.</summary>
    /// <returns>How many methods the plugin has compiled now; 0 when it is not loaded.</returns>
    public int Compile(CancellationToken cancellationToken) =>
        _instance?.GetType().Assembly is { } assembly ? CompileAhead.Run(assembly, cancellationToken) : 0;

    /// <summary>Stops and unloads. Throws nothing; never takes longer than the limit.</summary>
    public async Task StopAsync()
    {
        if (_instance is not { } instance)
            return;
        bool stopped = await StopInstanceAsync(instance);
        if (!stopped)
            Log.PluginZombie(_logger, Entry.Name, _services.Limits.Stop.TotalSeconds);
        else
            Log.PluginStopped(_logger, Entry.Name);
        _state = stopped ? PluginState.Stopped : PluginState.Zombie;
        Discard(keepState: true);
    }

    /// <summary>Takes note that the plugin's code let an exception escape.</summary>
    public void MarkFailed() => _state = PluginState.Failed;

    /// <summary>Whether one of these load contexts is the plugin's.</summary>
    public bool Owns(IEnumerable<AssemblyLoadContext?> contexts) => _loader?.Owns(contexts) ?? false;

    private async Task<bool> StopInstanceAsync(IPlugin instance)
    {
        try
        {
            PluginContext context = _context!;
            return await PluginThread.RunAsync(
                token =>
                {
                    context.Cancel();
                    return instance.StopAsync(token);
                },
                _services.Limits.Stop);
        }
        catch (Exception exception) // a plugin may throw anything; stopping goes on
        {
            Log.PluginStopFailed(_logger, Entry.Name, Describe(exception));
            return true;
        }
    }

    // Lets go of everything that refers to the plugin's code, or it could never unload.
    private void Discard(bool keepState = false)
    {
        _instance = null;
        try
        {
            _loader?.Unload();
        }
        catch (Exception exception) // a part's Dispose may throw anything
        {
            Log.PluginStopFailed(_logger, Entry.Name, Describe(exception));
        }

        _loader = null;
        _context?.Dispose();
        _context = null;
        if (!keepState)
            _state = PluginState.Failed;
    }

    private DaemonException Failure(Exception exception, string code, string what)
    {
        Exception cause = Unwrap(exception);
        if (cause is PluginException told)
            return new DaemonException(ExitCodes.Of(told.Fault), $"plugin '{Entry.Name}' {what}: {told.Message}");
        return new DaemonException(ExitCodes.Internal,
            $"{Entry.Position}: error {code}: plugin '{Entry.Name}' {what}: {Describe(cause)} "
            + "Report this to the plugin's author.");
    }

    private static string Describe(Exception exception)
    {
        Exception cause = Unwrap(exception);
        return $"{cause.GetType().Name}: {cause.Message}";
    }

    // Reflection and composition wrap what the constructor threw.
    private static Exception Unwrap(Exception exception)
    {
        while (exception is TargetInvocationException or System.Composition.Hosting.CompositionFailedException
            && exception.InnerException is { } inner)
            exception = inner;
        return exception;
    }
}
