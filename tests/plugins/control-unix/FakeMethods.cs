using System.Runtime.CompilerServices;
using System.Text.Json;
using VibePN.Contracts;

namespace VibePN.Plugins.ControlUnix.Tests;

/// <summary>Methods whose behaviour their names tell.</summary>
internal sealed class FakeMethods : IControlMethods
{
    public TaskCompletionSource Release { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Events of <c>torrent</c>.</summary>
    public const int Torrent = 20_000;

    public int Calls;

    public int Produced;

    public IReadOnlyList<ControlMethod> Describe() =>
    [
        new("break", "Throws.", ControlRole.Viewer),
        new("count", "Answers three times.", ControlRole.Viewer, Streaming: true),
        new("deaf", "Ends when released, whatever else happens.", ControlRole.Viewer),
        new("echo", "Answers its parameters.", ControlRole.Viewer),
        new("fail", "Fails.", ControlRole.Admin),
        new("flood", "A stream that never stops for breath.", ControlRole.Viewer, Streaming: true),
        new("hang", "Never answers.", ControlRole.Viewer),
        new("hush", "A stream that says nothing.", ControlRole.Viewer, Streaming: true),
        new("large", "Answers a megabyte.", ControlRole.Viewer),
        new("reload", "Changes something.", ControlRole.Admin),
        new("silent", "Answers nothing.", ControlRole.Viewer),
        new("status", "Looks.", ControlRole.Viewer),
        new("ticks", "A stream without an end.", ControlRole.Viewer, Streaming: true),
        new("torrent", "A stream faster than anyone reads.", ControlRole.Viewer, Streaming: true),
        new("wait", "Answers when released.", ControlRole.Viewer),
    ];

    public async IAsyncEnumerable<ControlReply> InvokeAsync(
        ControlCall request,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref Calls);
        switch (request.Method)
        {
            case "break":
                throw new InvalidOperationException("a bug");
            case "count":
                for (int i = 1; i <= 3; i++)
                    yield return Json($"{i}");
                break;
            case "deaf":
                await Release.Task;
                yield return Json("1");
                break;
            case "echo":
                yield return new ControlReply(request.Parameters);
                break;
            case "fail":
                yield return new ControlReply(default, ControlError.InvalidConfig, "config.toml(3,1): no such key");
                break;
            case "flood":
                while (!cancellationToken.IsCancellationRequested)
                {
                    yield return Json($"\"{new string('x', 1000)}\"");
                    await Task.Yield();
                }
                break;
            case "hang" or "hush":
                await Task.Delay(Timeout.Infinite, cancellationToken);
                break;
            case "large":
                yield return Json($"\"{new string('x', 1 << 20)}\"");
                break;
            case "reload":
                yield return Json("""{"message":"done","changes":[]}""");
                break;
            case "status":
                yield return Json("""{"uptime":"1h2m3s","peers":2,"nested":[{"b":null,"a":"it's"}],"routes":3}""");
                break;
            case "ticks":
                for (int i = 0; ; i++)
                {
                    yield return Json($$"""{"seq":{{i}}}""");
                    await Task.Delay(5, cancellationToken);
                }
            case "torrent":
                for (; Produced < Torrent; Produced++)
                    yield return Json($$"""{"seq":{{Produced}},"text":"{{new string('x', 200)}}"}""");
                break;
            case "wait":
                await Release.Task.WaitAsync(cancellationToken);
                yield return Json("\"released\"");
                break;
        }
    }

    private static ControlReply Json(string text)
    {
        using JsonDocument document = JsonDocument.Parse(text);
        return new ControlReply(document.RootElement.Clone());
    }
}
