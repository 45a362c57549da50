using System.Text.Json;

namespace VibePN.Vpnctl.Rendering;

/// <summary>The networks: interface, addresses, traffic, and why packets were dropped.</summary>
internal static class NetworksView
{
    public static void Render(IReadOnlyList<JsonElement> networks, Terminal terminal)
    {
        if (networks.Count == 0)
        {
            terminal.Out.WriteLine("No networks.");
            return;
        }
        var table = new Table(
            new Column("NETWORK"),
            new Column("DEVICE", 8),
            new Column("ADDRESSES"),
            new Column("MTU", 3, AlignRight: true),
            new Column("PEERS UP", 7, AlignRight: true),
            new Column("RECEIVED", 6, AlignRight: true),
            new Column("PACKETS IN", 2, AlignRight: true),
            new Column("SENT", 5, AlignRight: true),
            new Column("PACKETS OUT", 1, AlignRight: true),
            new Column("ORIGINATES", 4));
        foreach (JsonElement network in networks)
            table.Add(Row(network));
        table.Write(terminal);
        foreach (JsonElement network in networks)
            WriteTroubles(network, terminal);
    }

    private static Cell[] Row(JsonElement network) =>
    [
        network.Clean("name"),
        network.Clean("device"),
        network.Joined("addresses"),
        Units.Bytes(network.Whole("mtu"), exactly: true),
        Units.Count(network.Whole("peers_up")),
        Units.Bytes(network.Whole("bytes_in")),
        Units.Count(network.Whole("packets_in")),
        Units.Bytes(network.Whole("bytes_out")),
        Units.Count(network.Whole("packets_out")),
        network.Joined("originate"),
    ];

    private static void WriteTroubles(JsonElement network, Terminal terminal)
    {
        if (network.Text("error") is { Length: > 0 })
            terminal.Out.WriteLine(Colour.Paint($"{network.Clean("name")}: {network.Clean("error")}", Tone.Bad, terminal));
        string drops = string.Join(", ", network.Members("drops")
            .Select(drop => $"{Escape.Controls(drop.Name)} {Escape.Controls(drop.Value.AsText())}"));
        if (drops.Length > 0)
            terminal.Out.WriteLine($"{network.Clean("name")}: packets dropped: {drops}");
    }
}
