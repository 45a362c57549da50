namespace VibePN.System.Tests.Lab;

/// <summary>A joined triangle for tests under load, whose node 1 and node 2 share only the network 'lab'.</summary>
internal static class LoadLab
{
    // At 20,000 packets a second the standard queue of an interface holds 50 ms. A busy machine keeps a thread from
    // running for longer than that, and such a loss would say nothing about reloads and swaps.
    private const string LongQueue = "name = \"tun-linux\"\nrole = \"tun\"\npath = \"plugins/tun-linux\"\n";

    /// <summary>Starts all three and waits until they are joined.</summary>
    /// <param name="manifest">Changes plugins.toml, which all three read.</param>
    public static async Task<MeshLab> CreateAsync(Func<string, string>? manifest = null)
    {
        MeshLab lab = await MeshLab.CreateAsync(nodes: 3);
        try
        {
            (Node one, Node two, Node three) = (lab.Nodes[0], lab.Nodes[1], lab.Nodes[2]);
            string text = File.ReadAllText(lab.Distribution.Manifest);
            Assert.Contains(LongQueue, text, StringComparison.Ordinal);
            text = text.Replace(LongQueue, LongQueue + "  [plugin.settings]\n  tx_queue_length = 10000\n", StringComparison.Ordinal);
            File.WriteAllText(lab.Distribution.Manifest, manifest is null ? text : manifest(text));
            one.Configure(MeshLab.Dialled(two) with { Networks = ["lab"] }, MeshLab.Dialled(three));
            two.Configure(MeshLab.Dialled(one) with { Networks = ["lab"] });
            three.Configure(MeshLab.Dialled(one));
            foreach (Node node in lab.Nodes)
                node.Start();
            foreach (Node other in new[] { two, three })
            {
                await Wait.ForAsync(Node.Patience, $"node1 to reach {other.Name}",
                    () => one.ReachesAsync(NodeConfig.Address("lab", other.Number, v6: true)), () => lab.AllLogs);
            }
            return lab;
        }
        catch
        {
            lab.Dispose();
            throw;
        }
    }
}
