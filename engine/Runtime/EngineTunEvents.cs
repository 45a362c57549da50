using VibePN.Contracts;
using VibePN.Engine.Node;

namespace VibePN.Engine.Runtime;

/// <summary>Where the TUN plugin reports; everything becomes work for the control loop.</summary>
internal sealed class EngineTunEvents(IControlQueue loop, Func<ControlPlane?> plane) : ITunEvents
{
    /// <inheritdoc/>
    public void OnDeviceLost(string deviceName, string text) =>
        loop.Post(now => plane()?.Networks.OnDeviceLost(deviceName, text, now));

    /// <inheritdoc/>
    public void OnMachineNetworkChanged() => loop.Post(_ => plane()?.OnMachineNetworkChanged());
}
