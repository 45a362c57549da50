using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Host.Control;
using VibePN.Host.Netcheck;

namespace VibePN.Host.Tests.Netcheck;

public sealed class ReachabilityTests
{
    [Fact]
    public void Own_sockets_are_found_with_the_buffers_they_got()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.ReceiveBufferSize = 65_536;
        socket.SendBufferSize = 32_768;
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        OwnSocket found = OwnSocket.All().Single(each => each.Local == socket.LocalEndPoint!.ToString());
        Assert.Equal((65_536, 32_768, 0L), (found.ReceiveBytes, found.SendBytes, found.Drops));
    }

    [Fact]
    public void What_cannot_be_known_is_said_to_be_unknown()
    {
        var looked = new Reachability(
            [IPEndPoint.Parse("127.0.0.1:51820")], [new OwnSocket("127.0.0.1:51821", 1, 2, 3)], [], [],
            [
                new PeerStatus
                {
                    Name = "a", State = "up", Role = ConnectionRole.Responder, Addresses = ["h:1"],
                    Path = new PathFacts(IPEndPoint.Parse("1.2.3.4:5"), TimeSpan.FromMilliseconds(1.5), 2, 1400, 1452),
                },
                new PeerStatus { Name = "b", State = "waiting", LastError = "refused" },
            ],
            IsClockSynchronised: null, DateTimeOffset.UnixEpoch);
        Assert.Equal(
            """{"clock":{"synchronised":null,"time":"1970-01-01T00:00:00Z"},"default_routes":{"ipv4":[],"ipv6":[]},"inbound_from":["a"],"listen":["127.0.0.1:51820"],"nat":{"kind":"unknown","text":"unknown: it needs peers that say at which address they see this node, and vibepn/1 carries no such message"},"peers":[{"addresses":["h:1"],"last_error":"","loss_permille":2,"name":"a","path_mtu":1452,"remote":"1.2.3.4:5","rtt_ms":1.5,"state":"up"},{"addresses":[],"last_error":"refused","loss_permille":0,"name":"b","path_mtu":null,"remote":null,"rtt_ms":null,"state":"waiting"}],"public_addresses":[],"sockets":[{"drops":3,"local":"127.0.0.1:51821","receive_buffer":1,"send_buffer":2}],"warnings":["listen address 127.0.0.1:51820 has no socket: see the daemon's log, and vpnctl doctor","this machine has no default route: only peers on its own links can be reached","3 datagrams found the buffer of 127.0.0.1:51821 full: raise net.core.rmem_max, or socket_buffer_bytes of the transport"]}""",
            JsonReply.OkObject(looked.Write).Result.GetRawText().Replace("\\u0027", "'", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("203.0.113.1", true)]
    [InlineData("10.1.2.3", false)]
    [InlineData("172.16.0.1", false)]
    [InlineData("172.32.0.1", true)]
    [InlineData("192.168.1.1", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("169.254.1.1", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("2001:db8::1", true)]
    [InlineData("fd00::1", false)]
    [InlineData("fe80::1", false)]
    public void Private_addresses_are_not_public(string address, bool isPublic) =>
        Assert.Equal(isPublic, Reachability.IsPublic(IPAddress.Parse(address)));
}
