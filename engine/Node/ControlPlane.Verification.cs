using VibePN.Contracts;
using VibePN.Engine.Control;
using VibePN.Engine.Sessions;
using VibePN.Engine.Time;
using VibePN.Engine.Trust;

namespace VibePN.Engine.Node;

// Comparing short digits with a peer's operator: who asks, over which connection.
internal sealed partial class ControlPlane
{
    /// <summary>The operator asks for a comparison.</summary>
    public void StartVerification(string name, Action<VerifyStep> tell, Instant now)
    {
        if (!_peers.TryGetValue(name, out PeerMachine? peer))
            tell(new VerifyStep(VerifyState.Failed, "the configuration has no such peer"));
        else
            _verifications.Start(name, peer.Active is { } active ? ChannelOf(active) : null, tell, now);
    }

    /// <summary>The operator gives up.</summary>
    public void CancelVerification(string name) => _verifications.Cancel(name);

    /// <summary>The digits have been compared.</summary>
    /// <returns>The certificate that was compared, or what is wrong.</returns>
    public VerifyConfirmation ConfirmVerification(string name, string digits) =>
        _verifications.Confirm(name, digits, out Fingerprint certificate) is { } problem
            ? new VerifyConfirmation(default, problem)
            : new VerifyConfirmation(certificate, "");

    string? ISessionActions.VerifyMessage(PeerMachine peer, PeerConnection connection, ControlFrame frame, Instant now)
    {
        string name = peer.Configuration.Name;
        bool wasAwaited = _verifications.IsAwaited(name);
        string? fault = _verifications.OnMessage(name, ChannelOf(connection), frame, now);
        if (!wasAwaited && _verifications.IsAwaited(name) && MayLog(peer, now))
            Log.VerificationAwaited(_logger, name, name);
        return fault;
    }

    private static VerifyChannel ChannelOf(PeerConnection connection)
    {
        ITransportConnection transport = connection.Transport;
        return new VerifyChannel(transport.Id, transport.Peer, transport.ChannelBinding, frame => transport.SendControl(frame.Span));
    }
}
