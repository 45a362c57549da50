using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine.Trust;

namespace VibePN.Engine.Runtime;

/// <summary>Keeps the latest believed time on disk, so that a clock that fell behind is noticed after a restart too.</summary>
/// <remarks>
/// Writes at start, every hour and at the end, on a thread of the pool: never on the control thread. A time that
/// cannot be written costs only the memory of it.
/// </remarks>
internal sealed class ClockKeeper : IDisposable
{
    private const string FileName = KeptTime.FileName;
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    private readonly ClockGuard _clock;
    private readonly IPluginStore _store;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _writing = new();
    private ITimer? _timer;
    private DateTimeOffset _kept;
    private bool _warned;
    private bool _ended;

    /// <summary>Reads what an earlier run kept.</summary>
    public ClockKeeper(ClockGuard clock, IPluginStore store, TimeProvider time, ILogger logger)
    {
        _clock = clock;
        _store = store;
        _time = time;
        _logger = logger;
        ulong? kept = Read();
        if (kept <= (ulong)DateTimeOffset.MaxValue.ToUnixTimeMilliseconds())
        {
            _kept = DateTimeOffset.FromUnixTimeMilliseconds((long)kept);
            clock.RaiseFloor(_kept);
        }
    }

    /// <summary>Looks at the clock now and every hour.</summary>
    public void Start()
    {
        Look(atLeast: Interval);
        _timer = _time.CreateTimer(_ => Look(atLeast: TimeSpan.Zero), null, Interval, Interval);
    }

    /// <summary>Keeps the time for the last time.</summary>
    public void Dispose()
    {
        _timer?.Dispose();
        Look(atLeast: TimeSpan.Zero);
        lock (_writing)
            _ended = true;
    }

    private ulong? Read()
    {
        string? fault;
        ulong? kept = null;
        try
        {
            kept = StateFile.Read(_store, FileName, out fault);
        }
        catch (IOException exception)
        {
            fault = $"The time of the last run could not be read: {exception.Message}";
        }
        if (fault is not null)
            Log.StateFault(_logger, fault);
        return kept;
    }

    private void Look(TimeSpan atLeast)
    {
        lock (_writing)
        {
            if (_ended)
                return;
            DateTimeOffset? now = _clock.Observe();
            Warn(now is null);
            if (now is { } time && time - _kept >= atLeast)
                Keep(time);
        }
    }

    private void Keep(DateTimeOffset now)
    {
        if (now <= _kept)
            return;
        try
        {
            StateFile.Write(_store, FileName, (ulong)now.ToUnixTimeMilliseconds());
            _kept = now;
        }
        catch (IOException exception)
        {
            Log.StateFault(_logger, $"The time could not be kept for the next start: {exception.Message}");
        }
    }

    private void Warn(bool isWrong)
    {
        if (isWrong && !_warned && _clock.Warning(_time.GetUtcNow()) is { } warning)
            Log.ClockWrong(_logger, warning);
        else if (!isWrong && _warned)
            Log.ClockRight(_logger);
        _warned = isWrong;
    }
}
