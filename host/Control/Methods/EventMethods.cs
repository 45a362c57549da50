using System.IO.Enumeration;
using System.Runtime.CompilerServices;
using VibePN.Contracts;
using VibePN.Engine.Events;
using VibePN.Host.Logging;

namespace VibePN.Host.Control.Methods;

/// <summary>What happens in the node, as it happens: <c>events.subscribe</c>.</summary>
internal sealed class EventMethods(IDaemon daemon) : IMethodGroup
{
    /// <inheritdoc/>
    public IEnumerable<MethodEntry> Methods =>
    [
        new(new("events.subscribe", "Tells what happened, and what happens from now on.", ControlRole.Viewer, Streaming: true)
        {
            Parameters =
            [
                new("since", ControlValueKind.Integer, "Only events after this number."),
                new("since_s", ControlValueKind.Integer, "Only events of the last so many seconds."),
                new("kinds", ControlValueKind.Strings, "Only these kinds; * stands for anything, as in peer.*."),
                new("follow", ControlValueKind.Boolean, "Goes on with what happens; without since, only with that."),
            ],
            Result = AnswerFields.Event,
        }, SubscribeAsync),
    ];

    private async IAsyncEnumerable<ControlReply> SubscribeAsync(
        ControlCall call, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        IReadOnlyList<string> globs = call.Texts("kinds");
        if (globs.FirstOrDefault(glob => !EventKinds.All.Any(kind => Matches(glob, kind))) is { } unknown)
        {
            yield return JsonReply.Error(ControlError.BadRequest, $"there is no kind of event '{LogText.Escape(unknown)}'.")
                with { Hint = "kinds: " + string.Join(", ", EventKinds.All) };
            yield break;
        }
        EventRing events = daemon.Events;
        bool follow = call.Flag("follow");
        long next = Start(call, events, follow);
        while (true)
        {
            EventPage page = events.Read(next);
            // Before the first event nothing was promised: what a look back no longer finds is no gap.
            if (page.Missed > 0 && next > 0)
                yield return JsonReply.OkObject(writer => writer.WriteNumber("dropped", page.Missed));
            foreach (NodeEvent one in page.Events)
            {
                next = one.Seq;
                if (globs.Count == 0 || globs.Any(glob => Matches(glob, one.Kind)))
                    yield return JsonReply.OkObject(writer => EventJson.Write(writer, one));
            }
            if (page.Events.IsEmpty && !follow)
                yield break;
            if (page.Events.IsEmpty)
                await events.WaitAsync(next, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private static long Start(ControlCall call, EventRing events, bool follow) =>
        call.Integer("since") is { } since ? since <= events.Last ? Math.Max(since, 0) : 0
        : call.Integer("since_s") is { } seconds ? events.BeforeAge(TimeSpan.FromSeconds(Math.Clamp(seconds, 0, 1_000_000_000)))
        : follow ? events.Last : 0;

    private static bool Matches(string glob, string kind) => FileSystemName.MatchesSimpleExpression(glob, kind);
}
