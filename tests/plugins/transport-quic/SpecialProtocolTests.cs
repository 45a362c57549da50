using System.Net;
using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic.Tests;

/// <summary>Protocol names beside the usual ones: accepted always, offered only by a dial that names one.</summary>
public sealed class SpecialProtocolTests
{
    private const string Special = "vibepn-special/1";

    [Fact]
    public async Task A_dial_speaks_the_special_protocol_only_when_it_says_so()
    {
        await using Node a = await StartAsync(Special);
        await using Node b = await StartAsync(Special);
        (ITransportConnection ours, ITransportConnection theirs) = await a.ConnectAsync(b);
        Assert.Equal((Node.Alpn, Node.Alpn), (ours.Protocol, theirs.Protocol));
        (ours, theirs) = await a.ConnectAsync(b, Special);
        Assert.Equal((Special, Special), (ours.Protocol, theirs.Protocol));
        Assert.Equal([Node.Alpn, Special], b.Questions.Select(question => question.Protocol));
        Assert.Equal(ours.ChannelBinding.ToArray(), theirs.ChannelBinding.ToArray());
        Assert.Equal(32, ours.ChannelBinding.Length);
    }

    [Fact]
    public async Task Who_does_not_know_it_refuses_before_any_certificate_is_judged()
    {
        await using Node a = await StartAsync(Special);
        await using Node b = await StartAsync();
        long id = a.Dial(b.Address, Special);
        await Eventually.Holds(() => a.DialsFailed.ContainsKey(id), "dial fails");
        Assert.Equal(CloseCode.HandshakeFailed, a.DialsFailed[id].Code);
        Assert.Empty(b.Questions);
    }

    private static Task<Node> StartAsync(params string[] special)
    {
        NodeIdentity identity = Identities.Create("node");
        return Node.StartAsync(identity, options: new TransportOptions
        {
            Identity = identity,
            Protocols = [Node.Alpn],
            SpecialProtocols = special,
            Listen = [new IPEndPoint(IPAddress.Loopback, 0)],
        });
    }
}
