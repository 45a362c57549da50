using System.Globalization;
using System.Text.Json;
using System.Text.Unicode;
using VibePN.Contracts;

namespace VibePN.Plugins.ControlUnix;

/// <summary>How a client tells its calls apart: a whole number, or a short text. The default is no id.</summary>
internal readonly record struct CallId
{
    private const long MaxNumber = (1L << 53) - 1;
    private const int MaxText = 64;

    private readonly long _number;
    private readonly string? _text;

    private CallId(long number, string? text)
    {
        IsKnown = true;
        _number = number;
        _text = text;
    }

    /// <summary>Whether there is one.</summary>
    public bool IsKnown { get; }

    /// <summary>Reads an id.</summary>
    /// <returns>False when it is neither a whole number from 0 to 2^53-1 nor a text of 1 to 64 characters.</returns>
    public static bool TryRead(JsonElement value, out CallId id)
    {
        id = default;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) && number is >= 0 and <= MaxNumber)
            id = new CallId(number, null);
        else if (value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 and <= MaxText } text)
            id = new CallId(0, text);
        return id.IsKnown;
    }

    /// <summary>Writes it; null when there is none.</summary>
    public void WriteTo(Utf8JsonWriter writer)
    {
        if (!IsKnown)
            writer.WriteNullValue();
        else if (_text is not null)
            writer.WriteStringValue(_text);
        else
            writer.WriteNumberValue(_number);
    }

    /// <inheritdoc/>
    public override string ToString() => _text is null ? _number.ToString(CultureInfo.InvariantCulture) : $"\"{_text}\"";
}

/// <summary>Why a call failed.</summary>
internal sealed record CallFault(ControlError Error, string Message, string Hint = "");

/// <summary>One request of protocol version 1.</summary>
internal sealed record CallRequest
{
    /// <summary>The version of the protocol that is spoken here.</summary>
    public const int Version = 1;

    // What a client sends must not come back a thousandfold.
    private const int MaxWarnings = 8;
    private const int MaxEcho = 64;

    private static readonly string[] Members = ["v", "id", "method", "params", "deadline_ms", "strict"];

    private static JsonDocumentOptions JsonRules => new()
    {
        MaxDepth = RequestFramer.MaxDepth,
        AllowDuplicateProperties = false,
    };

    /// <summary>The id that the answer carries.</summary>
    public required CallId Id { get; init; }

    /// <summary>What is called.</summary>
    public required string Method { get; init; }

    /// <summary>The parameters; undefined when there are none.</summary>
    public JsonElement Parameters { get; init; }

    /// <summary>How long it may take; null leaves the setting's.</summary>
    public TimeSpan? Deadline { get; init; }

    /// <summary>Whether what nobody reads is an error.</summary>
    public bool Strict { get; init; }

    /// <summary>Members of the request that nobody reads.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Whether a request is of this protocol, whatever its version.</summary>
    public static bool IsOne(JsonElement root) => root.ValueKind == JsonValueKind.Object && root.TryGetProperty("v"u8, out _);

    /// <summary>Reads JSON, and every text in it, so that nobody after this finds one that is not whole.</summary>
    /// <param name="json">The bytes.</param>
    /// <param name="problem">What is wrong with them, as a sentence without its full stop.</param>
    /// <returns>A document that the caller disposes, or null.</returns>
    public static JsonDocument? Parse(ReadOnlyMemory<byte> json, out string problem)
    {
        problem = ErrorText.Describe(FrameState.NotJson);
        // The parser looks at the bytes of a text only when somebody reads it.
        if (!Utf8.IsValid(json.Span))
            return null;
        JsonDocument? document = null;
        try
        {
            document = JsonDocument.Parse(json, JsonRules);
            CheckTexts(document.RootElement);
            return document;
        }
        catch (JsonException)
        {
            return null;
        }
        catch (InvalidOperationException)
        {
            document?.Dispose();
            problem = "the request holds text that is not valid Unicode";
            return null;
        }
    }

