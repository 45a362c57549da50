using System.Diagnostics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Host.Logging;

namespace VibePN.Host.Control;

/// <summary>What operators can ask the daemon, whatever channel they come by.</summary>
internal sealed class ControlMethods : IControlMethods
{
    /// <summary>The daemon's version.</summary>
    public static string Version { get; } =
        typeof(ControlMethods).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
        ?? "unknown";

    private readonly IDaemon _daemon;
    private readonly ILogger _logger;
    private int _underWay;
    private readonly SortedDictionary<string, Entry> _methods = new(StringComparer.Ordinal);

    /// <summary>Offers a daemon's methods.</summary>
    public ControlMethods(IDaemon daemon, ILogger logger)
    {
        _daemon = daemon;
        _logger = logger;
        Add("goodbye", "Says goodbye to every peer; dialling goes on after the back-off.", ControlRole.Admin, GoodbyeAsync);
        Add("networks", "Lists the networks with their interfaces and counters.", ControlRole.Viewer, NetworksAsync);
        Add("peers", "Lists the configured peers and their connections.", ControlRole.Viewer, PeersAsync);
        Add("plugins.list", "Lists the plugins with version, hash and state.", ControlRole.Viewer, PluginsAsync);
        Add("plugins.swap", "Lets a listed plugin take another's place: role, name, replace, dry_run.", ControlRole.Admin, SwapAsync);
        Add("reload", "Reads config.toml and plugins.toml again, all or nothing; dry_run only says what would change.",
            ControlRole.Admin, ReloadAsync);
        Add("route.explain", "Says where a packet goes and why: destination, network, from.", ControlRole.Viewer, ExplainAsync);
        Add("routes", "Lists the routes of all networks.", ControlRole.Viewer, RoutesAsync);
        Add("shutdown", "Says goodbye and ends the daemon.", ControlRole.Admin, ShutdownAsync);
        Add("status", "Shows the daemon's health in one object.", ControlRole.Viewer, StatusAsync);
        Add("version", "Names the versions of daemon, contracts and runtime.", ControlRole.Viewer, VersionAsync);
    }

    /// <inheritdoc/>
    public IReadOnlyList<ControlMethod> Describe() => [.. _methods.Values.Select(entry => entry.Method)];

    /// <inheritdoc/>
    public async IAsyncEnumerable<ControlReply> InvokeAsync(
        ControlCall request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!_methods.TryGetValue(request.Method, out Entry? entry))
        {
            yield return JsonReply.Error(ControlError.UnknownMethod, $"unknown command: {LogText.Escape(Shorten(request.Method))}");
            yield break;
        }

        if (request.Principal.Role < entry.Method.RequiredRole)
        {
            yield return JsonReply.Error(ControlError.Denied,
                $"'{request.Method}' needs the role {entry.Method.RequiredRole}; {request.Principal.Name} has "
                + $"{request.Principal.Role}. Run it as root, or as the daemon's user.");
            yield break;
        }

