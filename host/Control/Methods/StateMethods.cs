using System.Runtime.InteropServices;
using VibePN.Contracts;
using VibePN.Engine;

namespace VibePN.Host.Control.Methods;

/// <summary>What the daemon is doing now: <c>status</c>, <c>peers</c>, <c>networks</c>, <c>version</c>.</summary>
internal sealed class StateMethods(IDaemon daemon) : IMethodGroup
{
    /// <inheritdoc/>
    public IEnumerable<MethodEntry> Methods =>
    [
        MethodEntry.Once(new("status", "Shows the daemon's health in one object.", ControlRole.Viewer)
            { Result = AnswerFields.Status }, StatusAsync),
        MethodEntry.Once(new("peers", "Lists the configured peers and their connections.", ControlRole.Viewer)
            { Result = AnswerFields.Peer, ReturnsList = true }, PeersAsync),
        MethodEntry.Once(new("networks", "Lists the networks with their interfaces and counters.", ControlRole.Viewer)
            { Result = AnswerFields.Network, ReturnsList = true }, NetworksAsync),
        MethodEntry.Once(new("version", "Names the versions of daemon, contracts and runtime.", ControlRole.Viewer)
            { Result = AnswerFields.Version }, VersionAsync),
    ];

    private async Task<ControlReply> StatusAsync(ControlCall request, CancellationToken cancellationToken)
    {
        EngineStatus status = await daemon.GetStatusAsync(cancellationToken);
        List<string> warnings =
        [
            .. status.Warnings,
            .. status.Networks.Where(network => network.Error.Length > 0)
                .Select(network => $"network {network.Name}: {network.Error}"),
            .. daemon.GetPlugins().Where(plugin => plugin.State is not ("running" or "standby"))
                .Select(plugin => $"plugin {plugin.Name} is {plugin.State}"),
            .. daemon.Onboarding.Fault is { } fault ? [$"invites: {fault}"] : Array.Empty<string>(),
        ];
        string hash = await daemon.GetConfigurationHashAsync(cancellationToken);
        return JsonReply.OkObject(writer =>
        {
            writer.WriteString("config_hash", hash);
            writer.WriteString("health", warnings.Count == 0 ? "ok" : "degraded");
            writer.WriteNumber("networks", status.Networks.Length);
            writer.WriteString("node", daemon.Node.ToString());
            writer.Strings("offloads", status.Offloads);
            writer.WriteNumber("peers", status.Peers.Count(peer => peer.State == "up"));
            writer.WriteNumber("peers_configured", status.Peers.Length);
            writer.Strings("pending", daemon.Pending);
            writer.WriteNumber("pid", Environment.ProcessId);
            writer.WriteNumber("routes", status.Routes.Length);
            writer.WriteString("uptime", GoDuration.Format(status.Uptime));
            writer.WriteString("version", ControlMethods.Version);
            writer.Strings("warnings", warnings);
        });
    }

    private async Task<ControlReply> PeersAsync(ControlCall request, CancellationToken cancellationToken)
    {
        EngineStatus status = await daemon.GetStatusAsync(cancellationToken);
        return JsonReply.Array(status.Peers, StatusJson.WritePeer);
    }

    private async Task<ControlReply> NetworksAsync(ControlCall request, CancellationToken cancellationToken)
    {
        EngineStatus status = await daemon.GetStatusAsync(cancellationToken);
        return JsonReply.Array(status.Networks, StatusJson.WriteNetwork);
    }

    private Task<ControlReply> VersionAsync(ControlCall request, CancellationToken cancellationToken) =>
        Task.FromResult(JsonReply.OkObject(writer =>
        {
            writer.WriteString("contracts", $"{ContractVersion.Major}.{ContractVersion.Minor}");
            writer.WriteString("daemon", ControlMethods.Version);
            writer.WriteString("runtime", RuntimeInformation.FrameworkDescription);
        }));
}
