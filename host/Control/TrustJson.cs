using System.Text.Json;
using VibePN.Contracts;
using VibePN.Host.Trust;

namespace VibePN.Host.Control;

/// <summary>Writes the answers of the <c>trust</c> methods, their keys sorted.</summary>
internal static class TrustJson
{
    /// <summary>The members of an entry.</summary>
    public static IReadOnlyList<ControlField> Entry { get; } =
    [
        new("fingerprint", ControlValueKind.String, "The certificate's fingerprint; of a denial perhaps the public key's.", Required: true),
        new("first_seen", ControlValueKind.String, "When it was first seen, RFC 3339 UTC."),
        new("how", ControlValueKind.String, "How it came to be so: configured, first use, operator, verified, inbound or dialled.", Required: true),
        new("last_seen", ControlValueKind.String, "When it was last seen, RFC 3339 UTC."),
        new("peer", ControlValueKind.String, "The configured peer's name, or empty.", Required: true),
        new("pinned", ControlValueKind.String, "Of a conflict: what its peer is pinned to."),
        new("plugins", ControlValueKind.Strings, "The trust plugins that have it; none for a pin of config.toml alone.", Required: true),
        new("public_key", ControlValueKind.String, "The public key's fingerprint, where it was seen."),
        new("remote", ControlValueKind.String, "Where it is or was last seen from, or empty.", Required: true),
        new("sessions", ControlValueKind.Integer, "Connections open with it now.", Required: true),
        new("state", ControlValueKind.String, "pinned, pending, conflict or denied.", Required: true),
        new("void", ControlValueKind.String, "Why a stored pin counts for nothing, or empty.", Required: true),
    ];

    /// <summary>The members of <c>trust.list</c>.</summary>
    public static IReadOnlyList<ControlField> Book { get; } =
    [
        new("health", ControlValueKind.String, "ok, or degraded when a store cannot be used: nothing new is trusted then.", Required: true),
        new("problems", ControlValueKind.Strings, "Why, and what to do.", Required: true),
        new("records", ControlValueKind.Objects, "Pins, what is pending or in conflict, and denials, as trust.show has them.", Required: true),
    ];

    /// <summary>The members of the answer to an order.</summary>
    public static IReadOnlyList<ControlField> Answer { get; } =
    [
        new("dry_run", ControlValueKind.Boolean, "Whether nothing was changed.", Required: true),
        new("ended_sessions", ControlValueKind.Strings, "Sessions that ended, with the reason; their routes are gone.", Required: true),
        new("fingerprints", ControlValueKind.Strings, "The fingerprints concerned.", Required: true),
        new("message", ControlValueKind.String, "What was done and what follows.", Required: true),
        new("peer", ControlValueKind.String, "The peer concerned, or empty.", Required: true),
        new("plugins", ControlValueKind.Objects, "What each trust plugin said: plugin, done, text.", Required: true),
    ];

    /// <summary>An entry.</summary>
    public static void WriteEntry(Utf8JsonWriter writer, TrustEntry entry)
    {
        writer.WriteString("fingerprint", entry.Fingerprint.ToString());
        writer.Time("first_seen", entry.FirstSeen);
        writer.WriteString("how", entry.How);
        writer.Time("last_seen", entry.LastSeen);
        writer.WriteString("peer", entry.Peer);
        writer.WriteString("pinned", entry.Pinned?.ToString());
        writer.Strings("plugins", entry.Plugins);
        writer.WriteString("public_key", entry.PublicKey.IsEmpty ? null : entry.PublicKey.ToString());
        writer.WriteString("remote", entry.Remote);
        writer.WriteNumber("sessions", entry.Sessions);
        writer.WriteString("state", Word(entry.State));
        writer.WriteString("void", entry.Void);
    }

    /// <summary>Everything, health first to look at and in order to read.</summary>
    public static void WriteBook(Utf8JsonWriter writer, TrustBook book)
    {
        writer.WriteString("health", book.Problems.IsEmpty ? "ok" : "degraded");
        writer.Strings("problems", book.Problems);
        writer.WriteStartArray("records");
        foreach (TrustEntry entry in book.Entries)
        {
            writer.WriteStartObject();
            WriteEntry(writer, entry);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }

    /// <summary>What became of an order.</summary>
    public static void WriteAnswer(Utf8JsonWriter writer, TrustAnswer answer, bool dryRun)
    {
        writer.WriteBoolean("dry_run", dryRun);
        writer.Strings("ended_sessions", answer.Ended.Select(end => $"{end.Peer}: {end.Reason}"));
        writer.Strings("fingerprints", answer.Fingerprints.Select(fingerprint => fingerprint.ToString()));
        writer.WriteString("message", answer.Text);
        writer.WriteString("peer", answer.Peer);
        writer.WriteStartArray("plugins");
        foreach (PluginAnswer plugin in answer.Plugins)
        {
            writer.WriteStartObject();
            writer.WriteBoolean("done", plugin.Done);
            writer.WriteString("plugin", plugin.Plugin);
            writer.WriteString("text", plugin.Text);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }

    private static string Word(TrustState state) => state switch
    {
        TrustState.Pinned => "pinned",
        TrustState.Pending => "pending",
        TrustState.Conflict => "conflict",
        _ => "denied",
    };
}