        if (entry.Method.RequiredRole == ControlRole.Admin)
            Log.ControlCalled(_logger, request.Method, request.Principal.Name);
        Interlocked.Increment(ref _underWay);
        try
        {
            yield return await RunAsync(entry, request, cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _underWay);
        }
    }

    /// <summary>Waits until no call is under way, or as long as the limit.</summary>
    public async Task IdleAsync(TimeSpan limit)
    {
        long began = Stopwatch.GetTimestamp();
        while (Volatile.Read(ref _underWay) > 0 && Stopwatch.GetElapsedTime(began) < limit)
            await Task.Delay(10);
    }

    private static string Shorten(string text) => text.Length <= 64 ? text : text[..64] + "...";

    private async Task<ControlReply> RunAsync(Entry entry, ControlCall request, CancellationToken cancellationToken)
    {
        try
        {
            return await entry.Run(request, cancellationToken);
        }
        catch (PluginException exception)
        {
            return JsonReply.Error(ControlError.PluginFailed, exception.Message);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // Our own bug: the caller gets a sentence and the daemon goes on.
            Log.ControlFailed(_logger, request.Method, $"{exception.GetType().Name}: {exception.Message}");
            return JsonReply.Error(ControlError.Internal, $"'{request.Method}' failed: {exception.Message}");
        }
    }

    private async Task<ControlReply> StatusAsync(ControlCall request, CancellationToken cancellationToken)
    {
        EngineStatus status = await _daemon.GetStatusAsync(cancellationToken);
        List<string> warnings =
        [
            .. status.Warnings,
            .. status.Networks.Where(network => network.Error.Length > 0)
                .Select(network => $"network {network.Name}: {network.Error}"),
            .. _daemon.GetPlugins().Where(plugin => plugin.State is not ("running" or "standby"))
                .Select(plugin => $"plugin {plugin.Name} is {plugin.State}"),
        ];
        string hash = await _daemon.GetConfigurationHashAsync(cancellationToken);
        return JsonReply.OkObject(writer =>
        {
            writer.WriteString("config_hash", hash);
            writer.WriteString("health", warnings.Count == 0 ? "ok" : "degraded");
            writer.WriteNumber("networks", status.Networks.Length);
            writer.WriteString("node", _daemon.Node.ToString());
            writer.Strings("offloads", status.Offloads);
            writer.WriteNumber("peers", status.Peers.Count(peer => peer.State == "up"));
            writer.WriteNumber("peers_configured", status.Peers.Length);
            writer.Strings("pending", _daemon.Pending);
            writer.WriteNumber("pid", Environment.ProcessId);
            writer.WriteNumber("routes", status.Routes.Length);
            writer.WriteString("uptime", GoDuration.Format(status.Uptime));
            writer.WriteString("version", Version);
            writer.Strings("warnings", warnings);
        });
    }

    private async Task<ControlReply> PeersAsync(ControlCall request, CancellationToken cancellationToken)
    {
        EngineStatus status = await _daemon.GetStatusAsync(cancellationToken);
        return JsonReply.Array(status.Peers, StatusJson.WritePeer);
    }

    private async Task<ControlReply> RoutesAsync(ControlCall request, CancellationToken cancellationToken)
    {
        EngineStatus status = await _daemon.GetStatusAsync(cancellationToken);
        return JsonReply.Array(status.Routes, StatusJson.WriteRoute);
    }

    private async Task<ControlReply> ExplainAsync(ControlCall request, CancellationToken cancellationToken)
    {
        if (RouteQuestionReader.Read(request.Parameters, out string problem) is not { } question)
            return JsonReply.Error(ControlError.BadRequest, problem);
        RouteAnswer answer = await _daemon.ExplainRouteAsync(question, cancellationToken);
        if (answer.Report is not { } report)
            return JsonReply.Error(ControlError.NotFound, answer.Problem);
        PluginReport? policy = _daemon.GetPlugins().FirstOrDefault(plugin => plugin is { Role: "routing", State: "running" });
        return JsonReply.OkObject(writer => RouteJson.Write(writer, report, policy));
    }

    private async Task<ControlReply> NetworksAsync(ControlCall request, CancellationToken cancellationToken)
    {
        EngineStatus status = await _daemon.GetStatusAsync(cancellationToken);
        return JsonReply.Array(status.Networks, StatusJson.WriteNetwork);
    }

    private Task<ControlReply> PluginsAsync(ControlCall request, CancellationToken cancellationToken) =>
        Task.FromResult(JsonReply.Array(_daemon.GetPlugins(), StatusJson.WritePlugin));

    private Task<ControlReply> VersionAsync(ControlCall request, CancellationToken cancellationToken) =>
        Task.FromResult(JsonReply.OkObject(writer =>
        {
            writer.WriteString("contracts", $"{ContractVersion.Major}.{ContractVersion.Minor}");
            writer.WriteString("daemon", Version);
            writer.WriteString("runtime", RuntimeInformation.FrameworkDescription);
        }));

    private async Task<ControlReply> ReloadAsync(ControlCall request, CancellationToken cancellationToken)
    {
        bool dryRun = Flag(request.Parameters, "dry_run");
        ReloadOutcome outcome = await _daemon.ReloadAsync(dryRun, request.Principal.Name, cancellationToken);
        if (outcome.Error != ControlError.None)
            return JsonReply.Error(outcome.Error, outcome.Text);
        return JsonReply.OkObject(writer =>
        {
            writer.Strings("changes", outcome.Changes);
            writer.Strings("ended_sessions", outcome.EndedSessions.Select(end => $"{end.Peer}: {end.Reason}"));
            writer.WriteString("message", dryRun
                ? "config validated; nothing was changed"
                : "config validated, reloaded, and routes re-announced");
            writer.Strings("warnings", outcome.Warnings);
        });
    }

    private async Task<ControlReply> SwapAsync(ControlCall request, CancellationToken cancellationToken)
    {
        string? role = Text(request.Parameters, "role");
        string? name = Text(request.Parameters, "name");
        if (role is null || name is null)
            return JsonReply.Error(ControlError.BadRequest, "a swap needs a role (trust or routing) and a plugin's name.");
        var swap = new SwapRequest(role, name, Text(request.Parameters, "replace"), Flag(request.Parameters, "dry_run"));
        SwapOutcome outcome = await _daemon.SwapAsync(swap, request.Principal.Name, cancellationToken);
        if (outcome.Error != ControlError.None)
            return JsonReply.Error(outcome.Error, outcome.Text);
        return JsonReply.OkObject(writer =>
        {
            writer.Strings("changes", outcome.Changes);
            writer.WriteString("message", outcome.Text);
            writer.Number("took_ms", outcome.Took is { } took ? Math.Round(took.TotalMilliseconds, 3) : null);
        });
    }

    private static bool Flag(JsonElement parameters, string name) =>
        parameters.ValueKind == JsonValueKind.Object && parameters.TryGetProperty(name, out JsonElement value)
        && value.ValueKind == JsonValueKind.True;

    private static string? Text(JsonElement parameters, string name) =>
        parameters.ValueKind == JsonValueKind.Object && parameters.TryGetProperty(name, out JsonElement value)
        && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private async Task<ControlReply> GoodbyeAsync(ControlCall request, CancellationToken cancellationToken)
    {
        await _daemon.GoodbyeAsync(cancellationToken);
        return JsonReply.Message("sent goodbye to all peers");
    }

    private Task<ControlReply> ShutdownAsync(ControlCall request, CancellationToken cancellationToken)
    {
        _daemon.RequestStop("shutdown by " + request.Principal.Name);
        return Task.FromResult(JsonReply.Message("shutting down"));
    }

    private void Add(
        string name, string help, ControlRole role, Func<ControlCall, CancellationToken, Task<ControlReply>> run) =>
        _methods.Add(name, new Entry(new ControlMethod(name, help, role), run));

    private sealed record Entry(
        ControlMethod Method, Func<ControlCall, CancellationToken, Task<ControlReply>> Run);
}
