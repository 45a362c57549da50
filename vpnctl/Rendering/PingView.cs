using System.Globalization;
using System.Text.Json;
using VibePN.Vpnctl.Commands;

namespace VibePN.Vpnctl.Rendering;

/// <summary>A ping as ping(8) shows it, with the peer that the answer came through.</summary>
internal static class PingView
{
    public static void Write(JsonElement step, string target, int size, Terminal terminal)
    {
        string sequence = $"seq={Units.Count(step.Whole("seq"))}";
        terminal.Out.WriteLine(step.Text("kind") switch
        {
            "begin" => $"PING {Escape.Controls(target)} ({step.Clean("address")}) in {step.Clean("network")} from {step.Clean("source")}: {size} bytes of data",
            "answer" => $"{Units.Count(step.Whole("bytes"))} bytes from {step.Clean("address")}: {sequence} ttl={Units.Count(step.Whole("hop_limit"))} "
                + $"time={Time(step.Number("rtt_ms"))} ms via {step.Clean("peer")} ({step.Clean("remote")})",
            "lost" => Colour.Paint($"from {step.Clean("address")}: {sequence} {step.Clean("text")}", Tone.Warning, terminal),
            _ => Colour.Paint($"not sent: {sequence} {step.Clean("drop")}: {step.Clean("text")}", Tone.Bad, terminal),
        });
    }

    public static void WriteSummary(PingTally tally, string target, Terminal terminal)
    {
        terminal.Out.WriteLine();
        terminal.Out.WriteLine($"--- {Escape.Controls(target)} ping statistics ---");
        terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{tally.Sent} packets sent, {tally.Received} received, {tally.LostPercent} % lost"));
        if (tally.Received > 0)
            terminal.Out.WriteLine($"round trip min/avg/max = {Time(tally.Least)}/{Time(tally.Average)}/{Time(tally.Most)} ms");
    }

    private static string Time(double? value) => value?.ToString("0.000", CultureInfo.InvariantCulture) ?? JsonReading.Nothing;
}
