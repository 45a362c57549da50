using System.Text;
using System.Text.Json;

namespace VibePN.Plugins.ControlUnix.Tests;

public sealed class AnswerLineTests
{
    private static readonly CallId Id = IdOf("7");

    [Theory]
    [InlineData("""{"a":[1,2.5e3,true,null,"\u00e9\"é'<"],"b":{}}""")]
    [InlineData("[]")]
    [InlineData("\"text\"")]
    public void A_value_goes_out_as_it_was_written(string value) =>
        Assert.Equal($$"""{"v":1,"id":7,"ok":true,"result":{{value}}}""" + "\n", Text(AnswerLine.Success(Id, JsonElement.Parse(value), [])));

    [Theory]
    [InlineData("{\n  \"a\": [\r\n\t1,\n 2\n]}")]
    [InlineData("[\n]")]
    public void A_value_written_over_several_lines_becomes_one(string value)
    {
        foreach (string line in new[] { Text(AnswerLine.Success(Id, JsonElement.Parse(value), ["w"])), Text(AnswerLine.Event(Id, JsonElement.Parse(value), [])) })
        {
            Assert.Equal(line.Length - 1, line.IndexOf('\n', StringComparison.Ordinal));
            Assert.DoesNotContain('\r', line);
            JsonElement answer = JsonElement.Parse(line);
            JsonElement sent = answer.TryGetProperty("result", out JsonElement result) ? result : answer.GetProperty("event");
            Assert.True(JsonElement.DeepEquals(JsonElement.Parse(value), sent));
        }
    }

    [Fact]
    public void No_value_is_null() =>
        Assert.Equal("""{"v":1,"id":7,"ok":true,"result":null}""" + "\n", Text(AnswerLine.Success(Id, default, [])));

    private static CallId IdOf(string text)
    {
        Assert.True(CallId.TryRead(JsonElement.Parse(text), out CallId id));
        return id;
    }

    private static string Text(ReadOnlyMemory<byte> line) => Encoding.UTF8.GetString(line.Span);
}
