using System.Globalization;

namespace VibePN.Simulation.World;

/// <summary>The last things that happened, cheap to write and put into words only when somebody reads them.</summary>
internal sealed class Trace
{
    private const int Kept = 8_192;

    private readonly Line[] _lines = new Line[Kept];
    private long _count;

    /// <summary>Where every line goes at once, when somebody watches.</summary>
    public TextWriter? Watcher { get; set; }

    public void Add(long when, int node, int other, string what, long detail)
    {
        var line = new Line(when, node, other, what, detail);
        _lines[_count++ % Kept] = line;
        Watcher?.WriteLine(line.ToString());
    }

    /// <summary>A line in words, for the watcher only.</summary>
    public void Say(long when, int node, string text) => Watcher?.WriteLine(new Line(when, node, -1, text, 0).ToString());

    /// <summary>The last lines that concern any of the nodes; of all when none is named.</summary>
    public string[] Last(int count, params int[] nodes)
    {
        var found = new List<string>();
        for (long i = _count - 1; i >= Math.Max(0, _count - Kept) && found.Count < count; i--)
        {
            Line line = _lines[i % Kept];
            if (nodes.Length == 0 || nodes.Contains(line.Node))
                found.Add(line.ToString());
        }
        found.Reverse();
        return [.. found];
    }

    private readonly record struct Line(long When, int Node, int Other, string What, long Detail)
    {
        public override string ToString()
        {
            string whom = Other < 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" node{Other}");
            string more = Detail == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" ({Detail})");
            string who = Node < 0 ? "network" : string.Create(CultureInfo.InvariantCulture, $"node{Node}");
            return string.Create(CultureInfo.InvariantCulture, $"{When / 1e9,12:0.000000} s  {who,-8} {What}{whom}{more}");
        }
    }
}
