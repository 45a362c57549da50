namespace VibePN.System.Tests.Lab;

/// <summary>Node 1 and two gateways to one prefix: node 2, which has the better metric, and node 3.</summary>
internal static class GatewayLab
{
    /// <summary>What both gateways lead to.</summary>
    public const string Prefix = "192.168.7.0/24";

    /// <summary>An address in it, which both gateways have themselves: who answers shows which way was taken.</summary>
    public const string Behind = "192.168.7.1";

    /// <summary>Starts all three and waits until they are joined.</summary>
    /// <param name="rules">More tables for the gateways' configurations.</param>
    public static async Task<MeshLab> CreateAsync(string rules = "")
    {
        MeshLab lab = await MeshLab.CreateAsync(nodes: 3);
        try
        {
            (Node one, Node two, Node three) = (lab.Nodes[0], lab.Nodes[1], lab.Nodes[2]);
            one.WriteConfig(NodeConfig.Text(one, [MeshLab.Dialled(two), MeshLab.Dialled(three)], $"""

                [[networks.lab.policy.import]]
                peer = "node*"
                allow = ["{Prefix}"]

                """));
            foreach ((Node gateway, int metric) in new[] { (two, 10), (three, 20) })
            {
                gateway.Namespace.Exec("ip", "address", "add", $"{Behind}/32", "dev", "lo");
                gateway.WriteConfig(NodeConfig.Text(gateway, [MeshLab.Dialled(one)], $$"""

                    [[networks.lab.originate]]
                    prefix = "{{Prefix}}"
                    metric = {{metric}}

                    """) + rules);
            }
            foreach (Node node in lab.Nodes)
                node.Start();
            await Task.WhenAll(one.JoinedAsync(two, three), two.JoinedAsync(one), three.JoinedAsync(one));
            return lab;
        }
        catch
        {
            lab.Dispose();
            throw;
        }
    }
}
