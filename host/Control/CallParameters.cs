using System.Text.Json;
using VibePN.Contracts;
using VibePN.Host.Configuration;
using VibePN.Host.Logging;

namespace VibePN.Host.Control;

/// <summary>Checks a call's parameters against the method's declaration, and reads them.</summary>
internal static class CallParameters
{
    /// <summary>Checks names and kinds.</summary>
    /// <param name="method">What the method takes.</param>
    /// <param name="call">The call.</param>
    /// <param name="warnings">Parameters that nobody reads.</param>
    /// <returns>What is wrong, or null.</returns>
    public static string? Check(ControlMethod method, ControlCall call, out IReadOnlyList<string> warnings)
    {
        warnings = [];
        JsonElement given = call.Parameters;
        if (given.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null or JsonValueKind.Object))
            return $"the parameters of '{method.Name}' must be an object.";
        List<string> unknown = [];
        if (given.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty member in given.EnumerateObject())
            {
                ControlField? field = method.Parameters.FirstOrDefault(known => known.Name == member.Name);
                if (field is null)
                    unknown.Add(member.Name);
                else if (member.Value.ValueKind != JsonValueKind.Null && !Fits(member.Value, field.Kind))
                    return $"'{field.Name}' of '{method.Name}' must be {Word(field.Kind)}: {field.Help}";
            }
        }
        ControlField? missing = method.Parameters.FirstOrDefault(field => field.Required && !Has(given, field.Name));
        if (missing is not null)
            return $"'{method.Name}' needs '{missing.Name}': {missing.Help}";
        string[] texts = [.. unknown.Take(MaxWarnings).Select(name => Unknown(method, name))];
        if (call.Strict && texts.Length > 0)
            return texts[0];
        warnings = texts;
        return null;
    }

    /// <summary>A switch; false when it is absent.</summary>
    public static bool Flag(this ControlCall call, string name) =>
        TryGet(call.Parameters, name, out JsonElement value) && value.ValueKind == JsonValueKind.True;

    /// <summary>A text, or null when it is absent.</summary>
    public static string? Text(this ControlCall call, string name) =>
        TryGet(call.Parameters, name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>A whole number, or null when it is absent.</summary>
    public static long? Integer(this ControlCall call, string name) =>
        TryGet(call.Parameters, name, out JsonElement value) && value.ValueKind == JsonValueKind.Number
        && value.TryGetInt64(out long number) ? number : null;

    /// <summary>A list of texts; empty when it is absent.</summary>
    public static IReadOnlyList<string> Texts(this ControlCall call, string name) =>
        TryGet(call.Parameters, name, out JsonElement value) && value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Select(item => item.GetString() ?? "")]
            : [];

    // What a client sends must not come back a thousandfold.
    private const int MaxWarnings = 8;

    private static bool TryGet(JsonElement parameters, string name, out JsonElement value)
    {
        value = default;
        return parameters.ValueKind == JsonValueKind.Object && parameters.TryGetProperty(name, out value);
    }

    private static bool Has(JsonElement parameters, string name) =>
        TryGet(parameters, name, out JsonElement value) && value.ValueKind != JsonValueKind.Null;

    private static bool Fits(JsonElement value, ControlValueKind kind) => kind switch
    {
        ControlValueKind.String => value.ValueKind == JsonValueKind.String,
        ControlValueKind.Integer => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
        ControlValueKind.Number => value.ValueKind == JsonValueKind.Number,
        ControlValueKind.Boolean => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        ControlValueKind.Object => value.ValueKind == JsonValueKind.Object,
        ControlValueKind.Strings => value.ValueKind == JsonValueKind.Array
            && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String),
        ControlValueKind.Objects => value.ValueKind == JsonValueKind.Array
            && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Object),
        _ => false,
    };

    private static string Word(ControlValueKind kind) => kind switch
    {
        ControlValueKind.String => "a string",
        ControlValueKind.Integer => "a whole number",
        ControlValueKind.Number => "a number",
        ControlValueKind.Boolean => "true or false",
        ControlValueKind.Object => "an object",
        ControlValueKind.Strings => "a list of strings",
        _ => "a list of objects",
    };

    private static string Unknown(ControlMethod method, string name)
    {
        string shown = name.Length <= 64 ? name : name[..64];
        return $"'{method.Name}' has no parameter '{LogText.Escape(shown)}'"
            + Suggestion.For(shown, [.. method.Parameters.Select(field => field.Name)]);
    }
}
