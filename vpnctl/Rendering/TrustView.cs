using System.Text.Json;

namespace VibePN.Vpnctl.Rendering;

/// <summary>Who is believed and who is not. Fingerprints stand in full: a part of one proves nothing.</summary>
internal static class TrustView
{
    /// <summary>Everything, the store's health first.</summary>
    public static void RenderBook(JsonElement book, Terminal terminal)
    {
        bool isWell = book.Text("health") == "ok";
        terminal.Out.WriteLine($"Store: {Colour.Paint(book.Clean("health"), isWell ? Tone.Good : Tone.Bad, terminal)}");
        foreach (JsonElement problem in book.Items("problems"))
            terminal.Out.WriteLine(Colour.Paint($"Warning: {Escape.Controls(problem.AsText())}", Tone.Warning, terminal));
        RenderTable([.. book.Items("records")], terminal, "Nothing is pinned, pending or denied.");
    }

    /// <summary>What waits for a decision, and how to make it.</summary>
    public static void RenderPending(JsonElement output, Terminal terminal)
    {
        JsonElement[] entries = Entries(output);
        RenderTable(entries, terminal, "Nothing is pending.");
        foreach (JsonElement entry in entries)
            terminal.Out.WriteLine(NextStep(entry));
    }

    /// <summary>Some entries in full.</summary>
    public static void RenderEntries(JsonElement output, Terminal terminal)
    {
        bool isFirst = true;
        foreach (JsonElement entry in Entries(output))
        {
            if (!isFirst)
                terminal.Out.WriteLine();
            isFirst = false;
            RenderEntry(entry, terminal);
        }
    }

    /// <summary>What became of an order.</summary>
    public static void RenderAnswer(JsonElement answer, Terminal terminal)
    {
        terminal.Out.WriteLine(answer.Clean("message"));
        foreach (JsonElement plugin in answer.Items("plugins").Where(plugin => !plugin.IsTrue("done")))
            terminal.Out.WriteLine($"  {plugin.Clean("plugin")}: {plugin.Clean("text")}");
    }

    private static JsonElement[] Entries(JsonElement output) =>
        output.ValueKind == JsonValueKind.Array ? [.. output.EnumerateArray()] : [];

    private static void RenderTable(JsonElement[] entries, Terminal terminal, string nothing)
    {
        if (entries.Length == 0)
        {
            terminal.Out.WriteLine(nothing);
            return;
        }
        var table = new Table(
            new Column("STATE"),
            new Column("PEER"),
            new Column("FINGERPRINT"),
            new Column("HOW", 5),
            new Column("LAST SEEN", 4),
            new Column("REMOTE", 3),
            new Column("FIRST SEEN", 2),
            new Column("PUBLIC KEY", 1));
        foreach (JsonElement entry in entries)
        {
            table.Add(
                new Cell(entry.Clean("state"), ToneOf(entry)),
                entry.Clean("peer"),
                entry.Clean("fingerprint"),
                entry.Text("void") is { Length: > 0 } ? entry.Clean("how") + ", void" : entry.Clean("how"),
                entry.Clean("last_seen"),
                entry.Clean("remote"),
                entry.Clean("first_seen"),
                entry.Clean("public_key"));
        }
        table.Write(terminal);
    }

    private static void RenderEntry(JsonElement entry, Terminal terminal)
    {
        terminal.Out.WriteLine($"State:       {Colour.Paint(entry.Clean("state"), ToneOf(entry), terminal)}");
        terminal.Out.WriteLine($"Peer:        {entry.Clean("peer")}");
        terminal.Out.WriteLine($"Fingerprint: {entry.Clean("fingerprint")}");
        if (entry.Text("pinned") is not null)
            terminal.Out.WriteLine($"Pinned to:   {entry.Clean("pinned")}");
        terminal.Out.WriteLine($"Public key:  {entry.Clean("public_key")}");
        terminal.Out.WriteLine($"How:         {entry.Clean("how")}");
        terminal.Out.WriteLine($"First seen:  {entry.Clean("first_seen")}");
        terminal.Out.WriteLine($"Last seen:   {entry.Clean("last_seen")}");
        terminal.Out.WriteLine($"Remote:      {entry.Clean("remote")}");
        terminal.Out.WriteLine($"Sessions:    {Units.Count(entry.Whole("sessions"))}");
        terminal.Out.WriteLine($"Stored by:   {entry.Joined("plugins")}");
        if (entry.Text("void") is { Length: > 0 })
            terminal.Out.WriteLine($"Void:        {entry.Clean("void")}");
        if (entry.Text("state") is "pending" or "conflict")
            terminal.Out.WriteLine(NextStep(entry));
    }

    private static string NextStep(JsonElement entry)
    {
        string fingerprint = entry.Clean("fingerprint");
        if (entry.Text("state") == "conflict")
        {
            return entry.Text("pinned") is null
                ? $"If it should be {entry.Clean("peer")}: vpnctl trust accept {fingerprint} --peer {entry.Clean("peer")}"
                : $"If {entry.Clean("peer")} was renewed on purpose: vpnctl trust replace {entry.Clean("peer")} --from {entry.Clean("pinned")} --to {fingerprint}";
        }
        string peer = entry.Text("peer") is { Length: > 0 } ? "" : " --peer NAME";
        return $"Compare it with 'vpnctl fingerprint' on the peer's own machine, then: vpnctl trust accept {fingerprint}{peer}";
    }

    private static Tone ToneOf(JsonElement entry) => entry.Text("state") switch
    {
        "pinned" when entry.Text("void") is not { Length: > 0 } => Tone.Good,
        "pending" => Tone.Warning,
        "conflict" or "denied" => Tone.Bad,
        _ => Tone.Plain,
    };
}
