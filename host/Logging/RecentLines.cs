namespace VibePN.Host.Logging;

/// <summary>The last lines of the log, for whoever asks what happened. Any thread.</summary>
internal sealed class RecentLines
{
    /// <summary>Most lines kept; a line is at most a little longer than <see cref="LogText.MaxLength"/>.</summary>
    public const int Most = 500;

    private readonly Queue<string> _lines = new(Most);

    /// <summary>The lines, oldest first.</summary>
    public IReadOnlyList<string> All
    {
        get
        {
            lock (_lines)
                return [.. _lines];
        }
    }

    /// <summary>Adds a line; the oldest goes when there are too many.</summary>
    public void Add(string line)
    {
        lock (_lines)
        {
            if (_lines.Count == Most)
                _lines.Dequeue();
            _lines.Enqueue(line);
        }
    }
}
