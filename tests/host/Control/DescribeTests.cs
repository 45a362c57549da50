using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using Json.Schema;
using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Contracts;
using VibePN.Host.Control;

namespace VibePN.Host.Tests.Control;

/// <summary><c>api.describe</c>, and that what it says stays as it is: a change within version 1 only adds.</summary>
public sealed class DescribeTests
{
    private static readonly JsonSerializerOptions Readable =
        new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly string Golden = Path.Combine(
        typeof(DescribeTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(each => each.Key == "Fixtures").Value!,
        "../host/Control/golden");

    private readonly ControlMethods _methods = new(new ControlMethodsTests.FakeDaemon(), _ => { }, NullLogger.Instance);

    [Fact]
    public async Task Every_schema_is_one_of_its_dialect()
    {
        MethodSchemas schemas = await MethodSchemas.OfAsync(_methods);
        Assert.All(schemas.All, each => Assert.True(
            MetaSchemas.Draft202012.Evaluate(each.Schema).IsValid, each.Name));
    }

    [Fact]
    public async Task Every_method_is_described()
    {
        MethodSchemas schemas = await MethodSchemas.OfAsync(_methods);
        Assert.Equal(_methods.Describe().Select(method => method.Name),
            schemas.Methods.Select(method => method.GetProperty("name").GetString()!));
    }

    /// <summary>After a change that is meant: <c>UPDATE_GOLDEN=1</c> in the environment writes the files anew.</summary>
    [Fact]
    public async Task Descriptions_are_as_they_were()
    {
        MethodSchemas schemas = await MethodSchemas.OfAsync(_methods);
        Dictionary<string, JsonElement> expected = schemas.Methods
            .ToDictionary(method => method.GetProperty("name").GetString() + ".json");
        expected["protocol.json"] = JsonSerializer.SerializeToElement(
            new SortedDictionary<string, JsonElement> { ["request"] = schemas.All.First().Schema, ["answer"] = schemas.All.ElementAt(1).Schema });
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            foreach (string stale in Directory.GetFiles(Golden))
                File.Delete(stale);
            foreach ((string name, JsonElement each) in expected)
                await File.WriteAllTextAsync(Path.Combine(Golden, name), Text(each), TestContext.Current.CancellationToken);
        }
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal),
            Directory.GetFiles(Golden).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal));
        foreach ((string name, JsonElement each) in expected)
            Assert.Equal(await File.ReadAllTextAsync(Path.Combine(Golden, name), TestContext.Current.CancellationToken), Text(each));

        static string Text(JsonElement element) => JsonSerializer.Serialize(element, Readable) + "\n";
    }

    [Fact]
    public async Task One_method_may_be_asked_for()
    {
        Assert.Contains("\"name\":\"route.explain\"", await DescribeAsync("route.explain"), StringComparison.Ordinal);
        Assert.DoesNotContain("\"name\":\"status\"", await DescribeAsync("route.explain"), StringComparison.Ordinal);
        Assert.StartsWith("NotFound there is no method 'x'. methods: api.describe, ", await DescribeAsync("x"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{}""")]
    [InlineData("""{"destination":5}""")]
    [InlineData("""{"destination":null}""")]
    [InlineData("""{"destination":"10.0.0.1","nope":1}""")]
    public async Task Parameters_that_do_not_fit_are_refused(string parameters) =>
        (await MethodSchemas.OfAsync(_methods)).RefuseParameters("route.explain", parameters);

    [Theory]
    [InlineData("""{"v":1,"id":7,"ok":true}""")]
    [InlineData("""{"v":1,"id":7,"ok":false,"error":{"code":"odd","message":"x"}}""")]
    [InlineData("""{"v":1,"id":7,"ok":true,"result":1,"event":2}""")]
    [InlineData("""{"v":2,"id":7,"ok":true,"result":1}""")]
    [InlineData("""{"id":7,"ok":true,"result":1}""")]
    public async Task Lines_that_are_no_answer_are_refused(string line) =>
        (await MethodSchemas.OfAsync(_methods)).RefuseAnswer(line);

    [Fact]
    public void Second_names_do_what_the_first_do()
    {
        Dictionary<string, ControlMethod> methods = _methods.Describe().ToDictionary(method => method.Name);
        Assert.Equal(
            ["daemon.shutdown", "networks.list", "peers.list", "routes.list", "status.get", "tx.apply"],
            MethodAliases.All.Keys.Order(StringComparer.Ordinal));
        foreach ((string alias, string name) in MethodAliases.All)
            Assert.Equal(methods[name], methods[alias] with { Name = name });
    }

    private async Task<string> DescribeAsync(string method)
    {
        var call = new ControlCall("api.describe", JsonElement.Parse($$"""{"method":"{{method}}"}"""),
            new ControlPrincipal(ControlRole.Viewer, "uid 1"));
        await foreach (ControlReply reply in _methods.InvokeAsync(call, TestContext.Current.CancellationToken))
            return reply.Error == ControlError.None ? reply.Result.GetRawText() : $"{reply.Error} {reply.Message} {reply.Hint}";
        return "";
    }
}
