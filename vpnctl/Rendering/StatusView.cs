using System.Text.Json;

namespace VibePN.Vpnctl.Rendering;

/// <summary>The daemon at a glance, health first. Scripts look for the lines Uptime, Peers and Routes.</summary>
internal static class StatusView
{
    public static void Render(JsonElement status, Terminal terminal)
    {
        string health = status.Clean("health");
        Tone tone = health == "ok" ? Tone.Good : Tone.Warning;
        string reason = status.Text("health_reason") is { Length: > 0 } ? ": " + status.Clean("health_reason") : "";
        terminal.Out.WriteLine($"Health: {Colour.Paint(health, tone, terminal)}{reason}");
        terminal.Out.WriteLine($"Uptime: {status.Clean("uptime")}");
        terminal.Out.WriteLine($"Peers:  {Units.Count(status.Whole("peers"))}");
        terminal.Out.WriteLine($"Routes: {Units.Count(status.Whole("routes"))}");
        WriteOptional(terminal, "Name:   ", status.Text("name"));
        WriteOptional(terminal, "Node:   ", status.Text("node"));
        if (status.Whole("peers_configured") is long configured)
            terminal.Out.WriteLine($"Configured: {configured} peers, {Units.Count(status.Whole("networks"))} networks");
        if (status.Text("version") is not null)
            terminal.Out.WriteLine($"Daemon: vibepnd {status.Clean("version")}, pid {Units.Count(status.Whole("pid"))}");
        foreach (JsonElement network in status.Items("network_states"))
            terminal.Out.WriteLine($"Network: {Escape.Controls(network.AsText())}");
        foreach (JsonElement down in status.Items("peers_down"))
            terminal.Out.WriteLine($"Down: {Escape.Controls(down.AsText())}");
        foreach (JsonElement offload in status.Items("offloads"))
            terminal.Out.WriteLine($"Offload: {Escape.Controls(offload.AsText())}");
        foreach (JsonElement pending in status.Items("pending"))
            terminal.Out.WriteLine($"Pending: {Escape.Controls(pending.AsText())}");
        foreach (JsonElement warning in status.Items("warnings"))
            terminal.Out.WriteLine(Colour.Paint($"Warning: {Escape.Controls(warning.AsText())}", Tone.Warning, terminal));
    }

    private static void WriteOptional(Terminal terminal, string label, string? value)
    {
        if (!string.IsNullOrEmpty(value))
            terminal.Out.WriteLine(label + Escape.Controls(value));
    }
}
