using System.Text.Json;
using Json.Schema;
using VibePN.Contracts;
using VibePN.Host.Control;

namespace VibePN.Host.Tests.Control;

/// <summary>What <c>api.describe</c> answers, ready to judge requests and answers by.</summary>
internal sealed class MethodSchemas
{
    private static readonly EvaluationOptions Options = new() { OutputFormat = OutputFormat.List };

    private readonly JsonElement _description;

    public MethodSchemas(JsonElement description) => _description = description;

    /// <summary>Asks the methods themselves.</summary>
    public static async Task<MethodSchemas> OfAsync(ControlMethods methods)
    {
        var call = new ControlCall("api.describe", default, new ControlPrincipal(ControlRole.Viewer, "uid 1"));
        await foreach (ControlReply reply in methods.InvokeAsync(call, TestContext.Current.CancellationToken))
            return new MethodSchemas(reply.Result);
        throw new InvalidOperationException("api.describe does not answer.");
    }

    /// <summary>Every schema with a name for it.</summary>
    public IEnumerable<(string Name, JsonElement Schema)> All =>
    [
        ("request", _description.GetProperty("request")),
        ("answer", _description.GetProperty("answer")),
        .. from method in Methods
           from part in new[] { "params", "result" }
           select (method.GetProperty("name").GetString() + " " + part, method.GetProperty(part)),
    ];

    /// <summary>The methods' descriptions.</summary>
    public IReadOnlyList<JsonElement> Methods => [.. _description.GetProperty("methods").EnumerateArray()];

    public void AcceptRequest(string line) => Accept(_description.GetProperty("request"), line);

    public void AcceptAnswer(string line) => Accept(_description.GetProperty("answer"), line);

    public void AcceptParameters(string method, string json) => Accept(Of(method).GetProperty("params"), json);

    public void AcceptResult(string method, string json) => Accept(Of(method).GetProperty("result"), json);

    public void RefuseParameters(string method, string json) =>
        Assert.False(Judge(Of(method).GetProperty("params"), json).IsValid, $"{method} accepts {json}");

    public void RefuseAnswer(string line) => Assert.False(Judge(_description.GetProperty("answer"), line).IsValid, line);

    private JsonElement Of(string method) => Methods.Single(each => each.GetProperty("name").GetString() == method);

    private static void Accept(JsonElement schema, string json)
    {
        EvaluationResults results = Judge(schema, json);
        Assert.True(results.IsValid, $"{json}\n{JsonSerializer.Serialize(results)}");
    }

    private static EvaluationResults Judge(JsonElement schema, string json) =>
        JsonSchema.FromText(schema.GetRawText()).Evaluate(JsonElement.Parse(json), Options);
}
