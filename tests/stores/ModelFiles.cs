using VibePN.Host.Native;

namespace VibePN.Stores.Tests;

/// <summary>A file system in memory that knows what would survive a crash, and what might.</summary>
/// <remarks>
/// Bytes are safe once their file was synchronised, names once their directory was. Of all the rest a crash may
/// keep anything: <see cref="AfterCrash"/> lists every combination of names, and of bytes a choice that has the
/// nastiest in it. A file whose synchronisation failed is never safe again, although later ones succeed: so does
/// Linux, which takes its pages for clean.
/// </remarks>
internal sealed class ModelFiles : IFileCalls
{
    public const int EIO = 5;
    private const int ENOENT = 2;
    private const int EEXIST = 17;
    private const int ENOTDIR = 20;

    private readonly Node _root;

    public ModelFiles()
        : this(new Node { Names = [] })
    {
    }

    private ModelFiles(Node root) => _root = root;

    /// <summary>Calls that have been made.</summary>
    public int Calls { get; private set; }

    /// <summary>The process dies before it makes the call of this number, from 0.</summary>
    public int StopBefore { get; init; } = int.MaxValue;

    /// <summary>The error number with which a call fails, by the call's number and kind; 0 lets it be.</summary>
    public Func<int, string, int> Fails { get; init; } = (_, _) => 0;

    /// <summary>Whether a rename that fails has been carried out all the same.</summary>
    public bool FailedRenamesHappen { get; init; }

    /// <summary>Most bytes that one call writes.</summary>
    public int MostWritten { get; init; } = int.MaxValue;

    /// <summary>The kinds of the calls made, in order.</summary>
    public List<string> Log { get; } = [];

    /// <summary>What a directory holds, as the running system sees it.</summary>
    public IEnumerable<string> Names(string path) => Find(path, out Node? node) == 0 ? node!.Names!.Keys.Order() : [];

    /// <summary>The same file system, all of it safe, for another process.</summary>
    public ModelFiles Reopened(Func<int, string, int>? fails = null, int stopBefore = int.MaxValue) =>
        new(_root) { Fails = fails ?? ((_, _) => 0), StopBefore = stopBefore };

    /// <summary>A copy that has nothing in common with this one, with the same things unsafe.</summary>
    public ModelFiles Copy(
        int stopBefore = int.MaxValue, Func<int, string, int>? fails = null, bool failedRenamesHappen = false,
        int mostWritten = int.MaxValue)
    {
        var copies = new Dictionary<Node, Node>();
        return new ModelFiles(Copy(_root, copies))
        {
            StopBefore = stopBefore,
            Fails = fails ?? ((_, _) => 0),
            FailedRenamesHappen = failedRenamesHappen,
            MostWritten = mostWritten,
        };
    }

    /// <summary>Every state in which a crash of the machine may leave the disk.</summary>
    public IEnumerable<ModelFiles> AfterCrash()
    {
        var nodes = new List<Node>();
        Collect(_root, nodes);
        // One choice for each node: which of its unsafe changes survive, or which of its contents.
        int[] choices = [.. nodes.Select(node => node.Choices)];
        var chosen = new int[nodes.Count];
        while (true)
        {
            var map = new Dictionary<Node, Node>();
            for (int i = 0; i < nodes.Count; i++)
                map.Add(nodes[i], nodes[i].Survivor(chosen[i]));
            foreach (Node survivor in map.Values)
                survivor.Adopt(map);
            yield return new ModelFiles(map[_root]);
            int digit = 0;
            while (digit < nodes.Count && ++chosen[digit] == choices[digit])
                chosen[digit++] = 0;
            if (digit == nodes.Count)
                yield break;
        }
    }

