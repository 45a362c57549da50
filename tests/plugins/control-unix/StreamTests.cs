using System.Text.Json;

namespace VibePN.Plugins.ControlUnix.Tests;

public sealed class StreamTests
{
    [Fact]
    public async Task A_stream_says_each_event_and_that_it_is_done()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        using var client = new Client(control);
        client.Send("""{"v":1,"id":8,"method":"count"}""");
        Assert.Equal("""{"v":1,"id":8,"event":1}""", client.Read());
        Assert.Equal("""{"v":1,"id":8,"event":2}""", client.Read());
        Assert.Equal("""{"v":1,"id":8,"event":3}""", client.Read());
        Assert.Equal("""{"v":1,"id":8,"ok":true,"done":true}""", client.Read());
    }

    [Fact]
    public async Task A_stream_ends_when_it_is_cancelled_and_others_go_on()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        using var client = new Client(control);
        client.Send("""{"v":1,"id":8,"method":"ticks"}""");
        client.Send("""{"v":1,"id":9,"method":"ticks"}""");
        client.ReadOf("8");
        client.Send("""{"v":1,"id":10,"method":"cancel","params":{"id":8}}""");
        JsonElement last;
        do
        {
            last = client.ReadOf("8");
        }
        while (last.TryGetProperty("event", out _));
        Assert.Equal("""{"v":1,"id":8,"ok":true,"done":true,"cancelled":true}""", last.GetRawText());
        Assert.True(client.ReadOf("9").TryGetProperty("event", out _));
        client.Send("""{"v":1,"id":8,"method":"status"}""");
        Assert.True(client.ReadOf("8").GetProperty("ok").GetBoolean());
    }

    [Fact]
    public async Task A_stream_with_a_deadline_ends_there()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        using var client = new Client(control);
        client.Send("""{"v":1,"id":8,"method":"hush","deadline_ms":60}""");
        Assert.Equal(
            """{"v":1,"id":8,"ok":false,"error":{"code":"timeout","message":"'hush' ended at its deadline of 0.06 s"}}""",
            client.Read());
    }

    [Fact]
    public async Task A_slow_reader_is_told_how_many_events_it_missed_where_they_are_missing()
    {
        await using ControlFixture control = await ControlFixture.StartAsync();
        using var client = new Client(control);
        client.Send("""{"v":1,"id":8,"method":"torrent"}""");
        await ControlFixture.UntilAsync(() => control.Methods.Produced == FakeMethods.Torrent);
        long expected = 0;
        long dropped = 0;
        while (client.Read() is string line && JsonElement.Parse(line) is var each && !each.TryGetProperty("done", out _))
        {
            if (each.TryGetProperty("dropped", out JsonElement gap))
            {
                dropped += gap.GetInt64();
                expected += gap.GetInt64();
                continue;
            }
            Assert.Equal(expected++, each.GetProperty("event").GetProperty("seq").GetInt64());
        }
        Assert.Equal(FakeMethods.Torrent, expected);
        Assert.InRange(dropped, 1, FakeMethods.Torrent - StreamQueue.MaxEvents);
    }

    [Fact]
    public void A_stream_without_a_reader_keeps_no_more_than_its_bound()
    {
        var stream = new StreamQueue(default);
        for (int i = 0; i < 10_000; i++)
            stream.Add(new byte[100]);
        int lines = 0;
        while (stream.HasLines)
        {
            stream.Take();
            lines++;
        }
        Assert.Equal(StreamQueue.MaxEvents + 1, lines);
        for (int i = 0; i < 100; i++)
            stream.Add(new byte[StreamQueue.MaxBytes / 2]);
        stream.End(new byte[1]);
        stream.Add(new byte[1]);
        Assert.Equal([-1, StreamQueue.MaxBytes / 2, StreamQueue.MaxBytes / 2, 1], Lengths());

        IEnumerable<int> Lengths()
        {
            // The first line tells the gap.
            stream.Take();
            yield return -1;
            while (stream.HasLines)
                yield return stream.Take().Length;
        }
    }
}
