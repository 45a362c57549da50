using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Host.Control;
using VibePN.Host.Logging;
using VibePN.Host.Plugins;

namespace VibePN.Host.Running;

/// <summary>One control plugin takes over from another, after whoever asked for it has the answer.</summary>
internal sealed class ControlMove(RunningParts parts)
{
    // For calls under way; the plugin's own stop lets their answers reach the clients.
    private static readonly TimeSpan IdleLimit = TimeSpan.FromSeconds(2);

    private readonly ILogger _logger = parts.Log.Loggers.CreateLogger("host");

    /// <summary>Lets a plugin serve.</summary>
    /// <exception cref="PluginException">It cannot.</exception>
    public static void Serve(LoadedPlugin plugin, string endpoint, IControlMethods methods)
    {
        try
        {
            ((IControlPlugin)plugin.Instance).Serve(new ControlOptions { Endpoint = endpoint }, methods);
        }
        catch (Exception exception) when (exception is not PluginException)
        {
            // A plugin's fault of any kind; only its text is kept.
            throw new PluginException($"plugin '{plugin.Entry.Name}' could not serve {endpoint}: {exception.GetType().Name}: {exception.Message}");
        }
    }

    /// <summary>Stops the old one and lets the new one serve, if it does not yet. Throws nothing.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "Runs unobserved; every fault ends in the log.")]
    public async Task RunAsync(LoadedPlugin old, LoadedPlugin next, bool servesAlready)
    {
        try
        {
            await parts.Methods!.IdleAsync(IdleLimit);
            await parts.Plugins.RetireAsync(old);
            if (servesAlready)
                return;
            if (await TryServeAsync(next) is not { } fault)
                return;
            Log.ControlMoveFailed(_logger, next.Entry.Name, fault);
            await GoBackAsync(old, next);
        }
        catch (Exception exception)
        {
            Log.ControlLost(_logger, exception.Message);
        }
    }

    // What served until now has stopped for good, so its successor is a new instance of the same.
    private async Task GoBackAsync(LoadedPlugin old, LoadedPlugin failed)
    {
        LoadedPlugin again = await parts.Plugins.StartCandidateAsync(old.Plugin);
        parts.Plugins.Replace([failed], [again]);
        await parts.Plugins.RetireAsync(failed);
        if (await TryServeAsync(again) is { } fault)
            Log.ControlLost(_logger, fault);
    }

    private async Task<string?> TryServeAsync(LoadedPlugin plugin)
    {
        try
        {
            await Task.Run(() => Serve(plugin, parts.Settings.ControlSocket, parts.Methods!));
            return null;
        }
        catch (PluginException exception)
        {
            return exception.Message;
        }
    }
}
