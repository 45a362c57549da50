using System.Net;
using System.Text.Json;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Joining;

/// <summary>The predecessor's invite, version 1: JSON, unsigned, without an end, and good for one side only.</summary>
internal sealed record LegacyInvite(string Network, string Prefix, string Name, string Address, string Fingerprint)
{
    /// <summary>Reads one, as strictly as the predecessor did.</summary>
    /// <exception cref="CommandException">It is none.</exception>
    public static LegacyInvite Read(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            JsonElement root = document.RootElement;
            JsonElement inviter = root.ValueKind == JsonValueKind.Object && root.TryGetProperty("inviter", out JsonElement found) ? found : default;
            var invite = new LegacyInvite(
                Required(root, "network"), Required(root, "prefix"), Required(inviter, "inviter.name"),
                Required(inviter, "inviter.address"), Required(inviter, "inviter.fingerprint"));
            _ = PeerFields.Label(invite.Name, "inviter.name");
            _ = PeerFields.Address(invite.Address, "inviter.address");
            return IPNetwork.TryParse(invite.Prefix, out _)
                ? invite with { Fingerprint = PeerFields.Fingerprint(invite.Fingerprint, "inviter.fingerprint") }
                : throw new CommandException($"The invite's prefix '{Escape.Controls(invite.Prefix)}' is no subnet.");
        }
        catch (JsonException)
        {
            throw new CommandException("The invite begins like JSON and is none: it is damaged. Copy it again, whole.");
        }
    }

    private static string Required(JsonElement element, string name) =>
        element.Text(name.Split('.')[^1]) is { Length: > 0 } text
            ? text
            : throw new CommandException($"The invite lacks '{name}'.");
}
