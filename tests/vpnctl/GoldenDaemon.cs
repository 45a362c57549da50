using System.Text.Json;

namespace VibePN.Vpnctl.Tests;

/// <summary>Answers as a sample has it, or refuses everything as a daemon does whose caller may not ask.</summary>
internal static class GoldenDaemon
{
    public static FakeDaemon Answering(GoldenSample sample) => new(request =>
        sample.Answer(MethodOf(request)) is { } answer
            ? $$"""{"status":"ok","output":{{JsonSerializer.Serialize(answer)}}}""" + "\n"
            : $$"""{"status":"error","error":"unknown command: {{MethodOf(request)}}"}""" + "\n");

    public static FakeDaemon Denying() => new(request =>
        $$"""{"status":"error","error":"not authorised: '{{MethodOf(request)}}' needs the role Admin; uid 1000 pid 4242 has Viewer. Run it as root, or as the daemon's user."}"""
        + "\n");

    private static string MethodOf(string request)
    {
        using JsonDocument document = JsonDocument.Parse(request);
        return document.RootElement.GetProperty("cmd").GetString()!;
    }
}
