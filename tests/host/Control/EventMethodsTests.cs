using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Contracts;
using VibePN.Engine.Events;
using VibePN.Host.Control;

namespace VibePN.Host.Tests.Control;

public sealed class EventMethodsTests
{
    private readonly ControlMethodsTests.FakeDaemon _daemon = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_event_has_sorted_members_and_null_for_what_does_not_apply()
    {
        _daemon.Events.Publish(EventKinds.PeerUp, new EventFacts("peer a is up\x1b") { Peer = "a" });
        JsonElement told = Assert.Single(await AllAsync("{}"));
        Assert.Equal(["kind", "network", "peer", "prefix", "reason", "seq", "text", "time"], told.EnumerateObject().Select(member => member.Name));
        Assert.Equal(("peer.up", @"peer a is up\x1B"), (told.GetProperty("kind").GetString(), told.GetProperty("text").GetString()));
        Assert.Equal(JsonValueKind.Null, told.GetProperty("prefix").ValueKind);
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", told.GetProperty("time").GetString());
    }

    [Theory]
    [InlineData("""{"kinds":["peer.*"]}""", "1 3")]
    [InlineData("""{"kinds":["peer.up","route.added"]}""", "1 2")]
    [InlineData("""{"since":2}""", "3")]
    [InlineData("""{"since_s":60}""", "1 2 3")]
    [InlineData("""{"since_s":60,"kinds":["*.down"]}""", "3")]
    public async Task Events_are_chosen(string parameters, string expected)
    {
        _daemon.Events.Publish(EventKinds.PeerUp, new EventFacts("1"));
        _daemon.Events.Publish(EventKinds.RouteAdded, new EventFacts("2"));
        _daemon.Events.Publish(EventKinds.PeerDown, new EventFacts("3"));
        Assert.Equal(expected, string.Join(' ', (await AllAsync(parameters)).Select(told => told.GetProperty("text").GetString())));
    }

    [Fact]
    public async Task A_kind_that_does_not_exist_is_an_error_with_the_kinds_there_are()
    {
        ControlReply reply = (await RepliesAsync("""{"kinds":["pear.*"]}""")).Single();
        Assert.Equal((ControlError.BadRequest, "there is no kind of event 'pear.*'."), (reply.Error, reply.Message));
        Assert.Contains("peer.up", reply.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_gap_is_announced()
    {
        for (int i = 0; i < EventRing.Capacity + 5; i++)
            _daemon.Events.Publish(EventKinds.PeerUp, new EventFacts("x"));
        List<JsonElement> told = await AllAsync("""{"since":2}""");
        Assert.Equal("""{"dropped":3}""", told[0].GetRawText());
        Assert.Equal(6, told[1].GetProperty("seq").GetInt64());
        Assert.Equal(EventRing.Capacity + 1, told.Count);
    }

    [Fact]
    public async Task Following_tells_what_happens_from_now_on_and_ends_with_the_caller()
    {
        _daemon.Events.Publish(EventKinds.PeerUp, new EventFacts("before"));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        await using IAsyncEnumerator<ControlReply> told = Invoke("""{"follow":true}""", stop.Token).GetAsyncEnumerator(stop.Token);
        ValueTask<bool> next = told.MoveNextAsync();
        Assert.False(next.IsCompleted);
        _daemon.Events.Publish(EventKinds.PeerDown, new EventFacts("after"));
        Assert.True(await next);
        Assert.Equal("after", told.Current.Result.GetProperty("text").GetString());
        next = told.MoveNextAsync();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await next);
    }

    private IAsyncEnumerable<ControlReply> Invoke(string parameters, CancellationToken cancellationToken) =>
        new ControlMethods(_daemon, _ => { }, NullLogger.Instance).InvokeAsync(
            new ControlCall("events.subscribe", JsonElement.Parse(parameters), new ControlPrincipal(ControlRole.Viewer, "uid 0")),
            cancellationToken);

    private async Task<List<ControlReply>> RepliesAsync(string parameters)
    {
        List<ControlReply> replies = [];
        await foreach (ControlReply reply in Invoke(parameters, Token))
            replies.Add(reply);
        return replies;
    }

    private async Task<List<JsonElement>> AllAsync(string parameters) =>
        [.. (await RepliesAsync(parameters)).Select(reply => reply.Error == ControlError.None ? reply.Result : throw new InvalidOperationException(reply.Message))];
}
