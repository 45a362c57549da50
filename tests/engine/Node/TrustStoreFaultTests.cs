using VibePN.Contracts;

namespace VibePN.Engine.Tests.Node;

/// <summary>A trust store that cannot be used: said in status, nothing new trusted, fingerprints go on working.</summary>
public sealed class TrustStoreFaultTests
{
    [Fact]
    public async Task A_damaged_trust_store_is_a_warning_and_stops_first_uses_only()
    {
        await using var lab = NodeLab.Mesh(3);
        lab[0].Store.Write("pins", "vibepn-trust 1 damaged"u8);
        lab[0].Configuration = lab[0].Configuration with
        {
            Peers = [lab[1].AsPeer() with { Fingerprint = null }, lab[2].AsPeer()],
        };
        lab[1].Configuration = lab[1].Configuration with { Peers = [] };
        await lab.StartAsync();
        EngineStatus status = await lab[0].UntilAsync(
            status => status.Peers[1].State == "up" && status.Peers[0].LastError.Length > 0, "the known peer is up, the new one refused");
        Assert.NotEqual("up", status.Peers[0].State);
        string warning = Assert.Single(status.Warnings, warning => warning.StartsWith("trust store: ", StringComparison.Ordinal));
        Assert.Contains("it is damaged", warning, StringComparison.Ordinal);
        Assert.Contains("remove the file to begin anew", warning, StringComparison.Ordinal);
        await lab[0].SendAsync(lab[2], "corp");
    }
}
