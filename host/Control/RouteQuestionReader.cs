using System.Text.Json;
using VibePN.Contracts;
using VibePN.Engine;

namespace VibePN.Host.Control;

/// <summary>Reads the parameters of <c>route.explain</c>: <c>destination</c>, and perhaps <c>network</c> and <c>from</c>.</summary>
internal static class RouteQuestionReader
{
    private static readonly string[] Known = ["destination", "from", "network"];

    /// <summary>Reads them.</summary>
    /// <param name="parameters">The request's other members.</param>
    /// <param name="problem">What is wrong, when null is returned.</param>
    public static RouteQuestion? Read(JsonElement parameters, out string problem)
    {
        problem = "'route.explain' needs 'destination', an IPv4 or IPv6 address.";
        if (parameters.ValueKind != JsonValueKind.Object)
            return null;
        foreach (JsonProperty member in parameters.EnumerateObject())
        {
            if (!Known.Contains(member.Name) || member.Value.ValueKind != JsonValueKind.String)
            {
                problem = $"'route.explain' takes the texts {string.Join(", ", Known)}, not '{Logging.LogText.Escape(member.Name)}'.";
                return null;
            }
        }

        if (!TryReadAddress(parameters, "destination", ref problem, out IpAddress? destination) || destination is not { } to
            || !TryReadAddress(parameters, "from", ref problem, out IpAddress? from))
            return null;
        string? network = parameters.TryGetProperty("network", out JsonElement name) ? name.GetString() : null;
        return new RouteQuestion(to, network, from);
    }

    private static bool TryReadAddress(JsonElement parameters, string name, ref string problem, out IpAddress? address)
    {
        address = null;
        if (!parameters.TryGetProperty(name, out JsonElement value))
            return true;
        if (IpAddress.TryParse(value.GetString(), out IpAddress read))
        {
            address = read;
            return true;
        }

        string text = value.GetString() ?? "";
        problem = $"'{Logging.LogText.Escape(text.Length <= 64 ? text : text[..64] + "...")}' is no IP address: '{name}' is one such as 192.168.7.20 or fd5a::7.";
        return false;
    }
}
