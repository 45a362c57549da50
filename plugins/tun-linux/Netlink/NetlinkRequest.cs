using System.Runtime.InteropServices;
using System.Text;
using VibePN.Contracts;
using VibePN.Plugins.TunLinux.Native;

namespace VibePN.Plugins.TunLinux.Netlink;

/// <summary>Builds one request in a caller's buffer of <see cref="BufferSize"/> bytes.</summary>
internal ref struct NetlinkRequest
{
    /// <summary>Bytes that hold the largest request made here.</summary>
    public const int BufferSize = 128;

    private const int HeaderSize = 16;

    private readonly Span<byte> _buffer;
    private int _length = HeaderSize;

    /// <summary>Begins a request; its sequence number is filled in when it is sent.</summary>
    public NetlinkRequest(Span<byte> buffer, ushort type, ushort flags)
    {
        _buffer = buffer;
        buffer.Clear();
        Header = new NlMsgHdr { nlmsg_type = type, nlmsg_flags = (ushort)(flags | Rtnetlink.NLM_F_REQUEST) };
    }

    /// <summary>The message's header as it stands in the buffer.</summary>
    private readonly ref NlMsgHdr Header => ref MemoryMarshal.AsRef<NlMsgHdr>(_buffer);

    /// <summary>The RTM_ number.</summary>
    public readonly ushort Type => Header.nlmsg_type;

    /// <summary>Appends the fixed part of the body.</summary>
    public void Add<T>(in T body) where T : unmanaged
    {
        MemoryMarshal.Write(_buffer[_length..], in body);
        _length = NetlinkAttributes.Align(_length + Marshal.SizeOf<T>());
    }

    /// <summary>Appends an attribute.</summary>
    public void AddAttribute(ushort type, scoped ReadOnlySpan<byte> value)
    {
        int start = BeginAttribute(type);
        value.CopyTo(_buffer[_length..]);
        _length += value.Length;
        EndAttribute(start);
    }

    /// <summary>Appends an attribute that holds a number in host order.</summary>
    public void AddAttribute(ushort type, uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        MemoryMarshal.Write(bytes, value);
        AddAttribute(type, bytes);
    }

    /// <summary>Appends an attribute that holds an address in network order.</summary>
    public void AddAttribute(ushort type, IpAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        AddAttribute(type, bytes[..address.CopyTo(bytes)]);
    }

    /// <summary>Appends an attribute that holds a zero-terminated string.</summary>
    public void AddAttribute(ushort type, string text)
    {
        int start = BeginAttribute(type);
        _length += Encoding.UTF8.GetBytes(text, _buffer[_length..]) + 1;
        EndAttribute(start);
    }

    /// <summary>Opens an attribute whose value is further attributes.</summary>
    /// <returns>What <see cref="EndAttribute"/> wants to know.</returns>
    public int BeginAttribute(ushort type)
    {
        int start = _length;
        MemoryMarshal.Write(_buffer[start..], new RtAttr { rta_type = type });
        _length += Marshal.SizeOf<RtAttr>();
        return start;
    }

    /// <summary>Closes the attribute that began at <paramref name="start"/>.</summary>
    public void EndAttribute(int start)
    {
        MemoryMarshal.AsRef<RtAttr>(_buffer[start..]).rta_len = (ushort)(_length - start);
        _length = NetlinkAttributes.Align(_length);
    }

    /// <summary>Finishes the request.</summary>
    /// <returns>The bytes to send, in the buffer given at the start.</returns>
    public readonly ReadOnlySpan<byte> Finish(uint sequence)
    {
        Header.nlmsg_len = (uint)_length;
        Header.nlmsg_seq = sequence;
        return _buffer[.._length];
    }
}
