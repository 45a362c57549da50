using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

/// <summary>Hears what became of a datagram that the kernel did not take.</summary>
internal interface ISendObserver
{
    /// <summary>The kernel refused a message.</summary>
    /// <param name="errno">Why.</param>
    /// <param name="probe">Whether it was a path-MTU probe, which may be refused for its size.</param>
    void OnSendRefused(int errno, bool probe);

    /// <summary>The oldest of its packets that were committed have left, or were refused.</summary>
    /// <param name="packets">How many.</param>
    /// <param name="isEqualRun">Whether in one message of several that are all equally long.</param>
    void OnLeft(int packets, bool isEqualRun);
}

/// <summary>How a packet may leave.</summary>
internal enum SendAs
{
    /// <summary>With its neighbours, where the socket can do that.</summary>
    Run,

    /// <summary>As a message of its own.</summary>
    Alone,

    /// <summary>Alone, too: a path-MTU probe, whose loss must not take others along and which may be refused for its size.</summary>
    Probe,
}

/// <summary>sendmmsg, or what a test has put in its place.</summary>
internal unsafe delegate int SendMessages(int fd, MMsgHdr* messages, uint count, int flags);

/// <summary>
/// QUIC packets on their way into the kernel: written side by side, runs of equal size become one UDP_SEGMENT
/// message, and all messages leave in one sendmmsg.
/// </summary>
/// <remarks>Belongs to the loop's thread.</remarks>
internal sealed unsafe class SendArena : IDisposable
{
    private const int ArenaBytes = 512 * 1024;
    private const int MaxMessages = 128;

    // udp(7): at most 64 segments; and a whole message must fit an IP packet.
    private const int MaxSegments = 64;
    private const int MaxMessageBytes = 65_400;

    // CMSG_SPACE(sizeof(u16)) on 64-bit Linux, and room for the source address behind it.
    private const int SegmentControlBytes = 24;
    private const int ControlBytes = SegmentControlBytes + LocalAddress.ControlBytes;

    private readonly byte* _arena;
    private readonly MMsgHdr* _headers;
    private readonly IoVec* _vectors;
    private readonly SocketAddress28* _remotes;
    private readonly byte* _controls;
    private readonly Message[] _messages = new Message[MaxMessages];
    private readonly SendMessages _send;
    private int _used;
    private int _count;
    private int _sent;

    /// <param name="send">What hands messages to the kernel.</param>
    public SendArena(SendMessages? send = null)
    {
        _send = send ?? LibC.sendmmsg;
        _arena = (byte*)NativeMemory.AlignedAlloc(ArenaBytes, 64);
        _headers = (MMsgHdr*)NativeMemory.AllocZeroed((nuint)(MaxMessages * sizeof(MMsgHdr)));
        _vectors = (IoVec*)NativeMemory.AllocZeroed((nuint)(MaxMessages * sizeof(IoVec)));
        _remotes = (SocketAddress28*)NativeMemory.AllocZeroed(MaxMessages * SocketAddress28.Size);
        _controls = (byte*)NativeMemory.AllocZeroed(MaxMessages * ControlBytes);
    }

    /// <summary>The socket whose full buffer holds everything up; null when nothing waits.</summary>
    public UdpSocket? Blocked { get; private set; }

    /// <summary>Datagrams handed to the kernel.</summary>
    public long Datagrams { get; private set; }

    /// <summary>Messages that carried more than one datagram.</summary>
    public long Runs { get; private set; }

    /// <summary>Sockets on which segmentation had to be switched off.</summary>
    public long GsoFailures { get; private set; }

    /// <summary>Room for one packet, sending what is there first when needed.</summary>
    /// <returns>Null while a socket's buffer is full.</returns>
    public byte* Reserve(int bytes)
    {
        if (ArenaBytes - _used < bytes || _count == MaxMessages)
            Flush();
        return Blocked is null && ArenaBytes - _used >= bytes ? _arena + _used : null;
    }

    /// <summary>Keeps the packet written at the last reserved place.</summary>
    /// <param name="source">The local address to send from; the default lets the kernel choose.</param>
    /// <param name="owner">Hears of a refusal; null for what belongs to no connection.</param>
    /// <param name="sendAs">With which others.</param>
    public void Commit(
        int length, UdpSocket socket, in SocketAddress28 remote, LocalAddress source, ISendObserver? owner, SendAs sendAs)
    {
        _used += length;
        if (sendAs == SendAs.Run && TryExtend(length, socket, remote, owner))
            return;
        _remotes[_count] = remote;
        _vectors[_count] = new IoVec { Base = _arena + _used - length, Length = (nuint)length };
        _messages[_count] = new Message(socket, source, owner, sendAs) { Segment = length, Last = length, Segments = 1 };
        _count++;
    }

