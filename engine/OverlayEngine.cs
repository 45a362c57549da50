using VibePN.Engine.Configuration;

namespace VibePN.Engine;

/// <summary>The engine as the host sees it: start, look, change, stop. All members from any thread.</summary>
public sealed class OverlayEngine : IAsyncDisposable
{
    /// <summary>Wires the parts; touches nothing yet.</summary>
    public OverlayEngine(EngineConfiguration configuration, EngineParts parts)
    {
        Configuration = configuration;
        Parts = parts;
    }

    internal EngineConfiguration Configuration { get; }

    internal EngineParts Parts { get; }

    /// <summary>Opens the interfaces, listens and begins to dial.</summary>
    /// <exception cref="VibePN.Contracts.PluginException">Something cannot be opened; all that was opened is closed again.</exception>
    public Task StartAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>A picture of now.</summary>
    public Task<EngineStatus> GetStatusAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Changes to another configuration; what is equal in both stays untouched.</summary>
    /// <returns>What was changed, one line each; empty when nothing was.</returns>
    /// <exception cref="VibePN.Contracts.PluginException">Not changed, and why.</exception>
    public Task<IReadOnlyList<string>> ReloadAsync(EngineConfiguration configuration, CancellationToken cancellationToken) =>
        throw new NotImplementedException();

    /// <summary>Says goodbye to every peer and closes its connections; dialling goes on after the back-off.</summary>
    /// <returns>How many connections were closed.</returns>
    public Task<int> GoodbyeAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Says goodbye, closes connections and removes the interfaces. Within 3 s.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
