using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Policy;

namespace VibePN.Engine.Node;

/// <summary>The machine's own routes: an overlay must not take packets from the networks that the machine is attached to.</summary>
/// <remarks>Control thread.</remarks>
internal sealed class LocalRoutes(ITunPlugin tun, ILogger logger)
{
    private ImmutableArray<MachineRoute> _routes = [];
    private string _fault = "";

    /// <summary>Why the machine's routes are not known, or empty.</summary>
    public string Fault => _fault;

    /// <summary>Asks for the routes as they are now.</summary>
    /// <returns>Whether they differ from the last ones.</returns>
    public bool Refresh()
    {
        try
        {
            ImmutableArray<MachineRoute> routes = [.. tun.GetMachineRoutes().Where(route => route.Prefix.Length > 0)];
            _fault = "";
            if (routes.SequenceEqual(_routes))
                return false;
            _routes = routes;
            return true;
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // The last known routes stay in force; the operator is told in status.
            if (_fault != exception.Message)
                Log.LocalRoutesUnknown(logger, exception.Message);
            _fault = exception.Message;
            return false;
        }
    }

    /// <inheritdoc cref="OverlapCheck.Against(NetworkConfiguration, IEnumerable{MachineRoute})"/>
    public string? Against(NetworkConfiguration network) => OverlapCheck.Against(network, _routes);

    /// <inheritdoc cref="OverlapCheck.Against(NetworkConfiguration, IpPrefix, IEnumerable{MachineRoute})"/>
    public string? Against(NetworkConfiguration network, IpPrefix prefix) => OverlapCheck.Against(network, prefix, _routes);

    /// <inheritdoc cref="OverlapCheck.TakenBy"/>
    public IEnumerable<string> TakenBy(NetworkConfiguration network) => OverlapCheck.TakenBy(network, _routes);
}
