using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using VibePN.Contracts;
using VibePN.Offload;
using VibePN.Testkit;

namespace VibePN.Plugins.TunLinux.Tests.Offload;

/// <summary>Two kernels talk through two devices: what one cuts and joins, the other has to find right.</summary>
public sealed class KernelTests : IDisposable
{
    private const int Bytes = 24 * 1024 * 1024;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly Side _left = new("10.77.0.1/24", "fd77::1/64");
    private readonly Side _right = new("10.77.0.2/24", "fd77::2/64");

    public void Dispose()
    {
        _left.Dispose();
        _right.Dispose();
    }

    [Theory]
    [InlineData("10.77.0.2", "auto", "auto")]
    [InlineData("fd77::2", "auto", "auto")]
    [InlineData("10.77.0.2", "off", "auto")]
    [InlineData("10.77.0.2", "auto", "off")]
    [InlineData("10.77.0.2", "off", "off")]
    [InlineData("10.77.0.2", "whole", "whole")]
    [InlineData("fd77::2", "whole", "whole")]
    [InlineData("10.77.0.2", "whole", "auto")]
    [InlineData("10.77.0.2", "auto", "whole")]
    [InlineData("10.77.0.2", "whole", "off")]
    [InlineData("10.77.0.2", "off", "whole")]
    public void Tcp_stream_arrives_unaltered_whether_or_not_the_sides_use_offloads(string to, string left, string right)
    {
        _left.Open(left);
        _right.Open(right);
        using IDisposable there = Carry(_left, _right);
        using IDisposable back = Carry(_right, _left);
        byte[] sent = new byte[Bytes];
        new Random(1).NextBytes(sent);
        Assert.Equal(SHA256.HashData(sent), SendStream(sent, IPAddress.Parse(to)));

        Assert.Equal(left != "off", _left.Device.Counters.Supers > 100);
        Assert.Equal(right != "off", _right.Device.Counters.Joined > 100);
        AssertFaultless();
    }

    [Theory]
    [InlineData("10.77.0.2")]
    [InlineData("fd77::2")]
    public void Tcp_stream_arrives_unaltered_in_super_packets_that_nobody_cuts(string to)
    {
        _left.Open("whole");
        _right.Open("whole");
        using IDisposable there = Carry(_left, _right, cuts: false);
        using IDisposable back = Carry(_right, _left, cuts: false);
        byte[] sent = new byte[Bytes];
        new Random(2).NextBytes(sent);
        Assert.Equal(SHA256.HashData(sent), SendStream(sent, IPAddress.Parse(to)));
        Assert.True(_left.Device.Counters.Supers > 100);
        AssertFaultless();
    }

