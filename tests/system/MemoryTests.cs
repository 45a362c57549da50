using System.Globalization;
using VibePN.System.Tests.Lab;

namespace VibePN.System.Tests;

/// <summary>How much memory a daemon takes, with few peers and with many.</summary>
public sealed class MemoryTests
{
    private const long Transfer = 64 << 20;
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(10);

    /// <summary>The figure: <c>tools/measure-memory.sh</c>. MEMORY_PEERS says with how many peers.</summary>
    [Fact(Explicit = true)]
    public async Task Memory_of_a_daemon_grows_little_with_each_peer()
    {
        int[] counts = [.. (Environment.GetEnvironmentVariable("MEMORY_PEERS") ?? "1 10 100").Split(' ').Select(
            word => int.Parse(word, CultureInfo.InvariantCulture)).Order()];
        using MeshLab lab = await MeshLab.CreateAsync(counts[^1] + 1);
        Node hub = lab.Nodes[0];
        var rows = new List<(int Peers, Memory Idle, Memory After)>();
        int started = 0;
        foreach (int count in counts)
        {
            Node[] peers = [.. lab.Nodes.Skip(1).Take(count)];
            // The hub is the one that dials, so that it finds peers which ran beside the hub before it.
            hub.Configure(peers.Select(peer => MeshLab.Dialled(peer)));
            for (; started < count; started++)
            {
                peers[started].Configure(MeshLab.Awaited(hub));
                peers[started].Start();
                // A few at a time: others work on this machine.
                if (started % 4 == 3)
                    await Wait.ForAsync(Node.Patience * 4, $"{peers[started].Name} to be ready", () => peers[started].IsReady, () => peers[started].Log);
            }
            hub.Start();
            foreach (Node peer in peers)
            {
                await Wait.ForAsync(Node.Patience * 4, $"{peer.Name} to be reached", () => hub.ReachesAsync(NodeConfig.Address("lab", peer.Number, v6: true)),
                    () => $"{hub.Log}\n{peer.Log}");
            }
            await Task.Delay(Settled, TestContext.Current.CancellationToken);
            Memory idle = Memory.Of(hub);
            using (var load = new TcpLoad(hub, peers[0], NodeConfig.Address("lab", peers[0].Number, v6: false), 7_000, Transfer))
                await Wait.ForAsync(TimeSpan.FromSeconds(60), "64 MiB to arrive", () => load.Received == Transfer);
            await Task.Delay(Settled, TestContext.Current.CancellationToken);
            rows.Add((count, idle, Memory.Of(hub)));
            Assert.Equal(0, await hub.TerminateAsync());
        }
        Figures.Report($"{"peers",5}  {"idle",10} {"peak",10}   {"after 64 MiB",12} {"peak",10}");
        foreach ((int peers, Memory idle, Memory after) in rows)
            Figures.Report($"{peers,5}  {Memory.MiB(idle.Resident),10} {Memory.MiB(idle.Peak),10}   {Memory.MiB(after.Resident),12} {Memory.MiB(after.Peak),10}");
        foreach (((int peers, Memory idle, Memory after), (int more, Memory moreIdle, Memory moreAfter)) in rows.Zip(rows.Skip(1)))
        {
            Figures.Report(string.Create(CultureInfo.InvariantCulture,
                $"from {peers} to {more} peers: {(moreIdle.Resident - idle.Resident) / 1024.0 / (more - peers):0} KiB for each, idle; "
                + $"{(moreAfter.Resident - after.Resident) / 1024.0 / (more - peers):0} KiB after traffic"));
        }
    }
}
