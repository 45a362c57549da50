using VibePN.Contracts;
using VibePN.Engine;

namespace VibePN.Host.Control.Methods;

/// <summary>One peer: <c>peers.get</c>, <c>peers.disconnect</c>, <c>peers.reconnect</c>.</summary>
internal sealed class PeerMethods(IDaemon daemon) : IMethodGroup
{
    private static readonly ControlField Name = new("name", ControlValueKind.String, "The peer's name.", Required: true);
    private static readonly ControlField DryRun = new("dry_run", ControlValueKind.Boolean, "Only say what would be done.");

    private static readonly ControlField[] Sentence =
        [new("message", ControlValueKind.String, "What was done.", Required: true)];

    /// <inheritdoc/>
    public IEnumerable<MethodEntry> Methods =>
    [
        MethodEntry.Once(new("peers.get", "Shows everything about one peer.", ControlRole.Viewer)
            { Parameters = [Name], Result = PeerFields.Detail }, GetAsync),
        MethodEntry.Once(new("peers.disconnect", "Ends a peer's connections; dialling goes on after the back-off.", ControlRole.Admin)
            { Parameters = [Name, DryRun], Result = Sentence }, DisconnectAsync),
        MethodEntry.Once(new("peers.reconnect", "Ends a peer's connections and dials it at once, whatever failed before.", ControlRole.Admin)
            { Parameters = [Name, DryRun], Result = Sentence }, ReconnectAsync),
    ];

    private async Task<ControlReply> GetAsync(ControlCall call, CancellationToken cancellationToken)
    {
        string name = call.Text("name") ?? "";
        if (await daemon.GetPeerAsync(name, cancellationToken) is { } peer)
            return JsonReply.OkObject(writer => PeerJson.Write(writer, peer));
        EngineStatus status = await daemon.GetStatusAsync(cancellationToken);
        string[] names = [.. status.Peers.Select(known => known.Name)];
        return JsonReply.Error(ControlError.NotFound,
            $"there is no peer '{Logging.LogText.Escape(name)}'{Configuration.Suggestion.For(name, names)}.")
            with { Hint = names.Length == 0 ? "there are no peers" : "peers: " + string.Join(", ", names) };
    }

    private async Task<ControlReply> DisconnectAsync(ControlCall call, CancellationToken cancellationToken) =>
        Answer(await daemon.DisconnectPeerAsync(call.Text("name") ?? "", call.Flag("dry_run"), cancellationToken));

    private async Task<ControlReply> ReconnectAsync(ControlCall call, CancellationToken cancellationToken) =>
        Answer(await daemon.ReconnectPeerAsync(call.Text("name") ?? "", call.Flag("dry_run"), cancellationToken));

    private static ControlReply Answer(PeerOrder order) =>
        order.Done ? JsonReply.Message(order.Text) : JsonReply.Error(ControlError.NotFound, Logging.LogText.Escape(order.Text));
}