    public int TryCreate(string path, out IFileHandle? file)
    {
        file = null;
        if (Enter("create") is int error and not 0)
            return error;
        if (Find(Path.GetDirectoryName(path)!, out Node? directory) is int lost and not 0)
            return lost;
        string name = Path.GetFileName(path);
        if (directory!.Names!.ContainsKey(name))
            return -EEXIST;
        var node = new Node();
        directory.Change(names => names[name] = node, node);
        file = new Handle(this, node);
        return 0;
    }

    /// <summary>What is appended to is no store: the model has no such files.</summary>
    public int TryAppend(string path, out IFileHandle? file) => throw new NotSupportedException(path);

    public int TryOpen(string path, out IFileHandle? file) => Open("open", path, out file);

    public int TryOpenDirectory(string path, out IFileHandle? directory) => Open("open directory", path, out directory);

    public int Rename(string from, string to)
    {
        int error = Enter("rename");
        if (error != 0 && !FailedRenamesHappen)
            return error;
        if (Find(from, out Node? node) is int lost and not 0)
            return lost;
        Find(Path.GetDirectoryName(to)!, out Node? directory);
        string old = Path.GetFileName(from), name = Path.GetFileName(to);
        directory!.Change(
            names =>
            {
                names.Remove(old);
                names[name] = node!;
            },
            node);
        return error;
    }

    public int Unlink(string path)
    {
        if (Enter("unlink") is int error and not 0)
            return error;
        if (Find(path, out _) is int lost and not 0)
            return lost;
        Find(Path.GetDirectoryName(path)!, out Node? directory);
        string name = Path.GetFileName(path);
        directory!.Change(names => names.Remove(name), null);
        return 0;
    }

    public int MakeDirectory(string path)
    {
        if (Enter("make directory") is int error and not 0)
            return error;
        if (Find(Path.GetDirectoryName(path)!, out Node? parent) is int lost and not 0)
            return lost;
        string name = Path.GetFileName(path);
        if (parent!.Names!.ContainsKey(name))
            return -EEXIST;
        var node = new Node { Names = [] };
        parent.Change(names => names[name] = node, node);
        return 0;
    }

    public int TryStat(string path, bool followLinks, out FileFacts facts)
    {
        facts = default;
        if (Enter("stat") is int error and not 0)
            return error;
        int found = Find(path, out Node? node);
        if (found == 0)
            facts = new FileFacts(node == _root ? 0 : FileFacts.EffectiveUser, node!.Names is null ? 0x8180 : 0x41C0, 1, 1);
        return found;
    }

    private int Open(string kind, string path, out IFileHandle? file)
    {
        file = null;
        if (Enter(kind) is int error and not 0)
            return error;
        int found = Find(path, out Node? node);
        if (found == 0)
            file = new Handle(this, node!);
        return found;
    }

    // Every call comes by here: this is where a process dies, or a disk fails.
    private int Enter(string kind)
    {
        if (Calls >= StopBefore)
            throw new ModelCrash();
        Log.Add(kind);
        return -Fails(Calls++, kind);
    }

    private int Find(string path, out Node? node)
    {
        node = _root;
        foreach (string name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (node.Names is null)
                return -ENOTDIR;
            if (!node.Names.TryGetValue(name, out node))
                return -ENOENT;
        }
        return 0;
    }

    private static void Collect(Node node, List<Node> nodes)
    {
        if (nodes.Contains(node))
            return;
        nodes.Add(node);
        foreach (Node child in node.Related())
            Collect(child, nodes);
    }

    private static Node Copy(Node root, Dictionary<Node, Node> copies)
    {
        var nodes = new List<Node>();
        Collect(root, nodes);
        foreach (Node node in nodes)
            copies.Add(node, node.Shell());
        foreach (Node node in nodes)
            node.CopyTo(copies[node], copies);
        return copies[root];
    }

    private sealed class Handle(ModelFiles files, Node node) : IFileHandle
    {
        private int _position;

        public int Write(ReadOnlySpan<byte> bytes)
        {
            if (files.Enter("write") is int error and not 0)
                return error;
            int count = Math.Min(bytes.Length, files.MostWritten);
            node.Bytes = [.. node.Bytes, .. bytes[..count]];
            return count;
        }

