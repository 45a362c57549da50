using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Host.Logging;

namespace VibePN.Host.Control;

/// <summary>Reads the parameters of <c>route.explain</c>.</summary>
internal static class RouteQuestionReader
{
    /// <summary>What can be asked.</summary>
    public static IReadOnlyList<ControlField> Parameters { get; } =
    [
        new("destination", ControlValueKind.String, "The packet's destination, an IPv4 or IPv6 address.", Required: true),
        new("from", ControlValueKind.String, "Its source; this node's own when absent."),
        new("network", ControlValueKind.String, "The network; the one that covers the destination most closely when absent."),
    ];

    /// <summary>Reads them.</summary>
    /// <param name="call">The call, checked against <see cref="Parameters"/>.</param>
    /// <param name="problem">What is wrong, when null is returned.</param>
    public static RouteQuestion? Read(ControlCall call, out string problem)
    {
        problem = "";
        if (!TryReadAddress(call, "destination", ref problem, out IpAddress? destination) || destination is not { } to
            || !TryReadAddress(call, "from", ref problem, out IpAddress? from))
            return null;
        return new RouteQuestion(to, call.Text("network"), from);
    }

    private static bool TryReadAddress(ControlCall call, string name, ref string problem, out IpAddress? address)
    {
        address = null;
        if (call.Text(name) is not { } text)
            return true;
        if (IpAddress.TryParse(text, out IpAddress read))
        {
            address = read;
            return true;
        }

        problem = $"'{LogText.Escape(text, longest: 64)}' is no IP address: '{name}' is one such as 192.168.7.20 or fd5a::7.";
        return false;
    }
}
