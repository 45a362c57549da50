using System.Globalization;
using System.Text;

namespace VibePN.System.Tests.Lab;

/// <summary>Writes configurations for node 1 that differ at random, except in the network 'lab' and the peer node 2.</summary>
/// <param name="self">Node 1.</param>
/// <param name="untouched">Node 2, whose entry is the same each time.</param>
/// <param name="changing">Node 3, which comes and goes.</param>
/// <param name="random">Where the differences come from.</param>
internal sealed class RandomConfig(Node self, Node untouched, Node changing, Random random)
{
    private readonly string[] _strangers = [.. Enumerable.Range(0, 6).Select(_ => Convert.ToHexStringLower(Bytes(random)))];

    /// <summary>The next valid text.</summary>
    public string Next()
    {
        bool corp = random.Next(4) > 0;
        string[] extras = [.. new[] { "extra1", "extra2" }.Where(_ => random.Next(2) == 0)];
        string[] known = corp ? ["corp", .. extras] : extras;
        var text = new StringBuilder();
        text.Append(NodeConfig.Head(self, Maybe(4)
            ? "\"0.0.0.0:51820\", \"[::]:51820\", \"0.0.0.0:51821\"" : "\"0.0.0.0:51820\", \"[::]:51820\""));
        if (Maybe(3))
            text.Append("\n[log]\nlevel = \"debug\"\n");
        text.Append(NodeConfig.Peer(MeshLab.Dialled(untouched) with { Networks = ["lab"] }));
        AppendChangingPeers(text, known);
        text.Append(NodeConfig.Network("lab", self.Number));
        if (corp)
            AppendNetwork(text, "corp", "10.42.0", 1);
        foreach (string extra in extras)
            AppendNetwork(text, extra, $"10.{120 + extra[^1] - '0'}.0", 1 + random.Next(3));
        return text.ToString();
    }

    /// <summary>A text with two to four mistakes, and what the daemon must say about each.</summary>
    public (string Text, string[] Complaints) NextInvalid()
    {
        string text = Next();
        Mistake[] chosen = [.. Mistakes.OrderBy(_ => random.Next()).Take(random.Next(2, 5))];
        foreach (Mistake mistake in chosen)
            text = mistake.Make(text);
        return (text, [.. chosen.Select(mistake => mistake.Complaint)]);
    }

    // None of them hides another. What is replaced is in every text.
    private static Mistake[] Mistakes { get; } =
    [
        new("exprot", text => text.Replace("export = true\n", "export = true\nexprot = true\n", StringComparison.Ordinal)),
        new("10.99.0.0/77", text => text.Replace("10.99.0.0/24", "10.99.0.0/77", StringComparison.Ordinal)),
        new("nowhere", text => text + "\n[[peers]]\nname = \"stray\"\nnetworks = [\"nowhere\"]\n"),
        new("VPN1015", text => text + "\n[[peers]]\nname = \"short\"\nfingerprint = \"beef\"\n"),
        new("twice", text => text + "\n[[peers]]\nname = \"twice\"\n\n[[peers]]\nname = \"twice\"\n"),
        new("colour", text => text + "\n[[peers]]\nname = \"pale\"\ncolour = \"red\"\n"),
        new("10.200.0.1", text => text + "\n[networks.far]\nprefix = \"10.201.0.0/24\"\naddress = \"10.200.0.1\"\n"),
        new("70000", text => text.Replace("[::]:51820", "[::]:70000", StringComparison.Ordinal)),
        new("MTU of 12 bytes", text => text + "\n[networks.narrow]\nprefix = \"10.202.0.0/24\"\nmtu = 12\n"),
        new("[networks.odd]", text => text + "\n[networks.odd]\nprefix = \"10.203.0.0/24\"\nexport = \"sometimes\"\n"),
        new("[networks.much.limits]", text => text + "\n[networks.much]\nprefix = \"10.204.0.0/24\"\nlimits = { per_peer = \"hundred\" }\n"),
        new("10.0.0.0/8 le 3", text => text + "\n[networks.rule]\nprefix = \"10.205.0.0/24\"\n[[networks.rule.policy.import]]\nallow = [\"10.0.0.0/8 le 3\"]\n"),
    ];

    private void AppendChangingPeers(StringBuilder text, string[] known)
    {
        if (!Maybe(4))
        {
            PeerLine peer = Maybe(2) ? MeshLab.Dialled(changing) : MeshLab.Awaited(changing);
            text.Append(NodeConfig.Peer(peer with { Networks = [.. known.Append("lab").Where(_ => Maybe(2))] }));
        }
        for (int i = 0; i < _strangers.Length; i++)
        {
            if (Maybe(2))
                continue;
            string? address = Maybe(2) ? string.Create(CultureInfo.InvariantCulture, $"192.0.2.{200 + random.Next(20)}:51820") : null;
            string name = string.Create(CultureInfo.InvariantCulture, $"stranger{i}");
            text.Append(NodeConfig.Peer(new PeerLine(name, _strangers[i], address) { Networks = [.. known.Where(_ => Maybe(2))] }));
        }
    }

    private void AppendNetwork(StringBuilder text, string name, string first, int host)
    {
        text.Append(CultureInfo.InvariantCulture, $$"""

            [networks.{{name}}]
            prefix = "{{first}}.0/24"
            address = "{{first}}.{{host}}"
            export = {{(Maybe(2) ? "true" : "false")}}
            mtu = {{1280 + (10 * random.Next(11))}}
            mss_clamp = {{(Maybe(2) ? "true" : "false")}}
            limits = { per_peer = {{random.Next(1, 500)}} }
            damping = { enabled = {{(Maybe(2) ? "true" : "false")}} }
            multipath = { max = {{random.Next(1, 9)}} }

            """);
        for (int i = random.Next(3); i > 0; i--)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"\n[[networks.{name}.originate]]\nprefix = \"192.168.{(name[^1] * 8 % 200) + i}.0/24\"\nmetric = {random.Next(100)}\ntag = \"t{i}\"\n");
        }
        for (int i = random.Next(3); i > 0; i--)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"\n[[networks.{name}.policy.import]]\npeer = \"node*\"\nallow = [\"172.{16 + random.Next(16)}.0.0/16 le 24\"]\nset = {{ preference = {random.Next(1000)} }}\n");
        }
        if (Maybe(3))
            text.Append(CultureInfo.InvariantCulture, $"\n[[networks.{name}.policy.export]]\nmatch = {{ tag = \"t1\" }}\nset = {{ metric = \"+{random.Next(100)}\" }}\n");
    }

    // Once in so many times.
    private bool Maybe(int times) => random.Next(times) == 0;

    private static byte[] Bytes(Random random)
    {
        byte[] bytes = new byte[32];
        random.NextBytes(bytes);
        return bytes;
    }

    private sealed record Mistake(string Complaint, Func<string, string> Make);
}
