using Microsoft.Extensions.Logging;
using VibePN.Host.Logging;

namespace VibePN.Host.Plugins;

/// <summary>Looks whether the code of stopped plugins really leaves the memory, and says so when it does not.</summary>
/// <remarks>Unloading is the runtime's to do, once no thread, timer or handle refers to the code any more.</remarks>
internal sealed class UnloadWatch(TimeProvider time, ILogger logger)
{
    private static readonly int[] CheckAfterSeconds = [5, 30, 120];

    private readonly Lock _lock = new();
    private readonly List<WeakReference> _contexts = [];

    /// <summary>Contexts still alive.</summary>
    public int Pending
    {
        get
        {
            lock (_lock)
            {
                _contexts.RemoveAll(context => !context.IsAlive);
                return _contexts.Count;
            }
        }
    }

    /// <summary>Begins to watch a stopped plugin.</summary>
    public void Add(LoadedPlugin plugin)
    {
        if (plugin.Context is not { } context)
            return;
        lock (_lock)
        {
            if (_contexts.Contains(context))
                return;
            _contexts.Add(context);
        }

        _ = WatchAsync(plugin.Entry.Name, context);
    }

    private async Task WatchAsync(string name, WeakReference context)
    {
        int waited = 0;
        foreach (int seconds in CheckAfterSeconds)
        {
            await Task.Delay(TimeSpan.FromSeconds(seconds - waited), time);
            waited = seconds;
            GC.Collect();
            if (!context.IsAlive)
                return;
            Log.PluginNotUnloaded(logger, name, seconds);
        }
    }
}
