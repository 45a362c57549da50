using VibePN.Contracts;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Time;
using VibePN.Engine.Trust;

namespace VibePN.Engine.Node;

/// <summary>What the control plane needs of whoever runs it: threads for interfaces, and waiting for what is slow.</summary>
/// <remarks>The daemon's driver is in <c>engine/Runtime</c>; a simulator brings its own.</remarks>
internal interface IEngineDriver
{
    /// <summary>The time, for packet threads; any thread.</summary>
    Instant Now { get; }

    /// <summary>Begins to read an interface and to feed the path; the returned object stops that and closes the interface.</summary>
    IDisposable StartPump(ITunDevice device, OutboundPath path);

    /// <summary>Makes an admission durable, then calls back on the control thread with null or the reason it is not.</summary>
    void Commit(Admission admission, Action<string?, Instant> done);

    /// <summary>Has a claim to an invite decided, then calls back on the control thread. Where nobody keeps invites, there is none.</summary>
    void Redeem(JoinClaim claim, Action<JoinDecision, Instant> done) => done(new JoinDecision(JoinResult.Refused), Now);
}