    /// <summary>Hands everything to the kernel, or as much as it takes.</summary>
    public void Flush()
    {
        Blocked = null;
        while (_sent < _count)
        {
            int end = _sent + 1;
            while (end < _count && ReferenceEquals(_messages[end].Socket, _messages[_sent].Socket))
                end++;
            if (!SendRange(end))
                return;
        }
        Array.Clear(_messages, 0, _count);
        _count = 0;
        _sent = 0;
        _used = 0;
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_arena);
        NativeMemory.Free(_headers);
        NativeMemory.Free(_vectors);
        NativeMemory.Free(_remotes);
        NativeMemory.Free(_controls);
    }

    // One owner sends from one source, so the source need not be compared.
    private bool TryExtend(int length, UdpSocket socket, in SocketAddress28 remote, ISendObserver? owner)
    {
        if (_count == 0 || !socket.Gso || owner is null)
            return false;
        ref Message last = ref _messages[_count - 1];
        ref IoVec vector = ref _vectors[_count - 1];
        bool fits = ReferenceEquals(last.Socket, socket) && ReferenceEquals(last.Owner, owner) && last.SendAs == SendAs.Run
            && last.Last == last.Segment && length <= last.Segment && last.Segments < MaxSegments
            && (int)vector.Length + length <= MaxMessageBytes && _remotes[_count - 1].Equals(remote);
        if (!fits)
            return false;
        vector.Length += (nuint)length;
        last.Segments++;
        last.Last = length;
        return true;
    }

    // Sends messages _sent to end - 1, all of one socket. False when the socket's buffer is full.
    private bool SendRange(int end)
    {
        UdpSocket socket = _messages[_sent].Socket;
        for (int i = _sent; i < end; i++)
            Prepare(i);
        while (_sent < end)
        {
            int taken = _send(socket.Fd, _headers + _sent, (uint)(end - _sent), LibC.MSG_DONTWAIT);
            if (taken > 0)
            {
                for (int i = _sent; i < _sent + taken; i++)
                    OnTaken(_messages[i]);
                _sent += taken;
                continue;
            }
            int errno = Marshal.GetLastPInvokeError();
            if (errno == LibC.EINTR)
                continue;
            if (errno == LibC.EAGAIN)
            {
                Blocked = socket;
                return false;
            }
            OnRefused(socket, errno);
        }
        return true;
    }

    // sendmmsg reports an error only for the first message it was given.
    private void OnRefused(UdpSocket socket, int errno)
    {
        ref Message message = ref _messages[_sent];
        if (message.Segments > 1 && errno is LibC.EIO or LibC.EINVAL)
        {
            // A driver without checksum offload refuses segmentation (EIO); so do some virtual devices (EINVAL).
            if (socket.Gso)
                GsoFailures++;
            socket.Gso = false;
            SendOneByOne(ref message);
        }
        else
        {
            message.Owner?.OnSendRefused(errno, message.SendAs == SendAs.Probe);
        }
        message.Owner?.OnLeft(message.Segments, isEqualRun: false);
        _sent++;
    }

    private void SendOneByOne(ref Message message)
    {
        IoVec whole = _vectors[_sent];
        for (int offset = 0; offset < (int)whole.Length; offset += message.Segment)
        {
            int length = Math.Min(message.Segment, (int)whole.Length - offset);
            _vectors[_sent] = new IoVec { Base = whole.Base + offset, Length = (nuint)length };
            // The source's control message stands first; only the segment size behind it goes.
            ref MsgHdr header = ref _headers[_sent].Header;
            header.ControlLength = (nuint)message.Source.Write((CMsgHdr*)(_controls + (_sent * ControlBytes)));
            if (header.ControlLength == 0)
                header.Control = null;
            // What does not fit the socket's buffer now is lost, as any datagram may be; this happens once.
            if (_send(message.Socket.Fd, _headers + _sent, 1, LibC.MSG_DONTWAIT) == 1)
                Datagrams++;
        }
        _vectors[_sent] = whole;
    }

    private void Prepare(int index)
    {
        ref Message message = ref _messages[index];
        ref MsgHdr header = ref _headers[index].Header;
        header.Name = _remotes + index;
        header.NameLength = _remotes[index].Length;
        header.Vectors = _vectors + index;
        header.VectorCount = 1;
        byte* start = _controls + (index * ControlBytes);
        int used = message.Source.Write((CMsgHdr*)start);
        if (message.Segments > 1)
        {
            WriteSegment((CMsgHdr*)(start + used), message.Segment);
            used += SegmentControlBytes;
        }
        header.Control = used == 0 ? null : start;
        header.ControlLength = (nuint)used;
    }

    private static void WriteSegment(CMsgHdr* control, int segment)
    {
        *control = new CMsgHdr
        {
            Length = (nuint)(sizeof(CMsgHdr) + sizeof(ushort)),
            Level = LibC.SOL_UDP,
            Type = LibC.UDP_SEGMENT,
        };
        Unsafe.WriteUnaligned(control + 1, (ushort)segment);
    }

    private void OnTaken(in Message message)
    {
        Datagrams += message.Segments;
        bool isRun = message.Segments > 1;
        if (isRun)
            Runs++;
        message.Owner?.OnLeft(message.Segments, isRun && message.Last == message.Segment);
    }

    private record struct Message(UdpSocket Socket, LocalAddress Source, ISendObserver? Owner, SendAs SendAs)
    {
        public int Segment { get; init; }
        public int Segments { get; set; }
        public int Last { get; set; }
    }
}