    /// <summary>Reads a request out of JSON.</summary>
    /// <param name="root">The request.</param>
    /// <param name="id">The id for the answer, also when the rest is wrong.</param>
    /// <param name="fault">What is wrong with it.</param>
    /// <returns>The request, or null.</returns>
    public static CallRequest? TryRead(JsonElement root, out CallId id, out CallFault? fault)
    {
        fault = null;
        return Read(root, out id, ref fault);
    }

    private static CallRequest? Read(JsonElement root, out CallId id, ref CallFault? fault)
    {
        id = default;
        if (root.ValueKind != JsonValueKind.Object)
        {
            fault = Bad("the request is not a JSON object");
            return null;
        }
        bool hasId = root.TryGetProperty("id"u8, out JsonElement idValue);
        bool idIsGood = hasId && CallId.TryRead(idValue, out id);
        if (!root.TryGetProperty("v"u8, out JsonElement version))
            fault = Bad("the request has no \"v\"");
        else if (version.ValueKind != JsonValueKind.Number || !version.TryGetInt32(out int number) || number != Version)
            fault = new CallFault(ControlError.UnsupportedVersion,
                $"version {Short(version.GetRawText())} of the control protocol is not spoken here", $"spoken: {Version}");
        else if (!idIsGood)
            fault = Bad(hasId
                ? "\"id\" must be a whole number from 0 to 9007199254740991 or a string of 1 to 64 characters"
                : "the request has no \"id\"");
        else if (!root.TryGetProperty("method"u8, out JsonElement method) || method.ValueKind != JsonValueKind.String)
            fault = Bad("the request has no string \"method\"");
        else
            return ReadRest(root, id, method.GetString()!, ref fault);
        return null;
    }

    private static CallRequest? ReadRest(JsonElement root, CallId id, string method, ref CallFault? fault)
    {
        TimeSpan? deadline = null;
        if (root.TryGetProperty("deadline_ms"u8, out JsonElement limit) && limit.ValueKind != JsonValueKind.Null)
        {
            if (limit.ValueKind != JsonValueKind.Number || !limit.TryGetInt32(out int milliseconds) || milliseconds <= 0)
                return Fail(ref fault, "\"deadline_ms\" must be a whole number of milliseconds, at least 1");
            deadline = TimeSpan.FromMilliseconds(milliseconds);
        }
        bool strict = false;
        if (root.TryGetProperty("strict"u8, out JsonElement strictness))
        {
            if (strictness.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
                return Fail(ref fault, "\"strict\" must be true or false");
            strict = strictness.ValueKind == JsonValueKind.True;
        }
        JsonElement parameters = default;
        if (root.TryGetProperty("params"u8, out JsonElement given) && given.ValueKind != JsonValueKind.Null)
        {
            if (given.ValueKind != JsonValueKind.Object)
                return Fail(ref fault, "\"params\" must be an object");
            parameters = given.Clone();
        }
        string[] warnings = [.. UnknownMembers(root).Take(MaxWarnings)];
        if (strict && warnings.Length > 0)
            return Fail(ref fault, warnings[0]);
        return new CallRequest
        {
            Id = id, Method = method, Parameters = parameters, Deadline = deadline, Strict = strict, Warnings = warnings,
        };
    }

    // Throws over half a surrogate pair, written as an escape.
    private static void CheckTexts(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                value.GetString();
                break;
            case JsonValueKind.Object:
                foreach (JsonProperty member in value.EnumerateObject())
                {
                    _ = member.Name;
                    CheckTexts(member.Value);
                }
                break;
            case JsonValueKind.Array:
                foreach (JsonElement item in value.EnumerateArray())
                    CheckTexts(item);
                break;
        }
    }

    private static IEnumerable<string> UnknownMembers(JsonElement root) =>
        from member in root.EnumerateObject()
        where !Members.Contains(member.Name)
        select $"a request has no member '{Short(member.Name)}'";

    private static CallRequest? Fail(ref CallFault? fault, string message)
    {
        fault = Bad(message);
        return null;
    }

    private static CallFault Bad(string message) => new(ControlError.BadRequest, message);

    private static string Short(string text) => text.Length <= MaxEcho ? text : text[..MaxEcho] + "...";
}
