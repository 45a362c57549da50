using System.Text.Json;

namespace VibePN.Vpnctl.Rendering;

/// <summary>Everything about one peer: first whether and how it is reached, then what flows, then what went wrong.</summary>
internal static class PeerView
{
    private const int LabelWidth = 11;

    public static void Render(JsonElement peer, Terminal terminal)
    {
        bool isUp = peer.Text("path") == "direct";
        Line(terminal, "Peer", $"{peer.Clean("name")} is {Colour.Paint(peer.Clean("state"), isUp ? Tone.Good : Tone.Warning, terminal)}");
        Line(terminal, "Id", peer.Clean("id"));
        if (isUp)
            RenderPath(peer, terminal);
        else
            RenderDown(peer, terminal);
        Line(terminal, "Last seen", peer.Clean("last_seen"));
        RenderTraffic(peer, terminal);
        foreach (JsonElement tried in peer.Items("addresses_tried"))
        {
            string result = tried.Text("result") is null ? "not tried" : $"{tried.Clean("result")}, {tried.Clean("time")}";
            Line(terminal, "Address", $"{tried.Clean("address")}: {result}");
        }
        foreach (JsonElement route in peer.Items("routes"))
            Line(terminal, "Route", $"{route.Clean("network")} {route.Clean("prefix")}, metric {Units.Count(route.Whole("metric"))}, "
                + (route.IsTrue("best") ? "best" : "spare") + (route.IsTrue("stale") ? ", stale" : ""));
        foreach (JsonElement error in peer.Items("errors"))
            Line(terminal, "Error", $"{error.Clean("time")}  {error.Clean("text")}");
    }

    private static void RenderPath(JsonElement peer, Terminal terminal)
    {
        string who = peer.Text("role") == "initiator" ? "dialled by this node" : "dialled by the peer";
        Line(terminal, "Path", $"direct, {peer.Clean("remote")}, {who}, up since {peer.Clean("since")}");
        Line(terminal, "Quality", $"RTT {Units.Milliseconds(peer.Number("rtt_ms"))}, loss {Units.Permille(peer.Number("loss_permille"))}, "
            + $"{Units.Count(peer.Whole("datagrams_lost"))} datagrams lost");
        Line(terminal, "Size", $"path MTU {Units.Bytes(peer.Whole("path_mtu"), exactly: true)}, "
            + $"largest packet {Units.Bytes(peer.Whole("max_packet"), exactly: true)}");
        string renewal = peer.Whole("renews_in_s") is long left ? $"renewed in {Units.Seconds(left)}" : "renewed by the peer";
        Line(terminal, "Keys", $"{Units.Seconds(peer.Whole("key_age_s"))} old, {renewal}");
    }

    private static void RenderDown(JsonElement peer, Terminal terminal)
    {
        string reason = peer.Text("last_error") is { Length: > 0 } ? $": {peer.Clean("last_error")}" : "";
        Line(terminal, "Path", $"down{reason}");
        if (peer.Text("advice") is { Length: > 0 })
            Line(terminal, "What to do", peer.Clean("advice"));
        if (peer.Whole("barred_s") is long barred)
            Line(terminal, "Left alone", $"for {Units.Seconds(barred)} more: it went over its limits");
        if (peer.Number("next_dial_ms") is double wait)
            Line(terminal, "Next dial", $"in {Units.Milliseconds(wait)}");
        if (peer.IsTrue("routes_held"))
            Line(terminal, "Routes", "kept as a last choice: it means to be back");
    }

    private static void RenderTraffic(JsonElement peer, Terminal terminal)
    {
        foreach (JsonElement network in peer.Items("network_details"))
        {
            string state = network.IsTrue("agreed")
                ? $"received {Units.Bytes(network.Whole("bytes_in"))} in {Units.Count(network.Whole("packets_in"))} packets, "
                    + $"sent {Units.Bytes(network.Whole("bytes_out"))} in {Units.Count(network.Whole("packets_out"))} packets"
                : peer.Text("path") == "direct" ? "not shared: the peer is not in it, or does not list this node there" : "not connected";
            Line(terminal, "Network", $"{network.Clean("name")}: {state}");
        }
        Line(terminal, "Queue", Units.Bytes(peer.Whole("queued_bytes")));
        string drops = string.Join(", ", peer.Members("drops")
            .Select(drop => $"{Escape.Controls(drop.Name)} {Escape.Controls(drop.Value.AsText())}"));
        Line(terminal, "Dropped", drops.Length > 0 ? drops : "nothing");
    }

    private static void Line(Terminal terminal, string label, string text) =>
        terminal.Out.WriteLine($"{(label + ":").PadRight(LabelWidth)} {text}");
}
