using VibePN.Contracts;
using VibePN.Engine.Forwarding;
using VibePN.Engine.Packets;

namespace VibePN.Engine.Tests.Forwarding;

public sealed class FlowNumbersTests
{
    [Fact]
    public void Flows_have_numbers_of_their_own_until_their_hosts_fragment_and_then_share_one()
    {
        var numbers = new FlowNumbers();
        PacketKey[] flows = [.. Enumerable.Range(1, 50).Select(port => Udp((ushort)port))];
        Assert.InRange(flows.Select(flow => numbers.Of(flow, FragmentPart.Whole)).Distinct().Count(), 45, 50);
        ushort fragments = numbers.Of(Udp(0), FragmentPart.Later);
        Assert.All(flows, flow => Assert.Equal(fragments, numbers.Of(flow, FragmentPart.Whole)));
        Assert.All(flows, flow => Assert.Equal(fragments, numbers.Of(flow, FragmentPart.First)));
    }

    [Fact]
    public void Tcp_goes_by_its_ports_whatever_else_its_hosts_send()
    {
        var numbers = new FlowNumbers();
        PacketKey[] flows = [.. Enumerable.Range(1, 50).Select(port => Udp((ushort)port) with { Protocol = IpProtocol.Tcp })];
        ushort[] before = [.. flows.Select(flow => numbers.Of(flow, FragmentPart.Whole))];
        numbers.Of(Udp(0), FragmentPart.First);
        Assert.Equal(before, flows.Select(flow => numbers.Of(flow, FragmentPart.Whole)));
        Assert.InRange(before.Distinct().Count(), 45, 50);
    }

    private static PacketKey Udp(ushort port) => new(
        IpAddress.Parse("10.0.0.1"), IpAddress.Parse("10.0.0.2"), IpProtocol.Udp, port, 53, 0);
}
