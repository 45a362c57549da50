using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Engine.Configuration;
using VibePN.Host.Bundle;
using VibePN.Host.Doctor;
using VibePN.Host.Netcheck;

namespace VibePN.Host.Control.Methods;

/// <summary>Why it does not work: <c>doctor.online</c>, <c>netcheck.run</c>, <c>bundle.create</c>.</summary>
/// <param name="daemon">The daemon.</param>
/// <param name="ask">Runs one of the daemon's methods as a viewer, for the bundle.</param>
internal sealed class DiagnosisMethods(IDaemon daemon, Func<string, CancellationToken, Task<ControlReply>> ask) : IMethodGroup
{
    /// <inheritdoc/>
    public IEnumerable<MethodEntry> Methods =>
    [
        MethodEntry.Once(new("doctor.online", "Judges what only the running daemon can see: check 20 of vpnctl doctor.", ControlRole.Viewer)
            { Result = AnswerFields.Check }, OnlineAsync),
        MethodEntry.Once(new("netcheck.run", "Says what is known of this node's place in the network: sockets, default routes, peers, clock.", ControlRole.Viewer)
            { Result = AnswerFields.Netcheck }, NetcheckAsync),
        MethodEntry.Once(new("bundle.create", "Gathers what somebody who helps needs to see, without keys and secrets.", ControlRole.Admin)
        {
            Parameters =
            [
                new("redact", ControlValueKind.Boolean, "Replace addresses, names and fingerprints."),
                new("dry_run", ControlValueKind.Boolean, "Only name the files."),
            ],
            Result = AnswerFields.BundleFile,
            ReturnsList = true,
        }, BundleAsync),
    ];

    private async Task<ControlReply> OnlineAsync(ControlCall request, CancellationToken cancellationToken)
    {
        EngineStatus status = await daemon.GetStatusAsync(cancellationToken);
        string state = daemon.Settings.StateDirectory;
        Check check = OnlineCheck.Run(status, daemon.GetPlugins(), state, OnlineCheck.FreeBytes(state));
        return JsonReply.OkObject(writer => CheckJson.Write(writer, check));
    }

    private async Task<ControlReply> NetcheckAsync(ControlCall request, CancellationToken cancellationToken)
    {
        EngineStatus status = await daemon.GetStatusAsync(cancellationToken);
        EngineConfiguration configuration = await daemon.GetConfigurationAsync(cancellationToken);
        return JsonReply.OkObject(Reachability.Of(status, configuration).Write);
    }

    private async Task<ControlReply> BundleAsync(ControlCall request, CancellationToken cancellationToken)
    {
        ImmutableArray<BundleFile> files = request.Flag("dry_run")
            ? [.. BundleMaker.Names.Select(name => new BundleFile(name, ""))]
            : await new BundleMaker(daemon.Files, request.Flag("redact")).MakeAsync(daemon, ask, cancellationToken);
        return JsonReply.Array(files, BundleMaker.Write);
    }
}
