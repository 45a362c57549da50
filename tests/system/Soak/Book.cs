using System.Collections;
using System.Globalization;

namespace VibePN.System.Tests.Soak;

/// <summary>What one flow has sent and seen. All members from any thread.</summary>
internal sealed class Book
{
    private const int MostFaults = 5;

    private readonly Lock _gate = new();
    private readonly BitArray _seen = new(1 << 16);
    private readonly List<string> _faults = [];
    private long _sent;
    private long _received;
    private long _bytes;
    private long _altered;
    private long _reordered;
    private long _overtaken;
    private long _repeated;
    private long _highest = -1;
    private long _highestWhole = -1;
    private long _highestFragmented = -1;

    /// <summary>Datagrams sent, or connections made.</summary>
    public long Sent => Read(() => _sent);

    /// <summary>Datagrams that came as they were sent, each counted once; or connections that did.</summary>
    public long Received => Read(() => _received);

    /// <summary>Bytes that came as they were sent.</summary>
    public long Bytes => Read(() => _bytes);

    /// <summary>The largest number that has come.</summary>
    public long Highest => Read(() => _highest);

    /// <summary>Datagrams that did not come.</summary>
    public long Lost => Read(() => _sent - _received);

    /// <summary>Datagrams, or connections, with another content than was sent.</summary>
    public long Altered => Read(() => _altered);

    /// <summary>Datagrams that came after one with a higher number, both whole or both fragmented.</summary>
    public long Reordered => Read(() => _reordered);

    /// <summary>Whole datagrams that came after a later fragmented one of their flow, or the other way round.</summary>
    /// <remarks>A fragment has no ports, so whatever sorts packets by flow takes it for another flow's, as routers do.</remarks>
    public long Overtaken => Read(() => _overtaken);

    /// <summary>Datagrams that came again.</summary>
    public long Repeated => Read(() => _repeated);

    /// <summary>The first things that went wrong, in words.</summary>
    public IReadOnlyList<string> Faults => Read(() => _faults.ToArray());

    /// <summary>So many more were sent.</summary>
    public void OnSent(int count = 1) => Read(() => _sent += count);

    /// <summary>Bytes of a stream came, unaltered.</summary>
    public void OnBytes(int bytes) => Read(() => _bytes += bytes);

    /// <summary>One came, unaltered.</summary>
    public void OnReceived(long number, int bytes, bool isFragmented = false)
    {
        lock (_gate)
        {
            if (number >= _seen.Length)
                _seen.Length = checked((int)(number * 2));
            if (_seen[(int)number])
            {
                _repeated++;
                Note($"{number} came again, after {_highest}");
                return;
            }
            _seen[(int)number] = true;
            _received++;
            _bytes += bytes;
            ref long highest = ref isFragmented ? ref _highestFragmented : ref _highestWhole;
            if (number < highest)
            {
                _reordered++;
                Note(string.Create(CultureInfo.InvariantCulture, $"{number}, of {bytes} bytes, came after {highest}"));
            }
            else if (number < _highest)
            {
                _overtaken++;
            }
            highest = Math.Max(highest, number);
            _highest = Math.Max(_highest, number);
        }
    }

    /// <summary>One came with another content.</summary>
    public void OnAltered(string how)
    {
        lock (_gate)
        {
            _altered++;
            Note("altered: " + how);
        }
    }

    private void Note(string fault)
    {
        if (_faults.Count < MostFaults)
            _faults.Add(fault);
    }

    private T Read<T>(Func<T> value)
    {
        lock (_gate)
            return value();
    }
}
