using VibePN.Contracts;
using VibePN.Engine.Control;
using VibePN.Engine.Packets;
using VibePN.Offload;
using VibePN.Plugins.TransportQuic;
using VibePN.Plugins.TunLinux.Native;
using VibePN.Plugins.TunLinux.Offload;
using VibePN.Testkit;
using NgVec = VibePN.Plugins.TransportQuic.Native.NgVec;

namespace VibePN.Benchmarks;

// In the order of a packet's way: parse, queue, cut, frame; read, join. The control protocol comes last.

/// <summary>What is done to packets, one case each. Sizes are those of a network with an MTU of 1,380.</summary>
internal static unsafe class PacketCases
{
    private const int Mtu = 1_380;
    private const int BatchSize = 64;
    private const int SuperSegments = 49; // as many as 65,535 bytes hold
    private const int JoinedSegments = 45;
    private const int Prefixes = 100;

    // A quarter of what it may hold, so that it is never full.
    private const int SupersAtOnce = 16;
    private const int QueueBytes = 4 * 1024 * 1024;

    /// <summary>All of them.</summary>
    public static List<PacketCase> All() =>
    [
        Parse("parse IPv4 TCP", Tcp(isV6: false, Mtu)),
        Parse("parse IPv6 UDP", Udp(Mtu)),
        Checksum(64),
        Checksum(1_380),
        Checksum(65_000),
        WriteHeader("super packet, header of a segment, IPv4 TCP", Tcp(isV6: false, Mtu)),
        WriteHeader("super packet, header of a segment, IPv6 UDP", Udp(Mtu)),
        FrameWrite(),
        FrameRead(),
        Queue(1_380),
        Queue(64),
        Cut(),
        Join("join 45 TCP segments, checksums partial", isPartial: true),
        Join("join 45 TCP segments, checksums complete", isPartial: false),
        Frame("control, Announce of 100 prefixes, whole", pieces: 1),
        Frame("control, Announce of 100 prefixes, two pieces", pieces: 2),
    ];

    private static PacketCase Parse(string name, Segments segment)
    {
        byte[] packet = segment.Build();
        return new PacketCase(name, "packet", 1, repeats =>
        {
            long sum = 0;
            for (int i = 0; i < repeats; i++)
            {
                if (!IpPacket.TryParse(packet, out PacketKey key, out _))
                    throw Wrong(name);
                sum += key.DestinationPort;
            }
            return sum;
        });
    }

    private static PacketCase Checksum(int length)
    {
        byte[] bytes = Drawn(length);
        return new PacketCase($"checksum over {length:N0} bytes", "call", 1, repeats =>
        {
            long sum = 0;
            for (int i = 0; i < repeats; i++)
                sum += TransportChecksum.Fold(TransportChecksum.Add(0, bytes));
            return sum;
        });
    }

    private static PacketCase WriteHeader(string name, Segments segment)
    {
        (byte[] packet, PacketOffload facts) = Super(segment);
        if (!SuperPacket.TryRead(packet, facts, out SuperPacket super) || super.Count != SuperSegments)
            throw Wrong(name);
        byte[] header = new byte[SuperPacket.MaxHeader];
        return new PacketCase(name, "segment", SuperSegments, repeats =>
        {
            for (int i = 0; i < repeats; i++)
            {
                for (int segment = 0; segment < SuperSegments; segment++)
                    super.WriteHeader(packet, segment, header);
            }
            return header[^1];
        });
    }

    private static PacketCase FrameWrite()
    {
        byte[] room = new byte[DatagramFraming.MaxHeader];
        return new PacketCase("datagram header, write", "datagram", 1, repeats =>
        {
            long sum = 0;
            for (int i = 0; i < repeats; i++)
                sum += DatagramFraming.Write(room, DatagramPart.Whole, i & 63, 0, isPartial: true);
            return sum;
        });
    }

    private static PacketCase FrameRead()
    {
        byte[] datagram = new byte[1 + Mtu];
        DatagramFraming.Write(datagram, DatagramPart.Whole, 3, 0, isPartial: true);
        return new PacketCase("datagram header, read", "datagram", 1, repeats =>
        {
            long sum = 0;
            for (int i = 0; i < repeats; i++)
            {
                if (!DatagramFraming.TryRead(datagram, out DatagramHeader header))
                    throw Wrong("datagram header");
                sum += header.Network;
            }
            return sum;
        });
    }

    private static PacketCase Queue(int length)
    {
        var queue = new PacketQueue(QueueBytes);
        var batch = new PacketBatch(BatchSize, BatchSize * (length + 256));
        for (int i = 0; i < BatchSize; i++)
            batch.TryAdd(Drawn(length));
        string name = $"queue, append and take, {length:N0} bytes";
        return new PacketCase(name, "packet", BatchSize, repeats =>
        {
            long sum = 0;
            for (int i = 0; i < repeats; i++)
            {
                if (queue.Append(batch, 0, BatchSize, 2 * Mtu, now: 0).Taken != BatchSize)
                    throw Wrong(name);
                while (queue.Next(out QueuedPacket packet) is { } flow)
                {
                    flow.Deficit -= packet.Length;
                    sum += packet.Length;
                    queue.Pop(flow, packet);
                }
            }
            return sum;
        });
    }

