using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Testkit;
using static VibePN.Testkit.Shown;

namespace VibePN.Plugins.TrustTofu.Tests;

/// <summary>Short ways to the plugin under test.</summary>
internal static class Tofu
{
    public static async Task<TofuTrust> StartedAsync(FakeContext context)
    {
        var trust = new TofuTrust(context);
        await trust.StartAsync(CancellationToken.None);
        return trust;
    }

    /// <summary>A started plugin that has pinned the certificates on first use.</summary>
    public static async Task<TofuTrust> PinnedAsync(FakeContext context, params (string Peer, Shown Certificate)[] pins)
    {
        TofuTrust trust = await StartedAsync(context);
        foreach ((string peer, Shown certificate) in pins)
            Assert.Null(await CommitAsync(trust, certificate.Dialled(Peer(peer))));
        return trust;
    }

    public static async Task<string?> CommitAsync(TofuTrust trust, TrustRequest request)
    {
        TrustVerdict verdict = trust.Decide(request);
        Assert.True(verdict.NeedsCommit, verdict.Text);
        return await trust.CommitAsync(request, verdict, CancellationToken.None);
    }

    public static void AssertVerdict(TrustOutcome outcome, TrustReason reason, string? peer, TrustVerdict verdict)
    {
        Assert.Equal((outcome, reason, peer), (verdict.Outcome, verdict.Reason, verdict.Peer));
        Assert.NotEmpty(verdict.Text);
        Assert.Equal(reason == TrustReason.FirstUse, verdict.NeedsCommit);
    }

    public static ImmutableArray<TrustRecord> Records(TofuTrust trust, TrustState state) =>
        [.. trust.List().Records.Where(record => record.State == state)];
}
