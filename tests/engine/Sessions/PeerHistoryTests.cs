using VibePN.Engine.Sessions;
using VibePN.Engine.Time;

namespace VibePN.Engine.Tests.Sessions;

public sealed class PeerHistoryTests
{
    [Fact]
    public void Only_the_last_8_errors_are_kept()
    {
        var history = new PeerHistory();
        for (int i = 0; i < 100; i++)
            history.Fail($"error {i}", default);
        Assert.Equal(Enumerable.Range(92, 8).Select(i => $"error {i}"), history.Errors.Select(error => error.Text));
    }

    [Fact]
    public void An_address_keeps_the_result_of_its_last_try_and_a_late_end_of_an_earlier_one_changes_nothing()
    {
        var history = new PeerHistory();
        Instant now = default;
        history.Dial("a", 1, ["a", "b"], now);
        history.Dial("a", 2, ["a", "b"], now);
        history.EndDial(1, "too late", now);
        Assert.Equal("under way", history.LastTry("a")!.Result);
        history.EndDial(2, "refused", now);
        Assert.Equal("refused", history.LastTry("a")!.Result);
        Assert.Null(history.LastTry("b"));
        history.Dial("b", 3, ["b"], now);
        Assert.Null(history.LastTry("a"));
    }
}