    // The copy into the queue is the case above; here it is done beforehand.
    private static PacketCase Cut()
    {
        const string Name = "cut a super packet into datagrams";
        var queue = new PacketQueue(QueueBytes);
        var outbound = new OutboundDatagrams(queue, 2_000) { DatagramBytes = Mtu + DatagramFraming.MaxHeader };
        (byte[] packet, PacketOffload facts) = Super(Tcp(isV6: false, Mtu));
        var batch = new PacketBatch(1, 2 * 65_536);
        batch.TryAdd(packet, offload: facts);
        return new PacketCase(Name, "datagram", SuperSegments, DrainAll, Fill, SupersAtOnce);

        void Fill(int supers)
        {
            for (int i = 0; i < supers; i++)
            {
                if (queue.Append(batch, 0, 1, Mtu, now: 0).Taken != 1)
                    throw Wrong(Name);
            }
        }

        long DrainAll(int supers)
        {
            NgVec* parts = stackalloc NgVec[2];
            long bytes = 0;
            int datagrams = 0;
            for (; outbound.TryNext(now: 0); datagrams++)
            {
                bytes += outbound.Frame(parts);
                outbound.OnAccepted();
            }
            return datagrams == supers * SuperSegments ? bytes : throw Wrong(Name);
        }
    }

    private static PacketCase Join(string name, bool isPartial)
    {
        var sink = new TakesAll();
        var coalescer = new SegmentCoalescer(sink, whyNotUdp: "");
        var batch = new PacketBatch(JoinedSegments, JoinedSegments * (Mtu + 256));
        Segments first = Tcp(isV6: false, Mtu);
        for (int i = 0; i < JoinedSegments; i++)
        {
            Segments segment = first with { Id = (ushort)i, Sequence = (uint)(i * first.Payload.Length) };
            batch.TryAdd(isPartial ? segment.BuildPartial() : segment.Build(), offload: isPartial ? segment.Facts() : default);
        }
        byte[] header = batch.Packet(0)[..first.HeaderLength].ToArray();
        return new PacketCase(name, "packet", JoinedSegments, repeats =>
        {
            long joined = coalescer.Joined;
            long sum = 0;
            for (int i = 0; i < repeats; i++)
            {
                // Joining makes it the header of all: 52 bytes to mend for 45 packets.
                header.CopyTo(batch.Packet(0));
                sum += coalescer.Write(batch, 0, JoinedSegments, out _);
            }
            bool isRight = sum == (long)repeats * JoinedSegments && coalescer.Joined - joined == repeats;
            return isRight ? sink.Bytes : throw Wrong(name);
        });
    }

    private static PacketCase Frame(string name, int pieces)
    {
        var framer = new ControlFramer();
        byte[] frame = new byte[ControlLimits.MaxFrame];
        RouteItem[] items = [.. Enumerable.Range(0, Prefixes).Select(i => new RouteItem(IpPrefix.Parse($"10.{i}.0.0/16"), (uint)i))];
        int length = ControlWriter.WriteAnnounce(frame, network: 1, items);
        int firstLength = length / pieces;
        return new PacketCase(name, "message", 1, repeats =>
        {
            long sum = 0;
            for (int i = 0; i < repeats; i++)
            {
                ReadOnlySpan<byte> rest = frame.AsSpan(0, firstLength);
                if (pieces > 1 && framer.TryNext(ref rest, out _) != ReadResult.NeedMore)
                    throw Wrong(name);
                if (pieces > 1)
                    rest = frame.AsSpan(firstLength, length - firstLength);
                if (framer.TryNext(ref rest, out ControlFrame read) != ReadResult.Frame)
                    throw Wrong(name);
                sum += Walk(read);
                // As its callers do: until it wants more.
                if (framer.TryNext(ref rest, out _) != ReadResult.NeedMore)
                    throw Wrong(name);
            }
            return sum == (long)repeats * Prefixes ? sum : throw Wrong(name);
        });
    }

    private static int Walk(in ControlFrame frame)
    {
        int valid = 0;
        if (RouteItemReader.TryOpen(frame, out RouteItemReader reader))
        {
            while (reader.TryNext(out RouteItem item))
                valid += item.Valid ? 1 : 0;
        }
        return valid;
    }

    private static (byte[] Packet, PacketOffload Facts) Super(Segments segment)
    {
        int size = segment.Payload.Length;
        byte[] packet = (segment with { Payload = Drawn(SuperSegments * size) }).BuildPartial();
        return (packet, segment.Facts(size));
    }

    private static Segments Tcp(bool isV6, int length) => Filled(new Segments { IsV6 = isV6 }, length);

    private static Segments Udp(int length) => Filled(
        new Segments { IsV6 = true, Protocol = 17, Options = [], Source = "fd77::9", Destination = "fd77::1" }, length);

    private static Segments Filled(Segments empty, int length) => empty with { Payload = Drawn(length - empty.HeaderLength) };

    private static byte[] Drawn(int length)
    {
        byte[] bytes = new byte[length];
        new Random(20_251_122).NextBytes(bytes);
        return bytes;
    }

    private static InvalidOperationException Wrong(string name) => new($"'{name}' did not do what is to be measured.");

    private sealed class TakesAll : IPacketSink
    {
        public long Bytes { get; private set; }

        public int Give(IoVec* parts, int count)
        {
            for (int i = 0; i < count; i++)
                Bytes += (long)parts[i].iov_len;
            return 0;
        }
    }
}
