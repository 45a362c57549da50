using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Control;
using VibePN.Engine.Time;

namespace VibePN.Engine.Sessions;

/// <summary>What a <see cref="PeerMachine"/> has done to the world. Called synchronously, on the control thread.</summary>
internal interface ISessionActions
{
    /// <summary>Begins a dial; its end comes back as a connection or a failure with the same id.</summary>
    void Dial(PeerMachine peer, long dialId, string address);

    /// <summary>The connection may carry packets from now on: its networks are agreed.</summary>
    void ConnectionReady(PeerMachine peer, PeerConnection connection);

    /// <summary>Packets to the peer go over another connection now, or over none.</summary>
    void ActiveChanged(PeerMachine peer, PeerConnection? active, Instant now);

    /// <summary>The peer restarted, or no connection is left: what it told us is void.</summary>
    void PeerForgotten(PeerMachine peer, Instant now);

    /// <summary>A message about routes came in, on a connection that is confirmed.</summary>
    /// <returns>What is wrong with it so that the session must end, or null.</returns>
    string? RouteMessage(PeerMachine peer, PeerConnection connection, ControlFrame frame, Instant now);

    /// <summary>The connection is not used any more, though the transport may still be closing it.</summary>
    void ConnectionGone(PeerMachine peer, PeerConnection connection, CloseReason reason);

    /// <summary>The networks both we and the peer are in, as far as the configuration goes, with our numbering.</summary>
    IReadOnlyList<NetworkConfiguration> NetworksOf(PeerConfiguration peer);
}
