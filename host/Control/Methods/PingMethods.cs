using System.Runtime.CompilerServices;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Host.Logging;

namespace VibePN.Host.Control.Methods;

/// <summary>A ping through the overlay: <c>ping.run</c>.</summary>
internal sealed class PingMethods(IDaemon daemon) : IMethodGroup
{
    // As ping(8) has it: who may only look may not flood.
    private const long ViewerIntervalMs = 200;

    /// <inheritdoc/>
    public IEnumerable<MethodEntry> Methods =>
    [
        new(new("ping.run", "Pings a peer or an address through the overlay, on the way that packets take.", ControlRole.Viewer, Streaming: true)
        {
            Parameters =
            [
                new("target", ControlValueKind.String, "A peer's name, or an address that a peer leads to.", Required: true),
                new("network", ControlValueKind.String, "In this network; by default one that leads there."),
                new("count", ControlValueKind.Integer, "How many questions, 0 for no end; by default 4."),
                new("interval_ms", ControlValueKind.Integer, "Between two questions, 10 to 3600000 ms, for a viewer at least 200; by default 1000."),
                new("size", ControlValueKind.Integer, "Payload, 8 to 65000 bytes; by default 56."),
                new("wait_ms", ControlValueKind.Integer, "How long to wait for an answer, 10 to 60000 ms; by default 2000."),
            ],
            Result = PeerFields.Ping,
        }, RunAsync),
    ];

    private async IAsyncEnumerable<ControlReply> RunAsync(ControlCall call, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (Read(call, out PingRequest request) is { } problem)
        {
            yield return JsonReply.Error(ControlError.BadRequest, problem);
            yield break;
        }
        await foreach (PingStep step in daemon.PingAsync(request, cancellationToken))
        {
            yield return step.Kind == PingStepKind.Refused
                ? JsonReply.Error(ControlError.NotFound, LogText.Escape(step.Text))
                : JsonReply.OkObject(writer => PeerJson.Write(writer, step));
        }
    }

    private static string? Read(ControlCall call, out PingRequest request)
    {
        long count = call.Integer("count") ?? 4;
        long interval = call.Integer("interval_ms") ?? 1_000;
        long size = call.Integer("size") ?? 56;
        long wait = call.Integer("wait_ms") ?? 2_000;
        request = new PingRequest(call.Text("target") ?? "", call.Text("network"));
        if (count is < 0 or > 1_000_000)
            return "'count' takes 0 to 1000000.";
        if (interval is < 10 or > 3_600_000)
            return "'interval_ms' takes 10 to 3600000 ms.";
        if (interval < ViewerIntervalMs && call.Principal.Role < ControlRole.Admin)
            return $"'interval_ms' below {ViewerIntervalMs} ms is for administrators.";
        if (size is < PingRequest.MinSize or > PingRequest.MaxSize)
            return $"'size' takes {PingRequest.MinSize} to {PingRequest.MaxSize} bytes.";
        if (wait < 10 || wait > PingRequest.MaxWait.TotalMilliseconds)
            return $"'wait_ms' takes 10 to {PingRequest.MaxWait.TotalMilliseconds:0} ms.";
        request = request with
        {
            Count = (int)count, Interval = TimeSpan.FromMilliseconds(interval), Size = (int)size, Wait = TimeSpan.FromMilliseconds(wait),
        };
        return null;
    }
}
