using VibePN.Contracts;
using VibePN.Host.Logging;

namespace VibePN.Host.Control.Methods;

/// <summary>How much is logged: <c>log.levels</c>, <c>log.set_level</c>.</summary>
internal sealed class LogMethods(IDaemon daemon) : IMethodGroup
{
    // Long enough for any hunt, short enough that no timer overflows.
    private const long MaxSeconds = 30 * 86_400;

    /// <inheritdoc/>
    public IEnumerable<MethodEntry> Methods =>
    [
        MethodEntry.Once(new("log.levels", "Lists the components that log, and how much.", ControlRole.Viewer)
            { Result = AnswerFields.LogLevel, ReturnsList = true }, ListAsync),
        MethodEntry.Once(new("log.set_level", "Changes how much a component logs, until the next start at most.", ControlRole.Admin)
        {
            Parameters =
            [
                new("component", ControlValueKind.String, "Such as engine/peers, engine for all below it, or * for all; by default *."),
                new("level", ControlValueKind.String, "debug, info, warn or error.", Required: true),
                new("for_s", ControlValueKind.Integer, "After so many seconds it returns by itself, 1 to 2592000."),
                new("dry_run", ControlValueKind.Boolean, "Only say what would change."),
            ],
            Result = [new("message", ControlValueKind.String, "What was done.", Required: true)],
        }, SetAsync),
    ];

    private Task<ControlReply> ListAsync(ControlCall call, CancellationToken cancellationToken) =>
        Task.FromResult(JsonReply.Array(daemon.LogLevels.List(), (writer, one) =>
        {
            writer.WriteString("component", one.Component);
            writer.WriteString("level", one.Level);
            writer.WriteString("set_for", one.SetFor.Length == 0 ? null : one.SetFor);
            writer.Time("until", one.Until);
        }));

    private Task<ControlReply> SetAsync(ControlCall call, CancellationToken cancellationToken)
    {
        string component = call.Text("component") ?? LogLevels.Everything;
        string level = call.Text("level") ?? "";
        long? seconds = call.Integer("for_s");
        if (seconds is < 1 or > MaxSeconds)
            return Task.FromResult(JsonReply.Error(ControlError.BadRequest, $"'for_s' takes 1 to {MaxSeconds} seconds."));
        bool dryRun = call.Flag("dry_run");
        TimeSpan? duration = seconds is { } given ? TimeSpan.FromSeconds(given) : null;
        if ((dryRun ? daemon.LogLevels.Check(component, level) : daemon.LogLevels.Set(component, level, duration)) is { } problem)
            return Task.FromResult(JsonReply.Error(ControlError.BadRequest, problem));
        string what = component == LogLevels.Everything ? "everything" : component;
        string until = duration is null ? "until the next start" : $"for {seconds} s";
        return Task.FromResult(JsonReply.Message($"{what} {(dryRun ? "would log" : "logs")} from {level} on, {until}"));
    }
}
