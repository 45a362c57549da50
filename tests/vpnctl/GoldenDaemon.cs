using System.Text.Json;

namespace VibePN.Vpnctl.Tests;

/// <summary>Answers as a sample has it, or refuses everything as a daemon does whose caller may not ask.</summary>
internal static class GoldenDaemon
{
    public static FakeDaemon Answering(GoldenSample sample) => new(request =>
    {
        string method = MethodOf(request);
        if (sample.Events(method) is { } events)
            return string.Concat(events.Select(one => Line(one))) + """{"v":1,"ok":true,"done":true}""" + "\n";
        return sample.Answer(method) is { } answer
            ? $$"""{"status":"ok","output":{{JsonSerializer.Serialize(answer)}}}""" + "\n"
            : $$"""{"status":"error","error":"the sample has no answer to '{{method}}'"}""" + "\n";
    });

    public static FakeDaemon Denying() => new(request =>
        $$"""{"status":"error","error":"'{{MethodOf(request)}}' needs the role Admin; uid 1000 pid 4242 has Viewer. Run it as root, or as the daemon's user.","code":"denied"}"""
        + "\n");

    private static string Line(JsonElement one) => one.TryGetProperty("dropped", out JsonElement dropped)
        ? $$"""{"v":1,"dropped":{{dropped}}}""" + "\n"
        : $$"""{"v":1,"event":{{JsonSerializer.Serialize(one)}}}""" + "\n";

    private static string MethodOf(string request)
    {
        using JsonDocument document = JsonDocument.Parse(request);
        return document.RootElement.GetProperty("cmd").GetString()!;
    }
}
