using System.Diagnostics;
using System.Net;
using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic.Tests;

public sealed class RefusalTests
{
    [Fact]
    public async Task Responder_refuses_an_unknown_certificate_inside_the_handshake()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        b.Trusts = _ => false;
        CloseReason reason = await a.DialFailsAsync(b.Address);
        Assert.Equal(CloseCode.TrustRefused, reason.Code);
        Assert.True(reason.ByPeer);
        await Eventually.Holds(() => b.Transport.GetStatistics().HandshakesRefused == 1, "refusal counted there");
        Assert.Equal(1, a.Transport.GetStatistics().HandshakesRefused);
        Assert.Equal(0, a.Transport.GetStatistics().HandshakesCompleted);
        Assert.Equal(0, b.Transport.GetStatistics().HandshakesCompleted);
        Assert.Empty(a.Connected);
        Assert.Empty(b.Connected);
    }

    [Fact]
    public async Task Initiator_refuses_an_unknown_certificate_inside_the_handshake()
    {
        await using Node a = await Node.StartAsync();
        await using Node b = await Node.StartAsync();
        a.Trusts = _ => false;
        CloseReason reason = await a.DialFailsAsync(b.Address);
        Assert.Equal(CloseCode.TrustRefused, reason.Code);
        Assert.False(reason.ByPeer);
        await Eventually.Holds(() => b.Transport.GetStatistics().HandshakesRefused == 1, "refusal counted there");
        Assert.Empty(a.Connected);
        Assert.Empty(b.Connected);
        // The responder was never shown our certificate, so it was never asked.
        Assert.Empty(b.Questions);
    }

    [Fact]
    public async Task No_common_protocol_fails_the_handshake()
    {
        await using Node a = await Node.StartAsync(protocols: ["other/1"]);
        await using Node b = await Node.StartAsync();
        CloseReason reason = await a.DialFailsAsync(b.Address);
        Assert.Equal(CloseCode.HandshakeFailed, reason.Code);
        Assert.True(reason.ByPeer);
        await Eventually.Holds(() => b.Transport.GetStatistics().HandshakesFailed == 1, "failure counted there");
        Assert.Empty(a.Questions);
        Assert.Empty(b.Questions);
        Assert.Empty(b.Connected);
    }

    [Fact]
    public async Task Highest_common_protocol_wins()
    {
        await using Node a = await Node.StartAsync(protocols: ["vibepn/1", "vibepn/2"]);
        await using Node b = await Node.StartAsync(protocols: ["vibepn/2", "vibepn/1"]);
        (ITransportConnection ours, ITransportConnection theirs) = await a.ConnectAsync(b);
        Assert.Equal("vibepn/2", ours.Protocol);
        Assert.Equal("vibepn/2", theirs.Protocol);
    }

    [Fact]
    public async Task Client_without_a_certificate_is_refused_inside_the_handshake()
    {
        await using Node b = await Node.StartAsync();
        await using var anonymous = new AnonymousClient();
        CloseReason reason = await anonymous.DialFailsAsync(b.Address);
        Assert.Equal(CloseCode.TrustRefused, reason.Code);
        Assert.True(reason.ByPeer);
        await Eventually.Holds(() => b.Transport.GetStatistics().HandshakesRefused == 1, "refusal counted");
        Assert.Empty(b.Questions);
        Assert.Empty(b.Connected);
    }

    [Theory]
    [InlineData("vibepn/1", false)]
    [InlineData("h3", false)]
    [InlineData("h3", true)]
    public async Task Foreign_program_gets_nowhere(string protocol, bool certificate)
    {
        NodeIdentity stranger = Identities.Create("stranger");
        string directory = Directory.CreateTempSubdirectory("quic-test-").FullName;
        try
        {
            await File.WriteAllTextAsync($"{directory}/cert.pem", stranger.CertificatePem, TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync($"{directory}/key.pem", stranger.PrivateKeyPem, TestContext.Current.CancellationToken);
            await using Node b = await Node.StartAsync(protocols: [protocol]);
            b.Trusts = _ => false;
            await ForeignClientAsync(
                b.Addresses[0], certificate ? $"--cert={directory}/cert.pem --key={directory}/key.pem" : "");
            await Eventually.Holds(
                () => b.Transport.GetStatistics() is { HandshakesRefused: 1 } or { HandshakesFailed: 1 }, "it failed");
            Assert.Equal(0, b.Transport.GetStatistics().HandshakesCompleted);
            Assert.Empty(b.Connected);
            Assert.Empty(b.Packets);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public async Task Nobody_at_the_address_is_a_handshake_timeout()
    {
        await using Node a = await Node.StartAsync(options: Quick());
        using var silent = new System.Net.Sockets.UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        CloseReason reason = await a.DialFailsAsync(silent.Client.LocalEndPoint!.ToString()!);
        Assert.Equal(CloseCode.HandshakeTimeout, reason.Code);
    }

    [Theory]
    [InlineData("no-such-host.invalid:51820")]
    [InlineData("no port at all")]
    [InlineData("127.0.0.1:0")]
    [InlineData(":51820")]
    [InlineData("[::1]:51820")]
    public async Task Address_that_cannot_be_used_is_unreachable(string address)
    {
        await using Node a = await Node.StartAsync();
        CloseReason reason = await a.DialFailsAsync(address);
        Assert.Equal(CloseCode.Unreachable, reason.Code);
        Assert.NotEmpty(reason.Text);
    }

    [Fact]
    public async Task Name_and_ipv6_literal_are_reached()
    {
        IPEndPoint[] both = [new IPEndPoint(IPAddress.Loopback, 0), new IPEndPoint(IPAddress.IPv6Loopback, 0)];
        await using Node a = await Node.StartAsync(listen: both);
        await using Node b = await Node.StartAsync(listen: both);
        long byName = a.Dial($"quic://localhost:{b.Addresses[0].Port}");
        long byLiteral = a.Dial(b.Addresses[1].ToString());
        await Eventually.Holds(() => a.Connections.Count == 2 || !a.DialsFailed.IsEmpty, "both dials end", 20);
        Assert.Equal([byName, byLiteral], a.Connections.Select(c => c.DialId).Order());
    }

    internal static TransportOptions Quick() => new()
    {
        Identity = Identities.Create("quick"),
        Protocols = [Node.Alpn],
        Listen = [new IPEndPoint(IPAddress.Loopback, 0)],
        HandshakeTimeout = TimeSpan.FromMilliseconds(300),
        IdleTimeout = TimeSpan.FromSeconds(1),
    };

    // Debian's package ngtcp2-client: another program's QUIC client with another program's manners.
    private static async Task ForeignClientAsync(IPEndPoint address, string options)
    {
        string arguments = $"--timeout=2s --exit-on-first-stream-close -q {options} {address.Address} {address.Port} "
            + $"https://localhost:{address.Port}/";
        using Process client = Process.Start(new ProcessStartInfo("gtlsclient", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        try
        {
            Task<string> output = client.StandardOutput.ReadToEndAsync(limit.Token);
            await client.StandardError.ReadToEndAsync(limit.Token);
            await client.WaitForExitAsync(limit.Token);
            await output;
        }
        finally
        {
            if (!client.HasExited)
                client.Kill();
        }
    }
}
