using VibePN.Contracts;

namespace VibePN.Host.Control.Methods;

/// <summary>Which plugins run, and which take another's place: <c>plugins.list</c>, <c>plugins.swap</c>.</summary>
internal sealed class PluginMethods(IDaemon daemon) : IMethodGroup
{
    /// <inheritdoc/>
    public IEnumerable<MethodEntry> Methods =>
    [
        MethodEntry.Once(new("plugins.list", "Lists the plugins with version, hash and state.", ControlRole.Viewer)
            { Result = AnswerFields.Plugin, ReturnsList = true }, ListAsync),
        MethodEntry.Once(new("plugins.swap", "Lets a listed plugin take another's place.", ControlRole.Admin)
        {
            Parameters =
            [
                new("role", ControlValueKind.String, "The role: routing or trust.", Required: true),
                new("name", ControlValueKind.String, "The plugin that comes.", Required: true),
                new("replace", ControlValueKind.String, "The plugin that goes, where several fill the role."),
                new("dry_run", ControlValueKind.Boolean, "Only say what would change."),
            ],
            Result =
            [
                new("changes", ControlValueKind.Strings, "Destinations or sessions concerned.", Required: true),
                new("message", ControlValueKind.String, "What was done.", Required: true),
                new("took_ms", ControlValueKind.Number, "How long the control thread was busy, ms; null when nothing was changed."),
            ],
        }, SwapAsync),
    ];

    private Task<ControlReply> ListAsync(ControlCall request, CancellationToken cancellationToken) =>
        Task.FromResult(JsonReply.Array(daemon.GetPlugins(), StatusJson.WritePlugin));

    private async Task<ControlReply> SwapAsync(ControlCall request, CancellationToken cancellationToken)
    {
        string? role = request.Text("role");
        string? name = request.Text("name");
        if (role is null || name is null)
            return JsonReply.Error(ControlError.BadRequest, "a swap needs a role (trust or routing) and a plugin's name.");
        var swap = new SwapRequest(role, name, request.Text("replace"), request.Flag("dry_run"));
        SwapOutcome outcome = await daemon.SwapAsync(swap, request.Principal.Name, cancellationToken);
        if (outcome.Error != ControlError.None)
            return JsonReply.Error(outcome.Error, outcome.Text);
        return JsonReply.OkObject(writer =>
        {
            writer.Strings("changes", outcome.Changes);
            writer.WriteString("message", outcome.Text);
            writer.Number("took_ms", outcome.Took is { } took ? Math.Round(took.TotalMilliseconds, 3) : null);
        });
    }
}
