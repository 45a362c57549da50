using System.Globalization;
using System.Text;

namespace VibePN.Vpnctl.Identity;

/// <summary>The first configuration of a node, with hints where the operator goes on.</summary>
internal static class ConfigurationText
{
    public static string Of(InitPlan plan, string fingerprint) => $"""
        # Configuration of a VibePN node. Check it with: vibepnd --config {Comment(plan.Config)} --check

        listen = [{string.Join(", ", plan.Listen.Select(Quote))}]

        [identity]
        cert = {Quote(plan.Certificate)}
        key = {Quote(plan.Key)}
        fingerprint = {Quote(fingerprint)}{ControlOf(plan.Socket)}

        # Every peer needs a table like this. Without an address the peer dials us.
        #
        # [[peers]]
        # name = "node2"
        # address = "203.0.113.42:51820"
        # fingerprint = "<what 'vpnctl fingerprint' prints on that node>"
        # networks = [{Comment(Quote(plan.Network))}]

        """ + (plan.HasNetwork ? NetworkOf(plan) : "");

    private static string NetworkOf(InitPlan plan) => $"""

        [networks.{TableKey(plan.Network)}]
        prefix = {Quote(plan.Prefix)}
        {(plan.Prefix6 is null ? "# prefix6 = \"fd5a:1c3e:77::/64\"" : $"prefix6 = {Quote(plan.Prefix6)}\naddress6 = \"auto\"")}
        address = {Quote(plan.Address)}
        export = {(plan.Export ? "true" : "false")}

        """;

    private static string ControlOf(string? socket) => socket is null ? "" : $"""


        [control]
        socket = {Quote(socket)}
        """;

    /// <summary>A TOML basic string.</summary>
    public static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (char value in text)
        {
            if (value is '"' or '\\')
                quoted.Append('\\').Append(value);
            else if (char.IsControl(value))
                quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)value:x4}");
            else
                quoted.Append(value);
        }
        return quoted.Append('"').ToString();
    }

    /// <summary>A part of a table's name: a dot in a bare one would begin another table.</summary>
    public static string TableKey(string name) => name.Contains('.') ? Quote(name) : name;

    private static string Comment(string text) =>
        string.Concat(text.Select(value => char.IsControl(value) ? '?' : value));
}
