namespace VibePN.Contracts;

/// <summary>What all five roles share: a life between start and stop.</summary>
/// <remarks>
/// The host constructs a plugin (which touches nothing), starts it, and stops it, each once. Start order is
/// trust, routing, tun, transport, control; stop order is the reverse. After <see cref="StopAsync"/> no thread,
/// timer, registration or handle of the plugin may remain, so that its code can be unloaded.
/// </remarks>
public interface IPlugin
{
    /// <summary>Gets ready to serve: opens what it needs, checks what its settings cannot show.</summary>
    /// <param name="cancellationToken">Cancelled after 10 s; a plugin that has not started by then has failed.</param>
    /// <exception cref="PluginException">It cannot start; the message tells the operator why and what to do.</exception>
    ValueTask StartAsync(CancellationToken cancellationToken);

    /// <summary>Releases everything. Called once, also after a failed start.</summary>
    /// <param name="cancellationToken">Cancelled after 5 s; what still runs then is abandoned and reported.</param>
    ValueTask StopAsync(CancellationToken cancellationToken);
}
