using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Engine.Configuration;

namespace VibePN.Host.Enrolment;

/// <summary>The running engine's peers, as enrolment changes them.</summary>
internal interface IPeerTable
{
    /// <summary>What is in effect.</summary>
    Task<EngineConfiguration> GetAsync();

    /// <summary>Changes to another configuration in the transaction that a reload uses.</summary>
    /// <param name="next">What is to be in effect.</param>
    /// <param name="makeDurable">Called when everything is prepared and nothing changed; when it throws, nothing does.</param>
    /// <exception cref="PluginException">It cannot be made; nothing is changed.</exception>
    /// <exception cref="IOException">It could not be made durable; nothing is changed.</exception>
    Task ChangeAsync(EngineConfiguration next, Action makeDurable);
}

/// <summary>The peers of an engine.</summary>
/// <param name="engine">The engine; throws while there is none.</param>
internal sealed class EnginePeers(Func<OverlayEngine> engine) : IPeerTable
{
    /// <inheritdoc/>
    public Task<EngineConfiguration> GetAsync() => engine().GetConfigurationAsync(CancellationToken.None);

    /// <inheritdoc/>
    public async Task ChangeAsync(EngineConfiguration next, Action makeDurable)
    {
        OverlayEngine running = engine();
        PreparedChange prepared = await running.PrepareAsync(new EngineChange { Configuration = next }, CancellationToken.None);
        try
        {
            makeDurable();
        }
        catch (IOException)
        {
            await running.AbandonAsync(prepared);
            throw;
        }
        await running.CommitAsync(prepared);
    }
}
