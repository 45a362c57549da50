using System.Collections.Immutable;
using System.Net;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine.Configuration;

namespace VibePN.Engine.Node;

/// <summary>A change of configuration with everything opened that it needs and nothing changed yet.</summary>
/// <remarks>
/// Either <see cref="ControlPlane.CommitReload"/> or <see cref="Undo"/> ends it. New listen addresses are opened beside
/// the old ones, so at no moment is the node deaf, and undoing it closes only what nobody has used. Control thread.
/// </remarks>
internal sealed class PreparedReload
{
    private readonly NetworkSet _networks;
    private readonly ImmutableArray<ITransportPlugin> _transports;
    private readonly ImmutableArray<IPEndPoint> _listenBefore;
    private readonly ILogger _logger;

    private PreparedReload(
        EngineConfiguration before, EngineConfiguration next, NetworkSet networks, ImmutableArray<ITransportPlugin> transports,
        ILogger logger)
    {
        Next = next;
        _networks = networks;
        _transports = transports;
        _listenBefore = before.Listen;
        _logger = logger;
        Added = networks.Prepare(next.Networks);
    }

    /// <summary>What is to be.</summary>
    public EngineConfiguration Next { get; }

    /// <summary>The new networks, their interfaces open.</summary>
    public ImmutableArray<OverlayNetwork> Added { get; }

    private bool MovesListen => !Next.Listen.SequenceEqual(_listenBefore);

    /// <summary>Opens what is new.</summary>
    /// <exception cref="PluginException">Something cannot be opened; nothing stays open.</exception>
    public static PreparedReload Open(
        EngineConfiguration before, EngineConfiguration next, NetworkSet networks, ImmutableArray<ITransportPlugin> transports,
        ILogger logger)
    {
        var prepared = new PreparedReload(before, next, networks, transports, logger);
        if (!prepared.MovesListen)
            return prepared;
        try
        {
            IPEndPoint[] both = [.. before.Listen.Concat(next.Listen).Distinct()];
            foreach (ITransportPlugin transport in transports)
                transport.Relisten(both);
            return prepared;
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // A transport's fault of any kind ends the reload; the exception itself is not kept.
            prepared.Undo();
            throw new PluginException($"'listen' could not be changed: {exception.Message}")
            {
                Fault = (exception as PluginException)?.Fault ?? PluginFault.Internal,
            };
        }
    }

    /// <summary>The change is made: addresses that are no longer listed are closed.</summary>
    public void Finish() => Relisten(Next.Listen);

    /// <summary>The change is not made: what was opened for it is closed.</summary>
    public void Undo()
    {
        _networks.Abandon(Added);
        Relisten(_listenBefore);
    }

    private void Relisten(ImmutableArray<IPEndPoint> listen)
    {
        if (!MovesListen)
            return;
        foreach (ITransportPlugin transport in _transports)
        {
            try
            {
                transport.Relisten(listen);
            }
            catch (Exception exception) when (exception is not OutOfMemoryException)
            {
                // All these addresses are open already, so only a fault of the plugin's own comes here.
                Log.ListenNotClosed(_logger, exception.Message);
            }
        }
    }
}
