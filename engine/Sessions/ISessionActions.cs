using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Control;
using VibePN.Engine.Time;

namespace VibePN.Engine.Sessions;

/// <summary>What a <see cref="PeerMachine"/> has done to the world. Called synchronously, on the control thread.</summary>
internal interface ISessionActions
{
    /// <summary>What the operator wrote of sessions, as it is now.</summary>
    SessionConfiguration Settings => SessionConfiguration.Standard;

    /// <summary>
    /// Begins with one address of a dial; its end comes back as a connection or a failure with the same id. Several may
    /// be under way for one peer.
    /// </summary>
    void Dial(PeerMachine peer, long dialId, string address);

    /// <summary>The connection may carry packets from now on: its networks are agreed.</summary>
    void ConnectionReady(PeerMachine peer, PeerConnection connection);

    /// <summary>Packets to the peer go over another connection now, or over none.</summary>
    void ActiveChanged(PeerMachine peer, PeerConnection? active, Instant now);

    /// <summary>The peer restarted, or no connection is left: what it told us is void.</summary>
    void PeerForgotten(PeerMachine peer, Instant now);

    /// <summary>No connection is left, but the peer said that it will be back: what it told us may serve as a last choice.</summary>
    /// <param name="peer">The peer.</param>
    /// <param name="hold">For how long.</param>
    /// <param name="now">The time.</param>
    void PeerHeld(PeerMachine peer, TimeSpan hold, Instant now) => PeerForgotten(peer, now);

    /// <summary>Two daemons turned out to use the peer's certificate. Said once a minute at most.</summary>
    void PeerCloned(PeerMachine peer, Instant now)
    {
    }

    /// <summary>A message about routes came in, on a connection that is confirmed.</summary>
    /// <returns>What is wrong with it so that the session must end, or null.</returns>
    string? RouteMessage(PeerMachine peer, PeerConnection connection, ControlFrame frame, Instant now);

    /// <summary>A message of a comparison of short digits came in, on a connection that is confirmed.</summary>
    /// <returns>What is wrong with it so that the session must end, or null.</returns>
    string? VerifyMessage(PeerMachine peer, PeerConnection connection, ControlFrame frame, Instant now) => null;

    /// <summary>The connection is not used any more, though the transport may still be closing it.</summary>
    void ConnectionGone(PeerMachine peer, PeerConnection connection, CloseReason reason);

    /// <summary>The networks both we and the peer are in, as far as the configuration goes, with our numbering.</summary>
    IReadOnlyList<NetworkConfiguration> NetworksOf(PeerConfiguration peer);
}
