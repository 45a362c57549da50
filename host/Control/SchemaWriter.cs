using System.Text.Json;
using VibePN.Contracts;

namespace VibePN.Host.Control;

/// <summary>Writes declarations of methods as JSON Schema, draft 2020-12.</summary>
internal static class SchemaWriter
{
    /// <summary>The dialect's name.</summary>
    public const string Dialect = "https://json-schema.org/draft/2020-12/schema";

    private const string RequestEnvelope = """
        {
          "type": "object",
          "properties": {
            "v": { "const": 1 },
            "id": {
              "description": "Comes back with the answer. Unique among the calls that run on a connection.",
              "oneOf": [
                { "type": "integer", "minimum": 0, "maximum": 9007199254740991 },
                { "type": "string", "minLength": 1, "maxLength": 64 }
              ]
            },
            "method": { "type": "string", "description": "A method's name, or cancel with params {\"id\":...} to end another call." },
            "params": { "type": ["object", "null"] },
            "deadline_ms": { "type": ["integer", "null"], "minimum": 1, "description": "How long the call may take, ms." },
            "strict": { "type": "boolean", "description": "Whether a member or parameter that nobody reads is an error." }
          },
          "required": ["v", "id", "method"],
          "additionalProperties": false
        }
        """;

    // {codes} stands for the list of errors.
    private const string AnswerEnvelope = """
        {
          "type": "object",
          "properties": {
            "v": { "const": 1 },
            "id": { "type": ["integer", "string", "null"], "description": "The request's; null when it had none that could be used." },
            "ok": { "type": "boolean", "description": "On the last line of every call." },
            "result": { "description": "What the call gave." },
            "event": { "description": "What a stream says; more lines follow." },
            "dropped": { "type": "integer", "minimum": 1, "description": "Events of a stream left out here, because the client read too slowly." },
            "done": { "const": true, "description": "The stream has ended." },
            "cancelled": { "const": true, "description": "It ended because the client asked." },
            "warnings": { "type": "array", "items": { "type": "string" } },
            "error": {
              "type": "object",
              "properties": {
                "code": { "enum": [{codes}] },
                "message": { "type": "string" },
                "hint": { "type": "string" }
              },
              "required": ["code", "message"]
            }
          },
          "required": ["v", "id"],
          "oneOf": [
            { "properties": { "ok": { "const": true } }, "required": ["ok", "result"] },
            { "properties": { "ok": { "const": true } }, "required": ["ok", "done"] },
            { "properties": { "ok": { "const": false } }, "required": ["ok", "error"] },
            { "required": ["event"] },
            { "required": ["dropped"] }
          ]
        }
        """;

    /// <summary>The closed list of errors, as their codes.</summary>
    public static IReadOnlyList<string> Codes { get; } =
        [.. Enum.GetValues<ControlError>().Where(error => error != ControlError.None).Select(Code)];

    /// <summary>An error's code.</summary>
    public static string Code(ControlError error) => JsonNamingPolicy.SnakeCaseLower.ConvertName(error.ToString());

    /// <summary>A request's line.</summary>
    public static void WriteRequest(Utf8JsonWriter writer) => WriteText(writer, RequestEnvelope);

    /// <summary>A line of an answer.</summary>
    public static void WriteAnswer(Utf8JsonWriter writer) =>
        WriteText(writer, AnswerEnvelope.Replace("{codes}", string.Join(',', Codes.Select(code => $"\"{code}\"")), StringComparison.Ordinal));

    /// <summary>A call's parameters.</summary>
    public static void WriteParameters(Utf8JsonWriter writer, ControlMethod method)
    {
        writer.WriteStartObject();
        WriteMembers(writer, method.Parameters);
        writer.WriteBoolean("additionalProperties", false);
        writer.WriteEndObject();
    }

    /// <summary>A call's result; of a stream, each event. More members may come in later versions.</summary>
    public static void WriteResult(Utf8JsonWriter writer, ControlMethod method)
    {
        writer.WriteStartObject();
        if (method.ReturnsList)
        {
            writer.WriteString("type", "array");
            writer.WriteStartObject("items");
            WriteMembers(writer, method.Result);
            writer.WriteEndObject();
        }
        else
            WriteMembers(writer, method.Result);
        writer.WriteEndObject();
    }

    private static void WriteMembers(Utf8JsonWriter writer, IReadOnlyList<ControlField> fields)
    {
        writer.WriteString("type", "object");
        writer.WriteStartObject("properties");
        foreach (ControlField field in fields)
        {
            writer.WriteStartObject(field.Name);
            WriteType(writer, field);
            writer.WriteString("description", field.Help);
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
        writer.Strings("required", fields.Where(field => field.Required).Select(field => field.Name));
    }

    private static void WriteType(Utf8JsonWriter writer, ControlField field)
    {
        string type = field.Kind switch
        {
            ControlValueKind.Strings or ControlValueKind.Objects => "array",
            _ => JsonNamingPolicy.SnakeCaseLower.ConvertName(field.Kind.ToString()),
        };
        if (field.Required)
            writer.WriteString("type", type);
        else
            writer.Strings("type", [type, "null"]);
        if (type != "array")
            return;
        writer.WriteStartObject("items");
        writer.WriteString("type", field.Kind == ControlValueKind.Strings ? "string" : "object");
        writer.WriteEndObject();
    }

    // Through the parser, so that the blanks of the source do not reach the answer.
    private static void WriteText(Utf8JsonWriter writer, string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        document.RootElement.WriteTo(writer);
    }
}
