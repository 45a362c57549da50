using VibePN.Contracts;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Packets;
using VibePN.Engine.Tests.Packets;
using VibePN.Engine.Time;
using VibePN.Prefixes;

namespace VibePN.Engine.Tests.Forwarding;

public sealed class EchoDeskTests : IDisposable
{
    private const ulong Token = 0x0102_0304_0506_0708;

    private readonly ForwardingFixture _fixture = new();
    private readonly InboundPath _path = new();
    private readonly InboundPort _from;
    private readonly PeerPort _port;
    private readonly EchoRun _run = new(Token, () => default(Instant) + TimeSpan.FromSeconds(3));

    public EchoDeskTests()
    {
        (_port, _) = _fixture.AddPeer(1);
        _port.AllowedSources = PrefixSet.Of([IpPrefix.Parse("10.42.0.5/32")]);
        _fixture.SetRoutes(("10.42.0.5/32", [1]));
        _from = new InboundPort([(0, _port)]);
    }

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void An_answer_to_our_question_is_kept_from_the_kernel()
    {
        _fixture.Network.Echoes.Add(_run);
        Receive(Answer(Token), TestPackets.Udp("10.42.0.5", "10.42.0.1"));
        Assert.True(_run.Answers.TryRead(out EchoAnswer answer));
        Assert.Equal((9, IpAddress.Parse("10.42.0.5"), 24, ForwardingFixture.Id(1)), (answer.Sequence, answer.From, answer.Bytes, answer.Peer));
        Assert.Equal(1, _fixture.Device.WrittenCount);
        Assert.Equal(2, _fixture.Network.Received.Packets);
        Assert.Empty(DropCounters.Sum(_fixture.Network.ReceivedDrops, _port.Drops));
    }

    [Fact]
    public void Answers_to_other_programs_pass()
    {
        _fixture.Network.Echoes.Add(_run);
        Receive(Answer(Token + 1), Answer(Token, identifier: 77), IcmpEchoTests.Answer(IcmpEchoTests.Question("10.42.0.1", "10.42.0.5", [1], EchoDesk.Identifier)));
        Assert.Equal(3, _fixture.Device.WrittenCount);
        Assert.False(_run.Answers.TryRead(out _));
    }

    [Fact]
    public void Once_nobody_pings_everything_passes()
    {
        _fixture.Network.Echoes.Add(_run);
        _fixture.Network.Echoes.Remove(_run);
        Receive(Answer(Token));
        Assert.Equal(1, _fixture.Device.WrittenCount);
    }

    [Fact]
    public void A_peer_that_repeats_an_answer_without_end_costs_a_bounded_number()
    {
        _fixture.Network.Echoes.Add(_run);
        for (int i = 0; i < 1_000; i++)
            Receive(Answer(Token));
        Assert.Equal(256, _run.Answers.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Icmp_allocates_nothing_while_nobody_pings_nor_while_somebody_does(bool pings)
    {
        using var quiet = new ForwardingFixture(records: false);
        (PeerPort port, _) = quiet.AddPeer(1);
        port.AllowedSources = PrefixSet.Of([IpPrefix.Parse("10.42.0.5/32")]);
        quiet.SetRoutes();
        if (pings)
            quiet.Network.Echoes.Add(_run);
        quiet.Fill(Answer(Token + 1), Answer(Token, identifier: 77));
        var from = new InboundPort([(0, port)]);
        for (int i = 0; i < 200; i++)
            _path.Process(from, quiet.Batch);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1_000; i++)
            _path.Process(from, quiet.Batch);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(2_400, quiet.Device.WrittenCount);
    }

    [Fact]
    public void A_question_goes_where_packets_go_or_says_why_not()
    {
        Assert.Equal(DropReason.None, Send("10.42.0.5").Reason);
        Assert.Equal(1, _port.Sent.Packets);
        Assert.Equal(DropReason.NoRoute, Send("10.42.0.6").Reason);
        _port.Active = null;
        OutboundDecision away = Send("10.42.0.5");
        Assert.Equal((DropReason.NoSession, _port), (away.Reason, away.Port));
        Assert.Equal([KeyValuePair.Create(DropReason.NoSession, 1L)], DropCounters.Sum(_port.Drops));
        Assert.Equal(0, _fixture.Device.WrittenCount); // no ICMP answer to ourselves
    }

    private OutboundDecision Send(string destination)
    {
        _fixture.Fill(IcmpEchoTests.Question("10.42.0.1", destination, new byte[8]));
        return _fixture.Path.SendOwn(_fixture.Batch);
    }

    private void Receive(params byte[][] packets)
    {
        _fixture.Fill(packets);
        _path.Process(_from, _fixture.Batch);
    }

    private static byte[] Answer(ulong token, ushort identifier = EchoDesk.Identifier)
    {
        byte[] payload = new byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(payload, token);
        return IcmpEchoTests.Answer(IcmpEchoTests.Question("10.42.0.1", "10.42.0.5", payload, identifier));
    }
}
