using VibePN.Engine.Time;

namespace VibePN.Engine.Node;

/// <summary>The way onto the control thread, from any thread. The daemon's is the control loop; a simulator brings its own.</summary>
internal interface IControlQueue
{
    /// <summary>The time on the engine's line.</summary>
    Instant Now { get; }

    /// <summary>Queues work for the control thread; it is handed the time at which it runs.</summary>
    /// <returns>False when nobody will run it any more.</returns>
    bool Post(Action<Instant> work);
}
