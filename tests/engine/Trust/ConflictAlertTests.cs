using Microsoft.Extensions.Logging;
using VibePN.Engine.Tests.Node;
using VibePN.Engine.Tests.Time;
using VibePN.Engine.Trust;

namespace VibePN.Engine.Tests.Trust;

public sealed class ConflictAlertTests
{
    private readonly ManualClock _clock = new(DateTimeOffset.UnixEpoch);

    [Fact]
    public void Each_peer_is_said_once_a_minute_with_what_was_left_out_and_all_are_counted()
    {
        using var log = new LabLog();
        var alert = new ConflictAlert(_clock, log);
        List<string> seen = [];
        alert.Seen = (peer, _) => seen.Add(peer);
        for (int i = 0; i < 100; i++)
            alert.Add("node2", "shows x but is pinned to y");
        alert.Add("node3", "shows z");
        _clock.Advance(TimeSpan.FromSeconds(61));
        alert.Add("node2", "shows x but is pinned to y");
        Assert.Equal(102, alert.Total);
        Assert.Equal(["node2", "node3", "node2"], seen);
        string[] lines = [.. log.From(LogLevel.Error)];
        Assert.Equal(3, lines.Length);
        Assert.Contains("pinned to y (and 99 times before, not logged)", lines[2], StringComparison.Ordinal);
    }
}
