using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine.Configuration;

namespace VibePN.Engine.Node;

/// <summary>The machine's own routes: an overlay must not take packets from the networks that the machine is attached to.</summary>
/// <remarks>
/// The kernel sends a packet by its longest prefix. So what is wider than a route of the machine leaves that route alone,
/// and what is equal to it or lies within it would take its packets away. Default routes are there to be overridden.
/// Control thread.
/// </remarks>
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

    /// <summary>The route of the machine that this prefix would take packets from, or null.</summary>
    private MachineRoute? CapturedBy(IpPrefix prefix)
    {
        foreach (MachineRoute route in _routes)
        {
            if (route.Prefix.Contains(prefix))
                return route;
        }
        return null;
    }

    /// <summary>What stands against opening a network, and what to do; null when nothing does, or the operator allows it.</summary>
    public string? Against(NetworkConfiguration network)
    {
        foreach (IpPrefix? subnet in new[] { network.Prefix, network.Prefix6 })
        {
            if (subnet is { } prefix && Against(network, prefix) is { } words)
            {
                return $"its subnet {prefix} {words}. "
                    + "Use another subnet, or write overlap = \"allow\" if that is meant.";
            }
        }
        return null;
    }

    /// <summary>What stands against a prefix of a network, in a clause; null when nothing does, or the operator allows it.</summary>
    public string? Against(NetworkConfiguration network, IpPrefix prefix) =>
        network.Overlap == OverlapRule.Refuse && CapturedBy(prefix) is { } route ? $"would take packets from {Describe(route)}" : null;

    /// <summary>What an open network takes from the machine because the operator allows it, a sentence for each subnet.</summary>
    public IEnumerable<string> TakenBy(NetworkConfiguration network)
    {
        foreach (IpPrefix? subnet in new[] { network.Prefix, network.Prefix6 })
        {
            if (network.Overlap == OverlapRule.Allow && subnet is { } prefix && CapturedBy(prefix) is { } route)
                yield return $"its subnet {prefix} takes packets from {Describe(route)} (overlap = \"allow\")";
        }
    }

    private static string Describe(MachineRoute route) =>
        $"{route.Prefix}{(route.Interface.Length > 0 ? $" on {route.Interface}" : "")}, which this machine reaches by itself";
}
