using System.Collections.Concurrent;
using System.Text.Json;
using VibePN.Contracts;
using VibePN.Host.Logging;

namespace VibePN.Host.Control.Methods;

/// <summary>What can be asked, for programs: <c>api.describe</c>.</summary>
/// <param name="methods">All methods, this one and second names included.</param>
internal sealed class DescribeMethods(Func<IReadOnlyList<ControlMethod>> methods) : IMethodGroup
{
    // Long, and the same for everybody as long as the daemon runs: all methods, and each by its name.
    private readonly Lazy<ControlReply> _all = new(() => Describe(methods()));
    private readonly ConcurrentDictionary<string, ControlReply> _each = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public IEnumerable<MethodEntry> Methods =>
    [
        MethodEntry.Once(new("api.describe", "Describes every method as JSON Schema, the errors, and the lines of the protocol.", ControlRole.Viewer)
        {
            Parameters = [new("method", ControlValueKind.String, "Describe this method only.")],
            Result =
            [
                new("answer", ControlValueKind.Object, "Schema of a line of an answer.", Required: true),
                new("dialect", ControlValueKind.String, "The dialect of all schemas here.", Required: true),
                new("errors", ControlValueKind.Strings, "The codes of failures; the list is closed.", Required: true),
                new("methods", ControlValueKind.Objects, "The methods by name, each with params and result.", Required: true),
                new("request", ControlValueKind.Object, "Schema of a request's line.", Required: true),
                new("v", ControlValueKind.Integer, "The version of the protocol.", Required: true),
            ],
        }, DescribeAsync),
    ];

    private Task<ControlReply> DescribeAsync(ControlCall call, CancellationToken cancellationToken)
    {
        if (call.Text("method") is not { } name)
            return Task.FromResult(_all.Value);
        ControlMethod? chosen = methods().FirstOrDefault(method => method.Name == name);
        return Task.FromResult(chosen is not null
            ? _each.GetOrAdd(name, _ => Describe([chosen]))
            : JsonReply.Error(ControlError.NotFound, $"there is no method '{LogText.Escape(name, longest: 64)}'.")
                with { Hint = "methods: " + string.Join(", ", methods().Select(method => method.Name)) });
    }

    private static ControlReply Describe(IEnumerable<ControlMethod> chosen) => JsonReply.OkObject(writer =>
    {
        writer.WritePropertyName("answer");
        SchemaWriter.WriteAnswer(writer);
        writer.WriteString("dialect", SchemaWriter.Dialect);
        writer.Strings("errors", SchemaWriter.Codes);
        writer.WriteStartArray("methods");
        foreach (ControlMethod method in chosen)
            Write(writer, method);
        writer.WriteEndArray();
        writer.WritePropertyName("request");
        SchemaWriter.WriteRequest(writer);
        writer.WriteNumber("v", 1);
    });

    private static void Write(Utf8JsonWriter writer, ControlMethod method)
    {
        writer.WriteStartObject();
        writer.WriteString("alias_of", MethodAliases.All.GetValueOrDefault(method.Name));
        writer.WriteString("help", method.Help);
        writer.WriteString("name", method.Name);
        writer.WritePropertyName("params");
        SchemaWriter.WriteParameters(writer, method);
        writer.WritePropertyName("result");
        SchemaWriter.WriteResult(writer, method);
        writer.WriteString("role", method.RequiredRole == ControlRole.Admin ? "admin" : "viewer");
        writer.WriteBoolean("streaming", method.Streaming);
        writer.WriteEndObject();
    }
}
