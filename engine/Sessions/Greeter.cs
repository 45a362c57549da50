using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Control;

namespace VibePN.Engine.Sessions;

/// <summary>Writes the session protocol's own messages and agrees on networks.</summary>
/// <param name="instance">Number of this start of our daemon.</param>
/// <param name="actions">Knows which networks we share with a peer.</param>
internal sealed class Greeter(ulong instance, ISessionActions actions)
{
    /// <summary>The largest Hello: 255 networks with the longest names.</summary>
    private const int LargestHello = 64 + (255 * (2 + ControlLimits.MaxNetworkName));

    /// <summary>The initiator's first message.</summary>
    public bool SendHello(PeerMachine peer, PeerConnection connection)
    {
        Span<byte> frame = stackalloc byte[LargestHello];
        int length = ControlWriter.WriteHello(frame, new HelloMessage(
            ControlLimits.MinorVersion, instance, connection.Sequence, Number(peer)));
        return connection.Transport.SendControl(frame[..length]);
    }

    /// <summary>The responder's answer.</summary>
    public bool SendHelloAck(PeerMachine peer, PeerConnection connection, HelloMessage hello)
    {
        Span<byte> frame = stackalloc byte[LargestHello];
        int length = ControlWriter.WriteHelloAck(frame, new HelloAckMessage(
            ControlLimits.MinorVersion, instance, hello.DialSequence, hello.Instance, Number(peer)));
        return connection.Transport.SendControl(frame[..length]);
    }

    /// <summary>The networks that both ends named, with both ends' numbers.</summary>
    public IReadOnlyList<AgreedNetwork> Agree(PeerMachine peer, ImmutableArray<NumberedNetwork> theirs)
    {
        var agreed = new List<AgreedNetwork>();
        IReadOnlyList<NetworkConfiguration> ours = actions.NetworksOf(peer.Configuration);
        for (int i = 0; i < ours.Count; i++)
        {
            foreach (NumberedNetwork candidate in theirs)
            {
                if (candidate.Name == ours[i].Name)
                    agreed.Add(new AgreedNetwork(ours[i], (byte)i, candidate.Number));
            }
        }
        return agreed;
    }

    /// <summary>The initiator has seen the answer.</summary>
    public static void SendConfirm(PeerConnection connection)
    {
        Span<byte> frame = stackalloc byte[8];
        connection.Transport.SendControl(frame[..ControlWriter.WriteConfirm(frame)]);
    }

    /// <summary>The responder has seen the confirmation.</summary>
    public static void SendReady(PeerConnection connection)
    {
        Span<byte> frame = stackalloc byte[8];
        connection.Transport.SendControl(frame[..ControlWriter.WriteReady(frame)]);
    }

    /// <summary>We send no more packets here.</summary>
    public static void SendDrain(PeerConnection connection)
    {
        Span<byte> frame = stackalloc byte[8];
        connection.Transport.SendControl(frame[..ControlWriter.WriteDrain(frame)]);
    }

    /// <summary>Asks for a new connection in this one's place.</summary>
    public static void SendRenew(PeerConnection connection)
    {
        Span<byte> frame = stackalloc byte[8];
        connection.Transport.SendControl(frame[..ControlWriter.WriteRenew(frame)]);
    }

    /// <summary>Asks for a sign of life.</summary>
    public static void SendKeepalive(PeerConnection connection, ulong token)
    {
        Span<byte> frame = stackalloc byte[16];
        connection.Transport.SendControl(frame[..ControlWriter.WriteKeepalive(frame, token)]);
    }

    /// <summary>Gives a sign of life.</summary>
    /// <returns>False when the question is malformed.</returns>
    public static bool SendKeepaliveReply(PeerConnection connection, ReadOnlySpan<byte> question)
    {
        if (!KeepaliveMessage.TryParse(question, out KeepaliveMessage keepalive))
            return false;
        Span<byte> frame = stackalloc byte[16];
        connection.Transport.SendControl(frame[..ControlWriter.WriteKeepaliveReply(frame, keepalive.Token)]);
        return true;
    }

    /// <summary>We are leaving.</summary>
    /// <param name="connection">Where it is said.</param>
    /// <param name="code">Why.</param>
    /// <param name="hold">How long our routes are worth keeping; zero when we do not mean to come back.</param>
    public static void SendGoodbye(PeerConnection connection, CloseCode code, TimeSpan hold)
    {
        Span<byte> frame = stackalloc byte[16];
        connection.Transport.SendControl(frame[..ControlWriter.WriteGoodbye(frame, new GoodbyeMessage((byte)code, (ushort)hold.TotalSeconds))]);
    }

    private ImmutableArray<NumberedNetwork> Number(PeerMachine peer) =>
        [.. actions.NetworksOf(peer.Configuration).Select((network, i) => new NumberedNetwork((byte)i, network.Name))];
}
