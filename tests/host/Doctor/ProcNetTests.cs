using System.Net;
using System.Text;
using VibePN.Contracts;
using VibePN.Host.Doctor;

namespace VibePN.Host.Tests.Doctor;

public sealed class ProcNetTests
{
    [Fact]
    public void Routes_are_read_in_the_machines_byte_order()
    {
        Assert.Equal(new MachineRoute(IpPrefix.Parse("0.0.0.0/0"), "eth0", false),
            ProcNet.ParseRoute4("eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0"));
        Assert.Equal(new MachineRoute(IpPrefix.Parse("192.0.2.0/24"), "eth0", true),
            ProcNet.ParseRoute4("eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0"));
        Assert.Equal(new MachineRoute(IpPrefix.Parse("fd00::/64"), "eth0", true), ProcNet.ParseRoute6(
            "fd000000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001 eth0"));
    }

    [Theory]
    [InlineData("fd000000000000000000000000000001 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000001 00000000 80200001 eth0")]
    [InlineData("ff000000000000000000000000000000 08 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001 eth0")]
    [InlineData("00000000000000000000000000000001 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000001 00000000 00000001 lo")]
    public void Own_addresses_multicast_and_loopback_are_no_routes(string line) => Assert.Null(ProcNet.ParseRoute6(line));

    [Fact]
    public void Sockets_are_read_with_their_drops()
    {
        Assert.Equal(new UdpSocket(IPEndPoint.Parse("127.0.0.1:51820"), 4711, 3), ProcNet.ParseSocket(
            "  12: 0100007F:CA6C 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 3"));
        Assert.Equal(new UdpSocket(IPEndPoint.Parse("[::1]:51820"), 4711, 0), ProcNet.ParseSocket(
            "  12: 00000000000000000000000001000000:CA6C 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 0"));
    }

    [Fact]
    public void Random_lines_are_no_routes_and_no_fault()
    {
        var random = new Random(24);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = new byte[random.Next(120)];
            for (int at = 0; at < bytes.Length; at++)
                bytes[at] = (byte)"0123456789ABCDEFabcdefx: \t-"[random.Next(27)];
            string line = Encoding.ASCII.GetString(bytes);
            _ = ProcNet.ParseRoute4(line);
            _ = ProcNet.ParseRoute6(line);
            _ = ProcNet.ParseSocket(line);
        }
    }
}
