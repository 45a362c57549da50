using System.Collections.Immutable;
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
        {
            Parameters =
            [
                new("filtered", ControlValueKind.Boolean, "Only announcements that were refused, with the reason."),
                new("all", ControlValueKind.Boolean, "Accepted and refused ones."),
            ],
            Result = AnswerFields.Route,
            ReturnsList = true,
        }, RoutesAsync),
        MethodEntry.Once(new("route.explain", "Says where a packet goes and why.", ControlRole.Viewer)
            { Parameters = RouteQuestionReader.Parameters, Result = AnswerFields.RouteExplanation }, ExplainAsync),
    ];

    private async Task<ControlReply> RoutesAsync(ControlCall request, CancellationToken cancellationToken)
    {
        bool filtered = request.Flag("filtered");
        bool all = request.Flag("all");
        if (filtered && all)
            return JsonReply.Error(ControlError.BadRequest, "'filtered' and 'all' exclude each other.");
        ImmutableArray<RouteStatus> refused = filtered || all ? await daemon.GetRefusedRoutesAsync(cancellationToken) : [];
        ImmutableArray<RouteStatus> accepted = filtered ? [] : (await daemon.GetStatusAsync(cancellationToken)).Routes;
        return JsonReply.Array(accepted.Concat(refused), StatusJson.WriteRoute);
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
