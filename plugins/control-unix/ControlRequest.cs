using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace VibePN.Plugins.ControlUnix;

/// <summary>One request in the predecessor's form: the method's name, and every other member of the object as its parameters.</summary>
/// <param name="Command">The value of <c>cmd</c>.</param>
/// <param name="Parameters">An object of the other members, or undefined when there are none.</param>
internal sealed record ControlRequest(string Command, JsonElement Parameters)
{
    /// <summary>Bytes a request may have.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <summary>Whether a request has this form.</summary>
    public static bool IsOne(JsonElement root) => root.ValueKind == JsonValueKind.Object && root.TryGetProperty("cmd"u8, out _);

    /// <summary>Reads a request out of JSON.</summary>
    /// <param name="root">The request. Not kept.</param>
    /// <param name="request">The request.</param>
    /// <param name="error">What is wrong with it, as a sentence without its full stop.</param>
    public static bool TryRead(
        JsonElement root,
        [NotNullWhen(true)] out ControlRequest? request,
        [NotNullWhen(false)] out string? error)
    {
        request = null;
        error = null;
        if (root.ValueKind != JsonValueKind.Object)
            error = "the request is not a JSON object";
        else if (!root.TryGetProperty("cmd", out JsonElement command) || command.ValueKind != JsonValueKind.String)
            error = "the request has no text member \"cmd\"";
        else
            request = new ControlRequest(command.GetString()!, OtherMembers(root));
        return request is not null;
    }

    private static JsonElement OtherMembers(JsonElement root)
    {
        var buffer = new ArrayBufferWriter<byte>();
        int members = 0;
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (JsonProperty member in root.EnumerateObject())
            {
                if (member.NameEquals("cmd"u8))
                    continue;
                member.WriteTo(writer);
                members++;
            }
            writer.WriteEndObject();
        }
        if (members == 0)
            return default;
        using JsonDocument document = JsonDocument.Parse(buffer.WrittenMemory);
        return document.RootElement.Clone();
    }
}
