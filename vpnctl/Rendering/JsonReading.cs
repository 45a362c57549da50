using System.Text.Json;

namespace VibePN.Vpnctl.Rendering;

/// <summary>Reads answers without trusting them: what is missing or of another kind is null, or no items.</summary>
internal static class JsonReading
{
    public const string Nothing = "-";

    /// <summary>A string member as it is; for comparing and for JSON, not for the screen.</summary>
    public static string? Text(this JsonElement element, string name) =>
        Member(element, name) is { ValueKind: JsonValueKind.String } value ? value.AsText() : null;

    /// <summary>A string member fit for the screen; a dash when it is missing or empty.</summary>
    public static string Clean(this JsonElement element, string name) =>
        element.Text(name) is { Length: > 0 } text ? Escape.Controls(text) : Nothing;

    public static double? Number(this JsonElement element, string name) =>
        Member(element, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetDouble(out double number)
            ? number
            : null;

    public static long? Whole(this JsonElement element, string name) =>
        Member(element, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out long number)
            ? number
            : null;

    public static bool IsTrue(this JsonElement element, string name) =>
        Member(element, name) is { ValueKind: JsonValueKind.True };

    public static IEnumerable<JsonElement> Items(this JsonElement element, string name) =>
        Member(element, name) is { ValueKind: JsonValueKind.Array } value ? value.EnumerateArray() : [];

    public static IEnumerable<JsonProperty> Members(this JsonElement element, string name) =>
        Member(element, name) is { ValueKind: JsonValueKind.Object } value ? value.EnumerateObject() : [];

    /// <summary>A list's strings fit for the screen, with commas; a dash when there are none.</summary>
    public static string Joined(this JsonElement element, string name) =>
        string.Join(",", element.Items(name).Select(AsText).Select(Escape.Controls)) is { Length: > 0 } text
            ? text
            : Nothing;

    /// <summary>A value as text: a string's content, anything else as JSON.</summary>
    public static string AsText(this JsonElement element)
    {
        try
        {
            return element.ValueKind == JsonValueKind.String ? element.GetString()! : element.ToString();
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair, written as an escape.
            return element.GetRawText();
        }
    }

    private static JsonElement? Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value) ? value : null;
}
