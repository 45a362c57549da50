using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using VibePN.Contracts;
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
    public void Tcp_stream_arrives_unaltered_whether_or_not_the_sides_use_offloads(string to, string left, string right)
    {
        _left.Open(left);
        _right.Open(right);
        using IDisposable there = Carry(_left, _right);
        using IDisposable back = Carry(_right, _left);
        byte[] sent = new byte[Bytes];
        new Random(1).NextBytes(sent);
        var address = IPAddress.Parse(to);
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
        Assert.Equal(Bytes, server.Result);
        Assert.Equal(SHA256.HashData(sent), hash);

        Assert.Equal(left == "auto", _left.Device.Counters.Cut > 100);
        Assert.Equal(right == "auto", _right.Device.Counters.Joined > 100);
        foreach (Side side in new[] { _left, _right })
        {
            Assert.Equal(0, side.Device.Counters.Oversize);
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

    // What the engine and a transport do, without both.
    private static Pump Carry(Side from, Side to) => new(from.Device, to.Device);

    private sealed class Pump : IDisposable
    {
        private readonly LinuxTunDevice _from;
        private readonly Background _thread;

        public Pump(LinuxTunDevice from, LinuxTunDevice to)
        {
            _from = from;
            _thread = Background.Start(() =>
            {
                using var batch = new PacketBatch(64, 16 * (65_536 + 256));
                while (from.Read(batch) > 0)
                    to.Write(batch, 0, batch.Count);
                return 0;
            });
        }

        public void Dispose()
        {
            _from.Dispose();
            Assert.True(_thread.EndsWithin(Limit));
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

        /// <summary>TCP segments that this kernel found to be wrong (/proc/net/snmp).</summary>
        public long ChecksumErrors
        {
            get
            {
                string[][] lines = [.. Namespace.Exec("cat", "/proc/net/snmp").Split('\n')
                    .Where(line => line.StartsWith("Tcp:", StringComparison.Ordinal)).Select(line => line.Split(' '))];
                return long.Parse(lines[1][Array.IndexOf(lines[0], "InCsumErrors")], null);
            }
        }

        public void Open(string offload)
        {
            _host.Offload = offload;
            Namespace.Run(() => _plugin.StartAsync(CancellationToken.None).AsTask().Wait());
            Device = (LinuxTunDevice)Namespace.Run(() => _plugin.Open(
                TunTest.Options("vpn0", TunTest.Configuration(1_380, _addresses)), new RecordedEvents()));
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