        public int Read(Span<byte> bytes)
        {
            if (files.Enter("read") is int error and not 0)
                return error;
            int count = Math.Min(bytes.Length, node.Bytes.Length - _position);
            node.Bytes.AsSpan(_position, count).CopyTo(bytes);
            _position += count;
            return count;
        }

        public int Sync()
        {
            int error = files.Enter(node.Names is null ? "sync" : "sync directory");
            node.Sync(error == 0);
            return error;
        }

        public void Dispose()
        {
        }
    }

    /// <summary>A file, or a directory when it has names.</summary>
    private sealed class Node
    {
        private readonly List<(Action<Dictionary<string, Node>> Apply, Node? Subject)> _unsafe = [];
        private Dictionary<string, Node> _safeNames = [];
        private byte[] _safeBytes = [];
        private bool _isLost;

        public Dictionary<string, Node>? Names { get; set; }

        public byte[] Bytes { get; set; } = [];

        /// <summary>How many ways there are for a crash to leave this.</summary>
        public int Choices => Names is not null ? 1 << _unsafe.Count : IsSafe ? 1 : 7;

        private bool IsSafe => Bytes.AsSpan().SequenceEqual(_safeBytes);

        public void Change(Action<Dictionary<string, Node>> apply, Node? subject)
        {
            apply(Names!);
            _unsafe.Add((apply, subject));
        }

        public void Sync(bool succeeds)
        {
            _isLost |= !succeeds;
            if (_isLost)
                return;
            _safeBytes = Bytes;
            _safeNames = new(Names ?? []);
            _unsafe.Clear();
        }

        public IEnumerable<Node> Related() =>
            [.. (Names ?? []).Values, .. _safeNames.Values, .. _unsafe.Select(change => change.Subject).OfType<Node>()];

        /// <summary>This node as one of the <see cref="Choices"/> leaves it, still with the names' old nodes.</summary>
        public Node Survivor(int choice)
        {
            if (Names is null)
            {
                byte[] bytes = choice switch
                {
                    0 => _safeBytes,
                    1 => Bytes,
                    2 => [],
                    3 => Bytes[..(Bytes.Length / 2)],
                    4 => Bytes[..^Math.Min(1, Bytes.Length)],
                    5 => new byte[Bytes.Length],
                    _ => [.. Bytes[..(Bytes.Length / 2)], .. new byte[Bytes.Length - (Bytes.Length / 2)]],
                };
                return new Node { Bytes = bytes, _safeBytes = bytes };
            }
            var names = new Dictionary<string, Node>(_safeNames);
            for (int i = 0; i < _unsafe.Count; i++)
            {
                if ((choice & (1 << i)) != 0)
                    _unsafe[i].Apply(names);
            }
            return new Node { Names = names };
        }

        /// <summary>Exchanges the nodes that names stand for, and makes them safe.</summary>
        public void Adopt(Dictionary<Node, Node> map)
        {
            if (Names is null)
                return;
            foreach (string name in Names.Keys.ToArray())
                Names[name] = map[Names[name]];
            _safeNames = new(Names);
        }

        /// <summary>A node to copy into.</summary>
        public Node Shell() => new() { Names = Names is null ? null : [] };

        public void CopyTo(Node copy, Dictionary<Node, Node> copies)
        {
            if (_unsafe.Count > 0)
                throw new InvalidOperationException("Only a file system at rest is copied.");
            foreach ((string name, Node node) in Names ?? [])
                copy.Names![name] = copies[node];
            foreach ((string name, Node node) in _safeNames)
                copy._safeNames[name] = copies[node];
            copy.Bytes = Bytes;
            copy._safeBytes = _safeBytes;
            copy._isLost = _isLost;
        }
    }
}

/// <summary>The process is gone: nothing that it would have done next happens.</summary>
internal sealed class ModelCrash : Exception;
