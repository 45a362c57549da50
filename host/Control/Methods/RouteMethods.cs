using VibePN.Contracts;
using VibePN.Engine;

namespace VibePN.Host.Control.Methods;

/// <summary>Where packets go and why: <c>routes</c>, <c>route.explain</c>.</summary>
internal sealed class RouteMethods(IDaemon daemon) : IMethodGroup
{
    /// <inheritdoc/>
    public IEnumerable<MethodEntry> Methods =>
    [
        MethodEntry.Once(new("routes", "Lists the routes of all networks.", ControlRole.Viewer)
            { Result = AnswerFields.Route, ReturnsList = true }, RoutesAsync),
        MethodEntry.Once(new("route.explain", "Says where a packet goes and why.", ControlRole.Viewer)
            { Parameters = RouteQuestionReader.Parameters, Result = AnswerFields.RouteExplanation }, ExplainAsync),
    ];

    private async Task<ControlReply> RoutesAsync(ControlCall request, CancellationToken cancellationToken)
    {
        EngineStatus status = await daemon.GetStatusAsync(cancellationToken);
        return JsonReply.Array(status.Routes, StatusJson.WriteRoute);
    }

    private async Task<ControlReply> ExplainAsync(ControlCall request, CancellationToken cancellationToken)
    {
        if (RouteQuestionReader.Read(request, out string problem) is not { } question)
            return JsonReply.Error(ControlError.BadRequest, problem);
        RouteAnswer answer = await daemon.ExplainRouteAsync(question, cancellationToken);
        if (answer.Report is not { } report)
            return JsonReply.Error(ControlError.NotFound, answer.Problem);
        PluginReport? policy = daemon.GetPlugins().FirstOrDefault(plugin => plugin is { Role: "routing", State: "running" });
        return JsonReply.OkObject(writer => RouteJson.Write(writer, report, policy));
    }
}
