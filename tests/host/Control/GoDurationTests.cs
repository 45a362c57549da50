using VibePN.Host.Control;

namespace VibePN.Host.Tests.Control;

public sealed class GoDurationTests
{
    [Theory]
    [InlineData(0, "0s")]
    [InlineData(59.9, "59s")]
    [InlineData(60, "1m0s")]
    [InlineData(3_723, "1h2m3s")]
    [InlineData(360_000, "100h0m0s")]
    public void Uptime_reads_as_the_predecessors_did(double seconds, string text) =>
        Assert.Equal(text, GoDuration.Format(TimeSpan.FromSeconds(seconds)));
}