    [Theory]
    [InlineData("10.77.0.2", "auto", "auto")]
    [InlineData("fd77::2", "auto", "auto")]
    [InlineData("10.77.0.2", "off", "auto")]
    [InlineData("10.77.0.2", "whole", "whole")]
    [InlineData("fd77::2", "whole", "whole")]
    [InlineData("fd77::2", "whole", "off")]
    public void Datagrams_sent_many_at_once_arrive_unaltered_and_in_order(string to, string left, string right)
    {
        const int Size = 1_200;
        const int AtOnce = 40;
        _left.Open(left);
        _right.Open(right);
        using IDisposable there = Carry(_left, _right);
        using IDisposable back = Carry(_right, _left);
        var address = IPAddress.Parse(to);
        using Socket receiver = _right.Namespace.Run(() => new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp));
        _right.Namespace.Run(() => receiver.Bind(new IPEndPoint(address, 0)));
        receiver.ReceiveTimeout = (int)Limit.TotalMilliseconds;
        using Socket sender = _left.Namespace.Run(() => new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp));
        sender.Connect(receiver.LocalEndPoint!);
        sender.SetRawSocketOption(17, 103, BitConverter.GetBytes(Size)); // linux/udp.h: SOL_UDP, UDP_SEGMENT
        var random = new Random(3);
        byte[] burst = new byte[((AtOnce - 1) * Size) + 700];
        byte[] datagram = new byte[2 * Size];
        for (int round = 0; round < 100; round++)
        {
            random.NextBytes(burst);
            Assert.Equal(burst.Length, sender.Send(burst));
            foreach (byte[] expected in burst.Chunk(Size))
                Assert.Equal(expected, datagram[..receiver.Receive(datagram)]);
        }

        bool hasUdp = OperatingSystem.IsOSPlatformVersionAtLeast("Linux", 6, 2);
        Assert.Equal(left != "off" && hasUdp, _left.Device.Counters.Supers >= 100);
        // Joined is what came within one batch: a burst that the reader met halfway may leave nothing to join.
        Assert.Equal(right != "off" && hasUdp, _right.Device.Counters.Joined >= 50);
        AssertFaultless();
    }

    private byte[] SendStream(byte[] sent, IPAddress address)
    {
        using Socket listener = _right.Namespace.Run(() => new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        _right.Bind(listener, address);
        byte[] hash = [];
        Background server = Background.Start(() => Receive(listener, out hash));
        using Socket client = _left.Namespace.Run(() => new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        client.Connect(listener.LocalEndPoint!);
        client.SendTimeout = (int)Limit.TotalMilliseconds;
        for (int done = 0; done < sent.Length;)
            done += client.Send(sent, done, sent.Length - done, SocketFlags.None);
        client.Shutdown(SocketShutdown.Send);
        Assert.True(server.EndsWithin(Limit), "The stream did not arrive.");
        Assert.Equal(sent.Length, server.Result);
        return hash;
    }

    private void AssertFaultless()
    {
        foreach (Side side in new[] { _left, _right })
        {
            Assert.Equal(0, side.Device.Counters.Oversize);
            Assert.Equal(0, side.Device.Counters.Refused);
            Assert.Equal(0, side.ChecksumErrors);
        }
    }

    private static int Receive(Socket listener, out byte[] hash)
    {
        using Socket connection = listener.Accept();
        connection.ReceiveTimeout = (int)Limit.TotalMilliseconds;
        using var hashing = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[256 * 1024];
        int sum = 0;
        for (int count; (count = connection.Receive(buffer)) > 0; sum += count)
            hashing.AppendData(buffer, 0, count);
        hash = hashing.GetHashAndReset();
        return sum;
    }

    // What the engines and a transport between them do, without all of these.
    private static Pump Carry(Side from, Side to, bool cuts = true) => new(from.Device, to.Device, cuts);

    private sealed class Pump : IDisposable
    {
        private readonly LinuxTunDevice _from;
        private readonly LinuxTunDevice _to;
        private readonly Background _thread;

        public Pump(LinuxTunDevice from, LinuxTunDevice to, bool cuts)
        {
            _from = from;
            _to = to;
            _thread = Background.Start(() =>
            {
                using var batch = new PacketBatch(64, 16 * (65_536 + 256));
                using var pieces = new PacketBatch(4_096, 8 << 20);
                while (from.Read(batch) > 0)
                {
                    if (cuts)
                        CutAll(batch, pieces);
                    PacketBatch packets = cuts ? pieces : batch;
                    to.Write(packets, 0, packets.Count);
                }
                return 0;
            });
        }

        public void Dispose()
        {
            _from.Dispose();
            Assert.True(_thread.EndsWithin(Limit));
            _ = _thread.Result;
        }

        private void CutAll(PacketBatch batch, PacketBatch pieces)
        {
            pieces.Clear();
            for (int i = 0; i < batch.Count; i++)
            {
                Span<byte> packet = batch.Packet(i);
                PacketOffload offload = batch.OffloadOf(i);
                if (!SuperPacket.TryRead(packet, offload, out SuperPacket super))
                {
                    Add(packet, offload, pieces);
                    continue;
                }
                Span<byte> piece = new byte[super.LargestPacket];
                for (int k = 0; k < super.Count; k++)
                {
                    super.WriteHeader(packet, k, piece);
                    super.Payload(k, out int offset, out int length);
                    packet.Slice(offset, length).CopyTo(piece[super.HeaderBytes..]);
                    Add(piece[..(super.HeaderBytes + length)], offload with { Kind = OffloadKind.None, SegmentSize = 0 }, pieces);
                }
            }
        }

        private void Add(Span<byte> packet, PacketOffload offload, PacketBatch pieces)
        {
            if (offload.Checksum == ChecksumState.Partial && _to.Offloads == OffloadCapabilities.None)
            {
                PartialChecksum.Complete(packet, offload.ChecksumStart, offload.ChecksumOffset);
                offload = default;
            }
            Assert.True(pieces.TryAdd(packet, offload: offload));
        }
    }

    private sealed class Side : IDisposable
    {
        private readonly PluginHost _host = new();
        private readonly LinuxTun _plugin;
        private readonly string[] _addresses;

        public Side(params string[] addresses)
        {
            _addresses = addresses;
            Namespace = NetworkNamespace.Create("tun");
            _plugin = new LinuxTun(_host);
        }

        public NetworkNamespace Namespace { get; }

        public LinuxTunDevice Device { get; private set; } = null!;

        /// <summary>TCP segments and UDP datagrams that this kernel found to be wrong.</summary>
        public long ChecksumErrors
        {
            get
            {
                string[][] lines = [.. Namespace.Exec("cat", "/proc/net/snmp").Split('\n').Select(line => line.Split(' '))];
                long errors = 0;
                foreach (string protocol in new[] { "Tcp:", "Udp:" })
                {
                    string[][] found = [.. lines.Where(line => line[0] == protocol)];
                    errors += long.Parse(found[1][Array.IndexOf(found[0], "InCsumErrors")], null);
                }
                string six = Namespace.Exec("cat", "/proc/net/snmp6").Split('\n')
                    .Single(line => line.StartsWith("Udp6InCsumErrors", StringComparison.Ordinal));
                return errors + long.Parse(six["Udp6InCsumErrors".Length..], null);
            }
        }

        /// <summary>Opens the device: without offloads, for an engine that takes only ordinary packets, or all.</summary>
        public void Open(string offload)
        {
            bool isWhole = offload == "whole";
            _host.Offload = isWhole ? "auto" : offload;
            Namespace.Run(() => _plugin.StartAsync(CancellationToken.None).AsTask().Wait());
            OffloadCapabilities wanted = isWhole ? _plugin.Offloads : OffloadCapabilities.None;
            Device = (LinuxTunDevice)Namespace.Run(() => _plugin.Open(
                TunTest.Options("vpn0", TunTest.Configuration(1_380, _addresses), wanted), new RecordedEvents()));
            Assert.Equal(isWhole, Device.Offloads != OffloadCapabilities.None);
            TunTest.Eventually(
                () => Namespace.Exec("ip", "-6", "route", "show", "table", "local").Contains("local fd77::", StringComparison.Ordinal),
                "the IPv6 address receives");
        }

        public void Bind(Socket socket, IPAddress address) => Namespace.Run(() =>
        {
            socket.Bind(new IPEndPoint(address, 0));
            socket.Listen();
        });

        public void Dispose()
        {
            _plugin.StopAsync(CancellationToken.None).AsTask().Wait();
            Namespace.Dispose();
            _host.Dispose();
        }
    }
}
