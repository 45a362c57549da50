using System.Text.Json;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Control;

/// <summary>Writes requests of version 1 of the control protocol, and reads the lines that answer them.</summary>
internal static class ControlLine
{
    private const int Version = 1;

    /// <summary>A request. What the daemon does not know in it is an error: an option that nobody reads must not pass for obeyed.</summary>
    public static byte[] Request(long id, string method, Action<Utf8JsonWriter> writeParameters, TimeSpan? deadline)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteNumber("v", Version);
            writer.WriteNumber("id", id);
            writer.WriteString("method", method);
            writer.WriteStartObject("params");
            writeParameters(writer);
            writer.WriteEndObject();
            if (deadline is { } limit)
                writer.WriteNumber("deadline_ms", (long)limit.TotalMilliseconds);
            writer.WriteBoolean("strict", true);
            writer.WriteEndObject();
        }
        buffer.WriteByte((byte)'\n');
        return buffer.ToArray();
    }

    /// <summary>Reads a line that is an object.</summary>
    /// <exception cref="CommandException">It is none.</exception>
    public static JsonElement Parse(ReadOnlyMemory<byte> line, string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            // Said below.
        }
        throw new CommandException($"What answers on {Escape.Controls(path)} does not speak vibepnd's protocol.");
    }

    /// <summary>Whether the daemon refused the connection itself, before it read any request: asking again is safe.</summary>
    public static bool IsTurnedAway(JsonElement line) =>
        line.TryGetProperty("v", out _)
            ? Id(line) is null && Error(line).Text("code") == "unavailable"
            : line.Text("error")?.StartsWith("unavailable: ", StringComparison.Ordinal) is true;

    /// <summary>Whether a line belongs to a call, or to the whole connection.</summary>
    public static bool Concerns(JsonElement line, long id) => !line.TryGetProperty("v", out _) || Id(line) is not { } other || other == id;

    /// <summary>Throws what a line complains of.</summary>
    /// <exception cref="CommandException">It does.</exception>
    public static void ThrowIfRefused(JsonElement line, string path)
    {
        if (!line.TryGetProperty("v", out _))
            throw OldRefusal(line, path);
        if (line.IsTrue("ok") || line.TryGetProperty("event", out _) || line.TryGetProperty("dropped", out _))
            return;
        JsonElement error = Error(line);
        string text = Escape.ControlsButNewlines(error.Text("message") ?? "vibepnd gave no reason");
        if (error.Text("hint") is { Length: > 0 } hint)
            text += "\nHint: " + Escape.ControlsButNewlines(hint);
        throw new CommandException(text, CodeOf(error.Text("code")));
    }

    private static int CodeOf(string? code) => code switch
    {
        "bad_request" => ExitCode.Usage,
        "invalid_config" => ExitCode.CheckFailed,
        "denied" => ExitCode.NotAuthorised,
        "timeout" => ExitCode.TimedOut,
        _ => ExitCode.Failed,
    };

    // A daemon that has not read the request yet, or is older than version 1, speaks as the predecessor did.
    private static CommandException OldRefusal(JsonElement line, string path)
    {
        string error = line.Text("error") ?? "vibepnd gave no reason";
        if (error.Contains("no text member \"cmd\"", StringComparison.Ordinal) || line.Text("status") == "ok")
            return new CommandException($"The daemon on {Escape.Controls(path)} is older than this vpnctl: it does not speak "
                + $"version {Version} of the control protocol. Restart it, or use the vpnctl that came with it.");
        int code = error.StartsWith("not authorised: ", StringComparison.Ordinal) ? ExitCode.NotAuthorised
            : error.StartsWith("timed out: ", StringComparison.Ordinal) ? ExitCode.TimedOut
            : ExitCode.Failed;
        return new CommandException(Escape.ControlsButNewlines(error), code);
    }

    private static JsonElement Error(JsonElement line) => line.TryGetProperty("error", out JsonElement error) ? error : default;

    private static long? Id(JsonElement line) =>
        line.TryGetProperty("id", out JsonElement id) && id.ValueKind == JsonValueKind.Number && id.TryGetInt64(out long number)
            ? number : null;
}
