using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace VibePN.Plugins.ControlUnix;

/// <summary>
/// Writes answers in the predecessor's form: <c>{"status":"ok","output":...}</c> or <c>{"status":"error","error":"..."}</c>, and a newline.
/// </summary>
internal static class Envelope
{
    // The answer is read by people and by JSON parsers, never by a browser: quotes may stand as they are.
    private static JsonWriterOptions Options => new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>An answer with a result; the keys of every object in it are sorted.</summary>
    public static ReadOnlyMemory<byte> Success(JsonElement output) => Line(writer =>
    {
        writer.WriteString("status", "ok");
        if (output.ValueKind == JsonValueKind.Undefined)
            return;
        writer.WritePropertyName("output");
        WriteSorted(writer, output);
    });

    /// <summary>An answer with several results.</summary>
    public static ReadOnlyMemory<byte> Success(IReadOnlyList<JsonElement> outputs) => Line(writer =>
    {
        writer.WriteString("status", "ok");
        writer.WriteStartArray("output");
        foreach (JsonElement output in outputs)
            WriteSorted(writer, output);
        writer.WriteEndArray();
    });

    /// <summary>A failure.</summary>
    /// <param name="error">The sentence.</param>
    /// <param name="code">What kind of failure, for programs; null where the sentence's beginning says it.</param>
    public static ReadOnlyMemory<byte> Failure(string error, string? code = null) => Line(writer =>
    {
        writer.WriteString("status", "error");
        writer.WriteString("error", error);
        if (code is not null)
            writer.WriteString("code", code);
    });

    private static ReadOnlyMemory<byte> Line(Action<Utf8JsonWriter> writeMembers)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            writer.WriteStartObject();
            writeMembers(writer);
            writer.WriteEndObject();
        }
        buffer.Write("\n"u8);
        return buffer.WrittenMemory;
    }

    private static void WriteSorted(Utf8JsonWriter writer, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (JsonProperty member in value.EnumerateObject().OrderBy(m => m.Name, StringComparer.Ordinal))
                {
                    writer.WritePropertyName(member.Name);
                    WriteSorted(writer, member.Value);
                }
                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (JsonElement item in value.EnumerateArray())
                    WriteSorted(writer, item);
                writer.WriteEndArray();
                break;
            case JsonValueKind.Undefined:
                writer.WriteNullValue();
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }
}
