using System.Diagnostics;

namespace VibePN.System.Tests.Lab;

/// <summary>Bounded waiting for something that real daemons do in their own time.</summary>
internal static class Wait
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    /// <summary>Asks until the answer is true; fails the test when it is not within the limit.</summary>
    /// <param name="limit">How long at most.</param>
    /// <param name="what">What is waited for, as a sentence's subject: "node2 to be up".</param>
    /// <param name="condition">The question.</param>
    /// <param name="explain">Called for the message of a failure only.</param>
    /// <returns>How long it took.</returns>
    public static async Task<TimeSpan> ForAsync(
        TimeSpan limit, string what, Func<Task<bool>> condition, Func<string>? explain = null)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            if (watch.Elapsed > limit)
                Assert.Fail($"Waited {limit.TotalSeconds} s for {what}, in vain.\n{explain?.Invoke()}");
            await Task.Delay(Pause, TestContext.Current.CancellationToken);
        }
        return watch.Elapsed;
    }

    /// <summary>As the other, for a question that needs no waiting itself.</summary>
    public static Task<TimeSpan> ForAsync(TimeSpan limit, string what, Func<bool> condition, Func<string>? explain = null) =>
        ForAsync(limit, what, () => Task.FromResult(condition()), explain);
}
