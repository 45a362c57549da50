using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

// From the socket to the connection: by connection ID, then by reset token, then to the acceptor.
internal sealed unsafe partial class EventLoop
{
    // Datagrams in one turn from which on they are acknowledged before their packets are passed on: nearly what the kernel
    // joins in one message. For fewer the acknowledgement waits, and leaves with an answer if one comes.
    internal const int ManyDatagrams = 48;

    private int _arrived;
    private ReceivePause _pause;
    private bool _letsGather;

    // All sockets that have something.
    private void ReceiveAll()
    {
        long before = Counters.DatagramsIn;
        bool isFull = false;
        for (int i = 0; i < _sockets.Length; i++)
        {
            if ((_polls[i].Revents & LibC.POLLIN) != 0)
                isFull |= Receive(_sockets[i]);
        }
        _letsGather = _pause.OnTurn(Counters.DatagramsIn - before, isFull, _now);
    }

    // The engine needs as long to write packets to an interface as it took to decrypt them. A sender whose window is full
    // would wait for that, and this loop would then wait for the sender.
    private void AcknowledgeMany()
    {
        bool areMany = _arrived >= ManyDatagrams;
        _arrived = 0;
        if (!areMany || Arena.Blocked is not null)
            return;
        for (int i = 0; i < _dirty.Count; i++)
            ServeOne(_dirty[i], onlyWrites: true);
        Arena.Flush();
    }

    // While datagrams keep coming, more of them are taken at once (ReceivePause); nobody's timer is late for it.
    private void LetGather()
    {
        ulong pause = _letsGather ? UntilWork(Settings.ReceivePause) : 0;
        if (pause == 0)
            return;
        Counters.Pauses++;
        var time = new TimeSpec(pause);
        _ = LibC.ppoll(null, 0, &time, null);
    }

    // Returns whether the socket may have more.
    private bool Receive(UdpSocket socket)
    {
        int messages = _ring.Receive(socket.Fd, out bool isFull);
        for (int i = 0; i < messages; i++)
        {
            byte* data = _ring.Message(i, out int length, out int segment, out SocketAddress28 remote, out LocalAddress local);
            AskedAddress = local;
            for (int offset = 0; offset < length; offset += segment)
                Route(socket, remote, data + offset, Math.Min(segment, length - offset));
        }
        return isFull;
    }

    private void Route(UdpSocket socket, in SocketAddress28 remote, byte* packet, int length)
    {
        Counters.DatagramsIn++;
        int loops = _loops.Length;
        int owner = loops == 1 ? 0 : ConnectionId.LoopOf(new ReadOnlySpan<byte>(packet, length), loops);
        if (owner == Index)
            Deliver(socket, remote, packet, length);
        else
            HandTo(_loops[owner], socket, remote, packet, length);
    }

    private void HandTo(EventLoop other, UdpSocket socket, in SocketAddress28 remote, byte* packet, int length)
    {
        Counters.HandedOver++;
        if (other._handOver.TryAdd(socket.Group, remote, AskedAddress, new ReadOnlySpan<byte>(packet, length)))
            other.Wake();
        else
            Counters.Unroutable++;
    }

    // What other loops have received for this one.
    private void TakeHandedOver()
    {
        if (!_handOver.HasAny)
            return;
        foreach (ref readonly HandOver.Entry entry in _handOver.Take())
        {
            UdpSocket socket = entry.Group.Members[Index];
            if (Array.IndexOf(_sockets, socket) < 0)
                continue; // released: this loop has nothing more to do with that address
            AskedAddress = entry.Local;
            Deliver(socket, entry.Remote, (byte*)entry.Packet, entry.Length);
        }
    }

    private void Deliver(UdpSocket socket, in SocketAddress28 remote, byte* packet, int length)
    {
        QuicConnection? connection = Find(socket, remote, packet, length);
        if (connection is null)
        {
            Counters.Unroutable++;
            return;
        }
        if (connection.Loop != this)
        {
            HandTo(connection.Loop, socket, remote, packet, length);
            return;
        }
        if (!MayBring(socket, connection))
            return;
        _arrived++;
        connection.Receive(remote, packet, length, _now);
        MarkDirty(connection);
    }

    // A peer talks to the address it knows. It may be one that the connection has left, or the same one in another
    // socket, when a wildcard gives way to one address; elsewhere nobody can have learned of the connection.
    private static bool MayBring(UdpSocket socket, QuicConnection connection) =>
        ReferenceEquals(connection.Socket, socket) || socket.ClosesAt != Never
        || (socket.Local.PortBigEndian == connection.Socket.Local.PortBigEndian
            && socket.Local.Family == connection.Socket.Local.Family);

    private QuicConnection? Find(UdpSocket socket, in SocketAddress28 remote, byte* packet, int length)
    {
        if (length < 1 + ConnectionId.OwnLength)
            return null;
        bool longHeader = (packet[0] & 0x80) != 0;
        if (!longHeader)
        {
            var id = new ConnectionId(new ReadOnlySpan<byte>(packet + 1, ConnectionId.OwnLength));
            if (Table.TryFind(id, out QuicConnection? known) || FindByToken(packet, length, out known))
                return known;
            _acceptor.OnUnknownShort(socket, remote, packet, length, _now);
            return null;
        }
        NgVersionCid ids;
        int result = Ngtcp2.ngtcp2_pkt_decode_version_cid(&ids, packet, (nuint)length, ConnectionId.OwnLength);
        if (result == Ngtcp2.ERR_VERSION_NEGOTIATION)
            _acceptor.OnUnknownVersion(socket, remote, ids, length, _now);
        if (result != 0 || ids.DcidLength > NgCid.MaxLength)
            return null;
        var destination = new ConnectionId(new ReadOnlySpan<byte>(ids.Dcid, (int)ids.DcidLength));
        return Table.TryFind(destination, out QuicConnection? found)
            ? found
            : _acceptor.OnUnknownLong(socket, remote, packet, length, _now);
    }

    // A stateless reset ends with the token that the peer gave us for the ID it has forgotten; what stands in the ID's
    // place is random, so the connection may be another loop's.
    private bool FindByToken(byte* packet, int length, out QuicConnection? connection)
    {
        connection = null;
        if (length < 1 + 4 + Ngtcp2.StatelessResetTokenLength)
            return false;
        byte* tail = packet + length - Ngtcp2.StatelessResetTokenLength;
        return Shared.ByToken.TryGetValue(
            ConnectionTable.Token(new ReadOnlySpan<byte>(tail, Ngtcp2.StatelessResetTokenLength)), out connection);
    }
}
