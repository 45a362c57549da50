using Microsoft.Extensions.Logging;
using VibePN.Simulation.World;

namespace VibePN.Simulation.Runs;

/// <summary>Brings what an engine logs into the trace of a run that somebody watches.</summary>
internal sealed class TraceLoggers(SimulatedWorld world, int node) : ILoggerFactory, ILogger
{
    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        world.Trace.Say(world.Now, node, "| " + formatter(state, exception));

    public void Dispose()
    {
    }
}
