using System.Text.Json;

namespace VibePN.Vpnctl.Rendering;

/// <summary>What the daemon knows of its place in the network, and what it cannot know.</summary>
internal static class NetcheckView
{
    public static void Render(JsonElement answer, Terminal terminal)
    {
        TextWriter output = terminal.Out;
        foreach (JsonElement socket in answer.Items("sockets"))
        {
            output.WriteLine($"UDP socket:   {socket.Clean("local")}, buffers {Units.Bytes(socket.Whole("receive_buffer"))} in, "
                + $"{Units.Bytes(socket.Whole("send_buffer"))} out, {Units.Count(socket.Whole("drops"))} datagrams dropped");
        }
        if (!answer.Items("sockets").Any())
            output.WriteLine("UDP socket:   none");
        output.WriteLine($"Listen:       {answer.Joined("listen")}");
        JsonElement routes = Member(answer, "default_routes");
        output.WriteLine($"IPv4 route:   {Route(routes, "ipv4")}");
        output.WriteLine($"IPv6 route:   {Route(routes, "ipv6")}");
        output.WriteLine($"Public addresses of this machine: {answer.Joined("public_addresses")}");
        output.WriteLine($"NAT:          {Member(answer, "nat").Clean("text")}");
        output.WriteLine($"Came in from: {answer.Joined("inbound_from")}");
        JsonElement clock = Member(answer, "clock");
        string kept = clock.IsTrue("synchronised") ? "kept right by a time service" : "not known to be kept right";
        output.WriteLine($"Clock:        {clock.Clean("time")}, {kept}");
        foreach (JsonElement warning in answer.Items("warnings"))
            output.WriteLine(Colour.Paint($"Warning: {Escape.Controls(warning.AsText())}", Tone.Warning, terminal));
        WritePeers(answer, terminal);
    }

    private static void WritePeers(JsonElement answer, Terminal terminal)
    {
        if (!answer.Items("peers").Any())
            return;
        terminal.Out.WriteLine();
        var table = new Table(
            new Column("PEER"), new Column("STATE"), new Column("REACHED AT"), new Column("RTT", 3, true),
            new Column("PATH MTU", 2, true), new Column("LOSS", 1, true), new Column("LAST ERROR", 4));
        foreach (JsonElement peer in answer.Items("peers"))
        {
            bool isUp = peer.Text("state") == "up";
            table.Add(
                peer.Clean("name"), new Cell(peer.Clean("state"), isUp ? Tone.Good : Tone.Warning), peer.Clean("remote"),
                Units.Milliseconds(peer.Number("rtt_ms")), Units.Bytes(peer.Whole("path_mtu"), exactly: true),
                isUp ? Units.Permille(peer.Number("loss_permille")) : JsonReading.Nothing, peer.Clean("last_error"));
        }
        table.Write(terminal);
    }

    private static string Route(JsonElement routes, string family) =>
        routes.Items(family).Any() ? $"default on {routes.Joined(family)}" : "no default route";

    private static JsonElement Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value) ? value : default;
}
