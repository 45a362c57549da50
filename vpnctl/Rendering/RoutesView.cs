using System.Text.Json;

namespace VibePN.Vpnctl.Rendering;

/// <summary>The route table, as the daemon uses it.</summary>
internal static class RoutesView
{
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
    }

    private static Cell[] Row(JsonElement route) =>
    [
        route.Clean("network"),
        route.Clean("prefix"),
        route.Text("peer_name") is { Length: > 0 } ? route.Clean("peer_name") : route.Clean("peer"),
        Units.Count(route.Whole("metric")),
        Use(route),
        route.Clean("source"),
        Units.Seconds(route.Whole("age_s")),
        route.Clean("expires"),
    ];

    private static Cell Use(JsonElement route)
    {
        string use = route.IsTrue("best") ? "best" : "spare";
        return route.IsTrue("stale") ? new Cell(use + ", stale", Tone.Warning) : new Cell(use);
    }
}
