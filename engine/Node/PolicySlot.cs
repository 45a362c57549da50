using VibePN.Contracts;

namespace VibePN.Engine.Node;

/// <summary>Holds the routing policy in use, so that another can take its place while packets flow.</summary>
/// <remarks>Control thread only. Tables that a policy compiled stay in use until the next one has compiled its own.</remarks>
internal sealed class PolicySlot(IRoutePolicyPlugin policy)
{
    /// <summary>The policy that is asked from now on.</summary>
    public IRoutePolicyPlugin Current { get; set; } = policy;
}
