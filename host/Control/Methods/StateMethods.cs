using System.Runtime.InteropServices;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Host.Logging;

namespace VibePN.Host.Control.Methods;

/// <summary>What the daemon is doing now: <c>status</c>, <c>peers</c>, <c>networks</c>, <c>version</c>.</summary>
internal sealed class StateMethods(IDaemon daemon) : IMethodGroup
{
    // What every monitor asks, and all at once when something is wrong.
    private readonly SharedRun<ControlReply> _status = new(ending => DescribeAsync(daemon, ending), TimeProvider.System);

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

    private Task<ControlReply> StatusAsync(ControlCall request, CancellationToken cancellationToken) =>
        _status.AskAsync(cancellationToken);

    private static async Task<ControlReply> DescribeAsync(IDaemon daemon, CancellationToken cancellationToken)
    {
        EngineStatus status = await daemon.GetStatusAsync(cancellationToken);
        Health health = Health.Of(
            status with { Warnings = [.. status.Warnings, .. daemon.Warnings] },
            daemon.GetPlugins(), daemon.CertificateEnds, TimeProvider.System.GetUtcNow());
        string hash = await daemon.GetConfigurationHashAsync(cancellationToken);
        return JsonReply.OkObject(writer =>
        {
            writer.WriteString("config_hash", hash);
            writer.WriteString("health", health.Problems.IsEmpty ? "ok" : "degraded");
            writer.WriteString("health_reason", health.Reason);
            writer.Strings("network_states", status.Networks.Select(StateOf));
            writer.WriteNumber("networks", status.Networks.Length);
            writer.WriteString("node", daemon.Node.ToString());
            writer.Strings("offloads", status.Offloads);
            writer.WriteNumber("peers", status.Peers.Count(peer => peer.State == "up"));
            writer.WriteNumber("peers_configured", status.Peers.Length);
            writer.Strings("peers_down", status.Peers.Where(peer => peer.State != "up")
                .Select(peer => $"{peer.Name}: {peer.State}{(peer.LastError.Length > 0 ? "; " + LogText.Escape(peer.LastError) : "")}"));
            writer.Strings("pending", daemon.Pending);
            writer.WriteNumber("pid", Environment.ProcessId);
            writer.WriteNumber("routes", status.Routes.Length);
            writer.WriteString("uptime", GoDuration.Format(status.Uptime));
            writer.WriteString("version", ControlMethods.Version);
            writer.Strings("warnings", health.Problems.Concat(health.Notices));
        });
    }

    private static string StateOf(NetworkStatus network) => network.Device.Length == 0
        ? $"{network.Name}: down; {network.Error}"
        : $"{network.Name}: {network.Device}, {string.Join(' ', network.Addresses)}, mtu {network.Mtu} bytes, {network.PeersUp} peers up";

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
