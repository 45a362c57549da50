using System.Text.Json;

namespace VibePN.Vpnctl.Rendering;

/// <summary>The route table, as the daemon uses it.</summary>
internal static class RoutesView
{
    // Enough of a fingerprint to tell peers apart; JSON has all of it.
    private const int ShownDigits = 16;

    public static void Render(IReadOnlyList<JsonElement> routes, Terminal terminal)
    {
        if (routes.Count == 0)
        {
            terminal.Out.WriteLine("No routes.");
            return;
        }
        var table = new Table(
            new Column("NETWORK"),
            new Column("PREFIX"),
            new Column("PEER"),
            new Column("METRIC", 4, AlignRight: true),
            new Column("USE", 5),
            new Column("SOURCE", 3),
            new Column("AGE", 2, AlignRight: true),
            new Column("EXPIRES", 1));
        foreach (JsonElement route in routes)
            table.Add(Row(route));
        table.Write(terminal);
        foreach (JsonElement route in routes.Where(IsRefused))
            terminal.Out.WriteLine($"{route.Clean("prefix")} from {NameOf(route)}: {route.Clean("refused_by")}, {route.Clean("reason")}: {route.Clean("text")}");
    }

    private static bool IsRefused(JsonElement route) => route.Text("refused_by") is not null;

    private static string NameOf(JsonElement route) =>
        route.Text("peer_name") is { Length: > 0 } ? route.Clean("peer_name")
        : route.Clean("peer") is { Length: > ShownDigits } id ? id[..ShownDigits] : route.Clean("peer");

    private static Cell[] Row(JsonElement route) =>
    [
        route.Clean("network"),
        route.Clean("prefix"),
        NameOf(route),
        Units.Count(route.Whole("metric")),
        Use(route),
        route.Clean("source"),
        Units.Seconds(route.Whole("age_s")),
        route.Clean("expires"),
    ];

    private static Cell Use(JsonElement route)
    {
        if (IsRefused(route))
            return new Cell("refused", Tone.Bad);
        string use = route.IsTrue("best") ? "best" : "spare";
        return route.IsTrue("stale") ? new Cell(use + ", stale", Tone.Warning) : new Cell(use);
    }
}
