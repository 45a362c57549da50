using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace VibePN.Vpnctl.Rendering;

/// <summary>Prints JSON for scripts: indented by two spaces, a newline at the end.</summary>
internal static class JsonView
{
    private static readonly JsonWriterOptions Options = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static void Write(JsonElement value, TextWriter output) => Write(output, writer => WriteValue(writer, value));

    public static void Write(IReadOnlyList<JsonElement> values, TextWriter output, bool onOneLine = false) => Write(output, writer =>
    {
        writer.WriteStartArray();
        foreach (JsonElement value in values)
            WriteValue(writer, value);
        writer.WriteEndArray();
    }, onOneLine);

    /// <summary>A value on one line, for streams.</summary>
    public static void WriteLine(JsonElement value, TextWriter output) =>
        Write(output, writer => WriteValue(writer, value), onOneLine: true);

    public static void Write(TextWriter output, Action<Utf8JsonWriter> write, bool onOneLine = false)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Options with { Indented = !onOneLine }))
            write(writer);
        output.WriteLine(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
    }

    private static void WriteValue(Utf8JsonWriter writer, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Undefined)
            writer.WriteNullValue();
        else
            value.WriteTo(writer);
    }
}
