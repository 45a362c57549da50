using System.Text.Json;

namespace VibePN.Vpnctl.Rendering;

/// <summary>The peers: how each is reached and how well.</summary>
internal static class PeersView
{
    public static void Render(IReadOnlyList<JsonElement> peers, Terminal terminal)
    {
        if (peers.Count == 0)
        {
            terminal.Out.WriteLine("No peers.");
            return;
        }
        var table = new Table(
            new Column("NAME"),
            new Column("STATE"),
            new Column("REMOTE", 8),
            new Column("RTT", 9, AlignRight: true),
            new Column("LOSS", 5, AlignRight: true),
            new Column("RECEIVED", 7, AlignRight: true),
            new Column("SENT", 6, AlignRight: true),
            new Column("DROPPED", 3, AlignRight: true),
            new Column("PATH MTU", 2, AlignRight: true),
            new Column("LAST SEEN", 4),
            new Column("NETWORKS", 10),
            new Column("ID", 1));
        foreach (JsonElement peer in peers)
            table.Add(Row(peer));
        table.Write(terminal);
        foreach (JsonElement peer in peers.Where(peer => peer.Text("last_error") is { Length: > 0 }))
            terminal.Out.WriteLine($"{peer.Clean("name")}: {peer.Clean("last_error")}{NextDial(peer)}");
    }

    private static Cell[] Row(JsonElement peer) =>
    [
        peer.Clean("name"),
        new Cell(peer.Clean("state"), ToneOf(peer.Text("state"))),
        peer.Text("remote") is null ? peer.Clean("address") : peer.Clean("remote"),
        Units.Milliseconds(peer.Number("rtt_ms")),
        Units.Permille(peer.Number("loss_permille")),
        Units.Bytes(peer.Whole("rx_bytes")),
        Units.Bytes(peer.Whole("tx_bytes")),
        Units.Count(peer.Whole("dropped_packets")),
        Units.Bytes(peer.Whole("path_mtu"), exactly: true),
        peer.Clean("last_seen"),
        peer.Joined("networks"),
        peer.Clean("id"),
    ];

    private static Tone ToneOf(string? state) => state switch
    {
        "up" => Tone.Good,
        "connecting" or "waiting" => Tone.Warning,
        _ => Tone.Plain,
    };

    private static string NextDial(JsonElement peer) =>
        peer.Number("next_dial_ms") is double wait ? $"; next attempt in {Units.Milliseconds(wait)}" : "";
}
