using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace VibePN.System.Tests.Soak;

/// <summary>
/// Packets of an experimental protocol with IPv4 options, or with a destination options header of IPv6; both are compared
/// with the payload. Some are fragmented.
/// </summary>
internal sealed unsafe partial class RawFlow : Flow
{
    private const int Experimental = 253; // RFC 3692
    private const int AF_INET = 2;
    private const int AF_INET6 = 10;
    private const int SOCK_RAW = 3;
    private const int SOCK_CLOEXEC = 0x80000;
    private const int LargestPayload = 5_000;
    private const int SolIp = 0;
    private const int IP_OPTIONS = 4;
    private const int SolIpV6 = 41;
    private const int IPV6_RECVDSTOPTS = 58;
    private const int IPV6_DSTOPTS = 59;
    private const int MSG_DONTWAIT = 0x40;

    // RFC 4727: options for experiments. A node that does not know it passes over it; IPv4's is copied into fragments.
    private const byte OptionV4 = 0x9E;
    private const byte OptionV6 = 0x1E;

    private readonly double _perSecond;
    private readonly Socket _from;
    private readonly Socket _to;

    public RawFlow(Way way, double perSecond) : base(way.V6 ? "IPv6 dest. options" : "IPv4 options", way)
    {
        _perSecond = perSecond;
        _from = Open(way.From, MakeSocket);
        _to = Open(way.To, MakeSocket);
        if (way.V6)
            _to.SetRawSocketOption(SolIpV6, IPV6_RECVDSTOPTS, BitConverter.GetBytes(1));
    }

    protected override void Send()
    {
        byte[] buffer = new byte[LargestPayload];
        var pace = new Pace(_perSecond);
        for (long number = 0; !Stops; number++, pace.Wait())
        {
            Span<byte> payload = buffer.AsSpan(0, Size(Random, Content.Header, LargestPayload));
            Content.Fill(payload, Way.Number, number);
            _from.SetRawSocketOption(Way.V6 ? SolIpV6 : SolIp, Way.V6 ? IPV6_DSTOPTS : IP_OPTIONS, Options(number));
            Book.OnSent();
            _from.SendTo(payload, new IPEndPoint(Way.Target, 0));
        }
    }

    protected override void Receive()
    {
        byte[] payload = new byte[65_536];
        byte[] control = new byte[1_024];
        while (!Over)
        {
            if (!_to.Poll(Glance, SelectMode.SelectRead))
                continue;
            int length = Receive(payload, control, out int controlLength);
            if (Way.V6)
            {
                Compare(payload.AsSpan(0, length), OptionsIn(control.AsSpan(0, controlLength)));
                continue;
            }
            int header = (payload[0] & 15) * 4;
            ReadOnlySpan<byte> packet = payload.AsSpan(0, length);
            if (packet[12..16].SequenceEqual(Way.Source.GetAddressBytes()))
                Compare(packet[header..], packet[20..header]);
        }
    }

    private void Compare(ReadOnlySpan<byte> payload, ReadOnlySpan<byte> options)
    {
        long number = payload.Length < Content.Header ? -1 : Content.NumberOf(payload);
        if (!Content.Is(payload, Way.Number, number))
        {
            byte[] sent = new byte[payload.Length];
            Content.Fill(sent, Way.Number, number);
            Book.OnAltered($"number {number}, after {Book.Highest}: {Content.Difference(sent, payload)}");
            return;
        }
        byte[] expected = Options(number);
        if (Way.V6)
            expected[0] = (byte)Experimental; // the kernel writes what follows
        if (options.SequenceEqual(expected))
            Book.OnReceived(number, payload.Length);
        else
            Book.OnAltered($"number {number}, options: {Content.Difference(expected, options)}");
    }

    // One option that fills all the room: 4 to 40 bytes with IPv4, 8 to 64 with IPv6.
    private byte[] Options(long number)
    {
        byte[] options;
        if (Way.V6)
        {
            options = new byte[8 * (int)(1 + (number % 8))];
            options[1] = (byte)((options.Length / 8) - 1);
            options[2] = OptionV6;
            options[3] = (byte)(options.Length - 4);
            Content.Beside(Way.Number, number, options.Length - 4).CopyTo(options.AsSpan(4));
        }
        else
        {
            options = new byte[4 * (int)(1 + (number % 10))];
            options[0] = OptionV4;
            options[1] = (byte)options.Length;
            Content.Beside(Way.Number, number, options.Length - 2).CopyTo(options.AsSpan(2));
        }
        return options;
    }

    private static ReadOnlySpan<byte> OptionsIn(ReadOnlySpan<byte> control)
    {
        while (control.Length >= sizeof(CMsgHdr))
        {
            CMsgHdr header = MemoryMarshal.Read<CMsgHdr>(control);
            if (header is { Level: SolIpV6, Type: IPV6_DSTOPTS })
                return control[sizeof(CMsgHdr)..(int)header.Length];
            control = control[Math.Min(control.Length, ((int)header.Length + 7) & ~7)..];
        }
        return [];
    }

    // .NET makes raw sockets of the protocols that it knows, and of no other.
    private Socket MakeSocket()
    {
        int fd = socket(Way.V6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, Experimental);
        return fd >= 0
            ? new Socket(new SafeSocketHandle(fd, ownsHandle: true))
            : throw new InvalidOperationException($"socket: {Marshal.GetLastPInvokeErrorMessage()}.");
    }

    // .NET shows no ancillary data.
    private int Receive(byte[] payload, byte[] control, out int controlLength)
    {
        fixed (byte* data = payload, beside = control)
        {
            var vector = new IoVec { iov_base = data, iov_len = (nuint)payload.Length };
            var message = new MsgHdr { msg_iov = &vector, msg_iovlen = 1, msg_control = beside, msg_controllen = (nuint)control.Length };
            nint length = recvmsg((int)_to.Handle, &message, MSG_DONTWAIT);
            if (length < 0)
                throw new InvalidOperationException($"recvmsg: {Marshal.GetLastPInvokeErrorMessage()}.");
            controlLength = (int)message.msg_controllen;
            return (int)length;
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socket(int domain, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recvmsg(int sockfd, MsgHdr* msg, int flags);

    private struct IoVec
    {
        public void* iov_base;
        public nuint iov_len;
    }

    private struct MsgHdr
    {
        public void* msg_name;
        public uint msg_namelen;
        public IoVec* msg_iov;
        public nuint msg_iovlen;
        public void* msg_control;
        public nuint msg_controllen;
        public int msg_flags;
    }

    private readonly record struct CMsgHdr(nuint Length, int Level, int Type);
}
