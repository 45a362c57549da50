using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic;

/// <summary>Room for one recvmmsg: messages of up to 64 KB, each one or, with UDP_GRO, many datagrams of one flow.</summary>
/// <remarks>
/// Eight that hold many datagrams are enough work for one turn of the loop. Where the kernel joins none, eight messages are
/// eight datagrams, and the price of a turn, its acknowledgement and its writes to the interface, would be paid for each
/// eight: then 64 are taken. Memory is touched as far as messages fill it. Belongs to the loop's thread.
/// </remarks>
internal sealed unsafe class ReceiveRing : IDisposable
{
    /// <summary>Messages taken in one call while they are small, as single datagrams are.</summary>
    public const int Messages = 64;

    /// <summary>Messages taken in one call otherwise.</summary>
    public const int LargeMessages = 8;

    // Bytes of a message, in the mean, from which on messages are large.
    private const int LargeBytes = 4_096;

    private const int MessageBytes = 65_536;
    private const int ControlBytes = 64;

    private readonly byte* _buffers;
    private readonly Block* _block;
    private int _wanted = LargeMessages;

    public ReceiveRing()
    {
        _buffers = (byte*)NativeMemory.AlignedAlloc(Messages * MessageBytes, 64);
        _block = (Block*)NativeMemory.AllocZeroed((nuint)sizeof(Block));
        MMsgHdr* headers = Headers;
        for (int i = 0; i < Messages; i++)
        {
            IoVec* vector = (IoVec*)_block->Vectors + i;
            *vector = new IoVec { Base = _buffers + (i * MessageBytes), Length = MessageBytes };
            headers[i].Header.Vectors = vector;
            headers[i].Header.VectorCount = 1;
        }
    }

    private MMsgHdr* Headers => (MMsgHdr*)_block->Headers;

    /// <summary>Takes what is there without waiting.</summary>
    /// <param name="fd">The socket.</param>
    /// <param name="isFull">Whether there may be more.</param>
    /// <returns>Messages received; 0 when there are none, or after an error that concerns one packet only.</returns>
    public int Receive(int fd, out bool isFull)
    {
        MMsgHdr* headers = Headers;
        for (int i = 0; i < _wanted; i++)
        {
            ref MsgHdr header = ref headers[i].Header;
            header.Name = (byte*)_block->AddressWords + (i * SocketAddress28.Size);
            header.NameLength = SocketAddress28.Size;
            header.Control = (byte*)_block->ControlWords + (i * ControlBytes);
            header.ControlLength = ControlBytes;
        }
        // Errors here are an empty socket, a signal, or an ICMP answer to an earlier send: none ends anything.
        int messages = Math.Max(0, LibC.recvmmsg(fd, headers, (uint)_wanted, LibC.MSG_DONTWAIT, null));
        isFull = messages == _wanted;
        SetWanted(messages, isFull);
        return messages;
    }

    /// <summary>One received message.</summary>
    /// <param name="index">0 to the last result - 1.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="segment">The size of each datagram in it but the last.</param>
    /// <param name="remote">Where it came from.</param>
    /// <param name="local">Where it was sent to; known on wildcard sockets only.</param>
    /// <returns>Its first byte; valid until the next Receive.</returns>
    public byte* Message(int index, out int length, out int segment, out SocketAddress28 remote, out LocalAddress local)
    {
        ref MMsgHdr message = ref Headers[index];
        length = (int)message.Length;
        remote = Unsafe.ReadUnaligned<SocketAddress28>(message.Header.Name);
        segment = length;
        local = default;
        ReadControl(message.Header, ref segment, ref local);
        segment = Math.Max(1, segment);
        if ((message.Header.Flags & LibC.MSG_TRUNC) != 0)
            length = 0;
        return _buffers + (index * MessageBytes);
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_buffers);
        NativeMemory.Free(_block);
    }

    private void SetWanted(int messages, bool isFull)
    {
        long bytes = 0;
        for (int i = 0; i < messages; i++)
            bytes += Headers[i].Length;
        if (bytes > (long)messages * LargeBytes)
            _wanted = LargeMessages;
        else if (isFull)
            _wanted = Messages;
    }

    private static void ReadControl(in MsgHdr header, ref int segment, ref LocalAddress local)
    {
        byte* end = header.Control + header.ControlLength;
        for (byte* at = header.Control; end - at >= sizeof(CMsgHdr);)
        {
            var control = (CMsgHdr*)at;
            if ((int)control->Length < sizeof(CMsgHdr))
                return;
            if (control->Level == LibC.SOL_UDP && control->Type == LibC.UDP_GRO)
                segment = Unsafe.ReadUnaligned<int>(control + 1);
            else if (LocalAddress.TryRead(control, out LocalAddress address))
                local = address;
            at += CMsgHdr.Align((int)control->Length);
        }
    }

    private struct Block
    {
        public fixed ulong Headers[Messages * 8];
        public fixed ulong Vectors[Messages * 2];
        public fixed ulong ControlWords[Messages * ControlBytes / 8];
        public fixed uint AddressWords[Messages * SocketAddress28.Size / 4];
    }
}
