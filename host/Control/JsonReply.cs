using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using VibePN.Contracts;

namespace VibePN.Host.Control;

/// <summary>Builds the JSON of answers.</summary>
internal static class JsonReply
{
    // Read by people and by JSON parsers, never by a browser: quotes may stand as they are.
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A successful answer whose value <paramref name="write"/> writes.</summary>
    public static ControlReply Ok(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(1_024);
        using (var writer = new Utf8JsonWriter(buffer, s_options))
            write(writer);
        var reader = new Utf8JsonReader(buffer.WrittenSpan);
        return new ControlReply(JsonElement.ParseValue(ref reader));
    }

    /// <summary>A successful answer of one object.</summary>
    public static ControlReply OkObject(Action<Utf8JsonWriter> writeMembers) => Ok(writer =>
    {
        writer.WriteStartObject();
        writeMembers(writer);
        writer.WriteEndObject();
    });

    /// <summary>A successful answer that is a sentence: <c>{"message":"..."}</c>.</summary>
    public static ControlReply Message(string text) => OkObject(writer => writer.WriteString("message", text));

    /// <summary>A failure.</summary>
    public static ControlReply Error(ControlError error, string text) => new(default, error, text);

    /// <summary>An array of objects.</summary>
    public static ControlReply Array<T>(IEnumerable<T> items, Action<Utf8JsonWriter, T> writeMembers) => Ok(writer =>
    {
        writer.WriteStartArray();
        foreach (T item in items)
        {
            writer.WriteStartObject();
            writeMembers(writer, item);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    });

    /// <summary>A time as RFC 3339 UTC in whole seconds, or null.</summary>
    public static void Time(this Utf8JsonWriter writer, string name, DateTimeOffset? time)
    {
        if (time is { } value)
            writer.WriteString(name, value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", null));
        else
            writer.WriteNull(name);
    }

    /// <summary>A number, or null.</summary>
    public static void Number(this Utf8JsonWriter writer, string name, double? value)
    {
        if (value is { } number)
            writer.WriteNumber(name, number);
        else
            writer.WriteNull(name);
    }

    /// <summary>An array of strings.</summary>
    public static void Strings(this Utf8JsonWriter writer, string name, IEnumerable<string> values)
    {
        writer.WriteStartArray(name);
        foreach (string value in values)
            writer.WriteStringValue(value);
        writer.WriteEndArray();
    }
}
