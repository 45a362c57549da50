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
    private readonly Action<AuditLine> _audit;
    private readonly SortedDictionary<string, MethodEntry> _methods = new(StringComparer.Ordinal);
    private readonly ControlMethod[] _descriptions;
    private int _underWay;

    /// <summary>Offers a daemon's methods.</summary>
    /// <param name="daemon">The daemon.</param>
    /// <param name="audit">Told of every order of an admin, with its outcome.</param>
    /// <param name="logger">The log.</param>
    public ControlMethods(IDaemon daemon, Action<AuditLine> audit, ILogger logger)
    {
        _logger = logger;
        _audit = audit;
        IMethodGroup[] groups =
        [
            new StateMethods(daemon),
            new RouteMethods(daemon),
            new PluginMethods(daemon),
            new OperateMethods(daemon),
            new DiagnosisMethods(daemon, AskAsync),
            new EventMethods(daemon),
            new PeerMethods(daemon),
            new PingMethods(daemon),
            new LogMethods(daemon),
            new DescribeMethods(Describe),
            new TrustMethods(daemon.Trust),
            new InviteMethods(daemon),
        ];
        foreach (MethodEntry entry in groups.SelectMany(group => group.Methods))
            _methods.Add(entry.Method.Name, entry);
        foreach ((string alias, string name) in MethodAliases.All)
            _methods.Add(alias, _methods[name] with { Method = _methods[name].Method with { Name = alias } });
        _descriptions = [.. _methods.Values.Select(entry => entry.Method)];
    }

    /// <inheritdoc/>
    public IReadOnlyList<ControlMethod> Describe() => _descriptions;

    /// <inheritdoc/>
    public async IAsyncEnumerable<ControlReply> InvokeAsync(
        ControlCall request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!_methods.TryGetValue(request.Method, out MethodEntry? entry))
        {
            yield return JsonReply.Error(ControlError.UnknownMethod, $"unknown command: {LogText.Escape(request.Method, longest: 64)}");
            yield break;
        }

        if (request.Principal.Role < entry.Method.RequiredRole)
        {
            yield return JsonReply.Error(ControlError.Denied,
                $"'{request.Method}' needs the role {entry.Method.RequiredRole}; {request.Principal.Name} has "
                + $"{request.Principal.Role}. Run it as root, or as the daemon's user.");
            yield break;
        }

        bool audited = entry.Method.RequiredRole == ControlRole.Admin;
        if (audited)
            Log.ControlCalled(_logger, request.Method, request.Principal.Name);
        if (CallParameters.Check(entry.Method, request, out IReadOnlyList<string> warnings) is { } problem)
        {
            ControlReply wrong = JsonReply.Error(ControlError.BadRequest, problem);
            if (audited)
                _audit(AuditLine.Of(entry.Method, request, wrong));
            yield return wrong;
            yield break;
        }
        // Who follows a stream may do so for days: nobody waits for that.
        int counted = entry.Method.Streaming ? 0 : 1;
        Interlocked.Add(ref _underWay, counted);
        try
        {
            await foreach (ControlReply reply in audited ? AuditAsync(entry, request, cancellationToken) : RunAsync(entry, request, cancellationToken))
                yield return warnings.Count == 0 ? reply : reply with { Warnings = [.. reply.Warnings, .. warnings] };
        }
        finally
        {
            Interlocked.Add(ref _underWay, -counted);
        }
    }

    /// <summary>Waits until no call is under way, streams aside, or as long as the limit.</summary>
    public async Task IdleAsync(TimeSpan limit)
    {
        long began = Stopwatch.GetTimestamp();
        while (Volatile.Read(ref _underWay) > 0 && Stopwatch.GetElapsedTime(began) < limit)
            await Task.Delay(10);
    }

    // For methods that are made of others' answers; by way of the table, so that they are what a viewer sees.
    private async Task<ControlReply> AskAsync(string method, CancellationToken cancellationToken)
    {
        var call = new ControlCall(method, default, new ControlPrincipal(ControlRole.Viewer, "the daemon"));
        await foreach (ControlReply reply in InvokeAsync(call, cancellationToken))
            return reply;
        return JsonReply.Error(ControlError.Internal, $"'{method}' gave no answer.");
    }

    // The line is written before the caller hears the outcome; of a stream at its end, however it ends.
    private async IAsyncEnumerable<ControlReply> AuditAsync(
        MethodEntry entry, ControlCall request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ControlReply? outcome = null;
        bool isWritten = false;
        try
        {
            await foreach (ControlReply reply in RunAsync(entry, request, cancellationToken))
            {
                if (!entry.Method.Streaming || reply.Error != ControlError.None)
                {
                    isWritten = true;
                    _audit(AuditLine.Of(entry.Method, request, reply));
                }
                yield return reply;
            }
            outcome = new ControlReply(default); // all was said
        }
        finally
        {
            if (!isWritten)
                _audit(AuditLine.Of(entry.Method, request, outcome));
        }
    }

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
        catch (TimeoutException exception)
        {
            // No line in the log: whoever waits asks again and again.
            return JsonReply.Error(ControlError.Timeout, exception.Message);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // Our own bug: the caller gets a sentence and the daemon goes on.
            Log.ControlFailed(_logger, request.Method, $"{exception.GetType().Name}: {exception.Message}");
            return JsonReply.Error(ControlError.Internal, $"'{request.Method}' failed: {exception.Message}");
        }
    }
}
