using System.Text.Json;

namespace VibePN.Vpnctl.Rendering;

/// <summary>One event, one line: when, which, what.</summary>
internal static class EventsView
{
    private const int KindWidth = 16;

    public static void Write(JsonElement one, Terminal terminal)
    {
        if (one.Whole("dropped") is long dropped)
        {
            terminal.Out.WriteLine(Colour.Paint($"... {dropped} events are missing here: they came faster than they were read", Tone.Warning, terminal));
            return;
        }
        string kind = one.Clean("kind");
        terminal.Out.WriteLine($"{one.Clean("time")}  {Units.Count(one.Whole("seq")),6}  "
            + $"{Colour.Paint(kind.PadRight(KindWidth), ToneOf(kind), terminal)}  {one.Clean("text")}");
    }

    private static Tone ToneOf(string kind) => kind switch
    {
        "peer.up" or "network.up" => Tone.Good,
        "peer.down" or "network.down" or "plugin.failed" or "trust.conflict" => Tone.Bad,
        "trust.pending" or "route.withdrawn" or "invite.refused" => Tone.Warning,
        _ => Tone.Plain,
    };
}
