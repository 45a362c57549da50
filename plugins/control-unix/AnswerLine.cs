using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using VibePN.Contracts;

namespace VibePN.Plugins.ControlUnix;

/// <summary>Writes the lines of protocol version 1 (docs/control-protocol.md).</summary>
internal static class AnswerLine
{
    // Read by people and by JSON parsers, never by a browser: quotes may stand as they are.
    private static JsonWriterOptions Options => new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A call's result.</summary>
    public static ReadOnlyMemory<byte> Success(CallId id, JsonElement result, IReadOnlyList<string> warnings) =>
        Line(id, writer =>
        {
            writer.WriteBoolean("ok", true);
            writer.WritePropertyName("result");
            WriteValue(writer, result);
            WriteWarnings(writer, warnings);
        });

    /// <summary>What a stream says.</summary>
    public static ReadOnlyMemory<byte> Event(CallId id, JsonElement value, IReadOnlyList<string> warnings) =>
        Line(id, writer =>
        {
            writer.WritePropertyName("event");
            WriteValue(writer, value);
            WriteWarnings(writer, warnings);
        });

    /// <summary>How many events of a stream the client missed at this place.</summary>
    public static ReadOnlyMemory<byte> Dropped(CallId id, long count) =>
        Line(id, writer => writer.WriteNumber("dropped", count));

    /// <summary>The last line of a stream that ended well.</summary>
    public static ReadOnlyMemory<byte> Done(CallId id, bool cancelled) => Line(id, writer =>
    {
        writer.WriteBoolean("ok", true);
        writer.WriteBoolean("done", true);
        if (cancelled)
            writer.WriteBoolean("cancelled", true);
    });

    /// <summary>A failure.</summary>
    public static ReadOnlyMemory<byte> Failure(CallId id, CallFault fault) => Line(id, writer =>
    {
        writer.WriteBoolean("ok", false);
        writer.WriteStartObject("error");
        writer.WriteString("code", ErrorText.Code(fault.Error));
        writer.WriteString("message", fault.Message);
        if (fault.Hint.Length > 0)
            writer.WriteString("hint", fault.Hint);
        writer.WriteEndObject();
    });

    private static ReadOnlyMemory<byte> Line(CallId id, Action<Utf8JsonWriter> writeMembers)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            writer.WriteStartObject();
            writer.WriteNumber("v", CallRequest.Version);
            writer.WritePropertyName("id");
            id.WriteTo(writer);
            writeMembers(writer);
            writer.WriteEndObject();
        }
        buffer.Write("\n"u8);
        return buffer.WrittenMemory;
    }

    private static void WriteValue(Utf8JsonWriter writer, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Undefined)
            writer.WriteNullValue();
        else if (JsonMarshal.GetRawUtf8Value(value) is var text && text.IndexOfAnyInRange((byte)0, (byte)0x1F) < 0)
            writer.WriteRawValue(text, skipInputValidation: true); // it was parsed before: nobody has to read it again
        else
            value.WriteTo(writer); // written over several lines, where an answer has one
    }

    private static void WriteWarnings(Utf8JsonWriter writer, IReadOnlyList<string> warnings)
    {
        if (warnings.Count == 0)
            return;
        writer.WriteStartArray("warnings");
        foreach (string warning in warnings)
            writer.WriteStringValue(warning);
        writer.WriteEndArray();
    }
}
