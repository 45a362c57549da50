using System.Globalization;
using System.Text;
using VibePN.Testkit;

namespace VibePN.System.Tests.Lab;

/// <summary>Nodes in namespaces of their own, joined by a bridge in one more. Nothing leaves them.</summary>
internal sealed class MeshLab : IDisposable
{
    private const string Prefix = "/run/vibepn-test.";
    private const string Mainland = "br0";
    private const string Island = "br1";
    private static int _lastNumber;

    private readonly NetworkNamespace _switch;
    private readonly string _folder;

    private MeshLab(string folder)
    {
        _folder = folder;
        Directory.CreateDirectory(folder);
        _switch = NetworkNamespace.Create("switch");
        foreach (string bridge in new[] { Mainland, Island })
        {
            _switch.Exec("ip", "link", "add", bridge, "type", "bridge");
            _switch.Exec("ip", "link", "set", bridge, "up");
        }
        Distribution = Distribution.CopyTo(Path.Combine(folder, "dist"));
    }

    /// <summary>The nodes, from node 1.</summary>
    public List<Node> Nodes { get; } = [];

    /// <summary>The programs of this lab.</summary>
    public Distribution Distribution { get; }

    /// <summary>The end of every daemon's log, for the message of a failure.</summary>
    public string AllLogs
    {
        get
        {
            var text = new StringBuilder();
            foreach (Node node in Nodes)
                text.AppendLine(CultureInfo.InvariantCulture, $"--- {node.Name}").AppendLine(string.Join('\n', node.Log.Split('\n').TakeLast(40)));
            return text.ToString();
        }
    }

    /// <summary>Makes nodes with identities; no configuration and no daemon yet.</summary>
    public static async Task<MeshLab> CreateAsync(int nodes)
    {
        int number = Interlocked.Increment(ref _lastNumber);
        if (number == 1)
            RemoveLeftovers();
        var lab = new MeshLab(string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}.{number}"));
        try
        {
            for (int i = 1; i <= nodes; i++)
                lab.AddNode(i);
            foreach (Node[] some in lab.Nodes.Chunk(16)) // more at once would keep each other from ending in time
                await Task.WhenAll(some.Select(node => node.MakeIdentityAsync()));
            return lab;
        }
        catch
        {
            lab.Dispose();
            throw;
        }
    }

    /// <summary>Three nodes: 1 and 2 dial each other, 3 dials 1 over IPv4 and 2 over IPv6; all up and joined.</summary>
    public static async Task<MeshLab> CreateTriangleAsync()
    {
        MeshLab lab = await CreateAsync(nodes: 3);
        try
        {
            (Node one, Node two, Node three) = (lab.Nodes[0], lab.Nodes[1], lab.Nodes[2]);
            one.Configure(Dialled(two), Awaited(three));
            two.Configure(Dialled(one), Awaited(three));
            three.Configure(Dialled(one), Dialled(two, v6: true));
            foreach (Node node in lab.Nodes)
                node.Start();
            await Task.WhenAll(one.JoinedAsync(two, three), two.JoinedAsync(one, three), three.JoinedAsync(one, two));
            return lab;
        }
        catch
        {
            lab.Dispose();
            throw;
        }
    }

    /// <summary>A peer that is dialled, with its pin.</summary>
    public static PeerLine Dialled(Node peer, bool v6 = false) =>
        new(peer.Name, peer.Fingerprint, v6 ? $"[{peer.Underlay6}]:51820" : $"{peer.Underlay}:51820");

    /// <summary>A peer that dials, with its pin.</summary>
    public static PeerLine Awaited(Node peer) => new(peer.Name, peer.Fingerprint, Address: null);

    /// <summary>Moves nodes to another bridge: they reach each other and nobody else. No link goes down, so nobody is told.</summary>
    public void Part(params IEnumerable<Node> nodes) => Move(nodes, Island);

    /// <summary>Moves nodes back to the bridge that all began on.</summary>
    public void Heal(params IEnumerable<Node> nodes) => Move(nodes, Mainland);

    /// <summary>Lets only so much reach a node; what is too much waits for at most 50 ms.</summary>
    /// <param name="node">Which.</param>
    /// <param name="rate">As tc writes it, such as <c>1mbit</c>.</param>
    public void Limit(Node node, string rate) =>
        _switch.Exec("tc", "qdisc", "replace", "dev", Port(node.Number), "root", "tbf", "rate", rate, "burst", "4kb", "latency", "50ms");

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Node node in Nodes)
            node.Dispose();
        _switch.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Notes a process, so that the next run can end it when this one is killed.</summary>
    internal void Remember(int processId) =>
        File.AppendAllText(Path.Combine(_folder, "pids"), string.Create(CultureInfo.InvariantCulture, $"{processId}\n"));

    // One process for all of them, so that they move together.
    private void Move(IEnumerable<Node> nodes, string bridge)
    {
        string batch = Path.Combine(_folder, "batch");
        File.WriteAllLines(batch, nodes.Select(node => $"link set {Port(node.Number)} master {bridge}"));
        _switch.Exec("ip", "-batch", batch);
    }

    private static string Port(int number) => string.Create(CultureInfo.InvariantCulture, $"port{number}");

    private void AddNode(int number)
    {
        NetworkNamespace space = NetworkNamespace.Create("node");
        var node = new Node(this, number, space, Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"node{number}")));
        Nodes.Add(node);
        string port = Port(number);
        space.Exec("ip", "link", "add", "eth0", "type", "veth", "peer", "name", port, "netns", _switch.Name);
        _switch.Exec("ip", "link", "set", port, "master", Mainland, "up");
        space.Exec("ip", "address", "add", $"{node.Underlay}/24", "dev", "eth0");
        space.Exec("ip", "address", "add", $"{node.Underlay6}/64", "dev", "eth0", "nodad");
        space.Exec("ip", "link", "set", "eth0", "up");
    }

    // A run that was killed leaves daemons and folders; the process whose id stands in the name is gone.
    private static void RemoveLeftovers()
    {
        foreach (string folder in Directory.EnumerateDirectories("/run", Path.GetFileName(Prefix) + "*"))
        {
            string owner = Path.GetFileName(folder).Split('.')[1];
            if (Directory.Exists($"/proc/{owner}"))
                continue;
            string pids = Path.Combine(folder, "pids");
            foreach (string pid in File.Exists(pids) ? File.ReadAllLines(pids) : [])
                EndLeftover(pid, folder);
            Directory.Delete(folder, recursive: true);
        }
    }

    // The id may belong to somebody else by now; ours has the folder in its command line.
    private static void EndLeftover(string pid, string folder)
    {
        try
        {
            if (File.ReadAllText($"/proc/{pid}/cmdline").Contains(folder, StringComparison.Ordinal))
                global::System.Diagnostics.Process.GetProcessById(int.Parse(pid, CultureInfo.InvariantCulture)).Kill();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // It has ended by itself.
        }
    }
}
