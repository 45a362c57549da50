using VibePN.Contracts;

namespace VibePN.Host.Control.Methods;

/// <summary>What changes the running daemon as a whole: <c>reload</c>, <c>goodbye</c>, <c>shutdown</c>.</summary>
internal sealed class OperateMethods(IDaemon daemon) : IMethodGroup
{
    private static readonly ControlField[] Sentence =
        [new("message", ControlValueKind.String, "What was done.", Required: true)];

    private static readonly ControlField DryRun = new("dry_run", ControlValueKind.Boolean, "Only say what would change.");

    /// <inheritdoc/>
    public IEnumerable<MethodEntry> Methods =>
    [
        MethodEntry.Once(new("reload", "Reads config.toml and plugins.toml again, all or nothing.", ControlRole.Admin)
        {
            Parameters = [DryRun],
            Result =
            [
                new("changes", ControlValueKind.Strings, "What was changed, or would be.", Required: true),
                new("ended_sessions", ControlValueKind.Strings, "Sessions that ended, with the reason.", Required: true),
                .. Sentence,
                new("warnings", ControlValueKind.Strings, "What is wrong with plugins that the daemon can do without.", Required: true),
            ],
        }, ReloadAsync),
        MethodEntry.Once(new("goodbye", "Says goodbye to every peer; dialling goes on after the back-off.", ControlRole.Admin)
            { Parameters = [DryRun], Result = Sentence }, GoodbyeAsync),
        MethodEntry.Once(new("shutdown", "Says goodbye and ends the daemon.", ControlRole.Admin)
            { Parameters = [DryRun], Result = Sentence }, ShutdownAsync),
    ];

    private async Task<ControlReply> ReloadAsync(ControlCall request, CancellationToken cancellationToken)
    {
        bool dryRun = request.Flag("dry_run");
        ReloadOutcome outcome = await daemon.ReloadAsync(dryRun, request.Principal.Name, cancellationToken);
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

    private async Task<ControlReply> GoodbyeAsync(ControlCall request, CancellationToken cancellationToken)
    {
        if (request.Flag("dry_run"))
            return JsonReply.Message("would send goodbye to all peers");
        await daemon.GoodbyeAsync(cancellationToken);
        return JsonReply.Message("sent goodbye to all peers");
    }

    private Task<ControlReply> ShutdownAsync(ControlCall request, CancellationToken cancellationToken)
    {
        if (request.Flag("dry_run"))
            return Task.FromResult(JsonReply.Message("would shut down"));
        daemon.RequestStop("shutdown by " + request.Principal.Name);
        return Task.FromResult(JsonReply.Message("shutting down"));
    }
}
