using VibePN.Contracts;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Node;
using VibePN.Engine.Time;
using VibePN.Engine.Trust;

namespace VibePN.Engine.Runtime;

/// <summary>Gives the control plane threads for its interfaces and waits for it where waiting is needed.</summary>
internal sealed class EngineDriver(
    ControlLoop loop, TrustGate gate, IReadOnlyList<ITransportPlugin> transports, Action<string, string> onPumpLost,
    IJoinAuthority? joining, Action<Exception> onRedeemFault) : IEngineDriver
{
    // A trust store that takes longer is as good as broken: the peer is refused.
    private static readonly TimeSpan CommitTimeout = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public Instant Now => loop.Now;

    /// <inheritdoc/>
    public IDisposable StartPump(ITunDevice device, OutboundPath path)
    {
        void OnLost(string text) => onPumpLost(device.Name, text);
        return ServedPump.TryStart(device, transports, path, OnLost) as IDisposable ?? new TunPump(device, path, OnLost);
    }

    /// <inheritdoc/>
    public void Commit(Admission admission, Action<string?, Instant> done) => _ = Task.Run(async () =>
    {
        using var timeout = new CancellationTokenSource(CommitTimeout);
        string? fault = await gate.CommitAsync(admission, timeout.Token);
        loop.Post(now => done(fault, now));
    });

    /// <inheritdoc/>
    public void Redeem(JoinClaim claim, Action<JoinDecision, Instant> done) => _ = Task.Run(async () =>
    {
        JoinDecision decision;
        try
        {
            // The joiner waits no longer than its own limit; what has begun is brought to its end all the same.
            decision = joining is null ? new JoinDecision(JoinResult.Refused) : await joining.RedeemAsync(claim, CancellationToken.None);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Our own bug: reported, and the joiner is refused.
            onRedeemFault(exception);
            decision = new JoinDecision(JoinResult.Failed);
        }
        loop.Post(now => done(decision, now));
    });
}
