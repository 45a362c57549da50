using System.Diagnostics;
using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Host.Control.Methods;
using VibePN.Host.Logging;

namespace VibePN.Host.Control;

/// <summary>What operators can ask the daemon, whatever channel they come by.</summary>
internal sealed class ControlMethods : IControlMethods
{
    /// <summary>The daemon's version.</summary>
    public static string Version { get; } =
        typeof(ControlMethods).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
        ?? "unknown";

    private readonly ILogger _logger;
    private readonly SortedDictionary<string, MethodEntry> _methods = new(StringComparer.Ordinal);
    private int _underWay;

    /// <summary>Offers a daemon's methods.</summary>
    public ControlMethods(IDaemon daemon, ILogger logger)
    {
        _logger = logger;
        IMethodGroup[] groups =
        [
            new StateMethods(daemon),
            new RouteMethods(daemon),
            new PluginMethods(daemon),
            new OperateMethods(daemon),
            new EventMethods(daemon),
            new InviteMethods(daemon),
        ];
        foreach (MethodEntry entry in groups.SelectMany(group => group.Methods))
            _methods.Add(entry.Method.Name, entry);
    }

    /// <inheritdoc/>
    public IReadOnlyList<ControlMethod> Describe() => [.. _methods.Values.Select(entry => entry.Method)];

    /// <inheritdoc/>
    public async IAsyncEnumerable<ControlReply> InvokeAsync(
        ControlCall request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!_methods.TryGetValue(request.Method, out MethodEntry? entry))
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
        if (CallParameters.Check(entry.Method, request, out IReadOnlyList<string> warnings) is { } problem)
        {
            yield return JsonReply.Error(ControlError.BadRequest, problem);
            yield break;
        }
        Interlocked.Increment(ref _underWay);
        try
        {
            await foreach (ControlReply reply in RunAsync(entry, request, cancellationToken))
                yield return warnings.Count == 0 ? reply : reply with { Warnings = [.. reply.Warnings, .. warnings] };
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

    private async IAsyncEnumerable<ControlReply> RunAsync(
        MethodEntry entry, ControlCall request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using IAsyncEnumerator<ControlReply> replies = entry.Run(request, cancellationToken)
            .GetAsyncEnumerator(cancellationToken);
        while (true)
        {
            ControlReply? reply = await NextAsync(replies, request);
            if (reply is null)
                yield break;
            yield return reply;
            if (reply.Error != ControlError.None)
                yield break;
        }
    }

    // C# has no yield inside a try with a catch, so one step is a method of its own.
    private async Task<ControlReply?> NextAsync(IAsyncEnumerator<ControlReply> replies, ControlCall request)
    {
        try
        {
            return await replies.MoveNextAsync() ? replies.Current : null;
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
}
