using VibePN.Contracts;
using VibePN.Engine.Control;
using VibePN.Engine.Node;
using VibePN.Engine.Sessions;
using VibePN.Simulation.Invariants;
using VibePN.Simulation.Machines;
using VibePN.Simulation.Network;
using VibePN.Simulation.World;

namespace VibePN.Simulation.Scenarios;

/// <summary>A member that lies: a real engine whose sessions also say things that are well-formed and untrue.</summary>
internal sealed class Liar(SimulatedWorld world, ModelNetwork network, PacketLedger ledger, Machine machine)
{
    private readonly Draw _draw = world.Stream("liar", machine.Number);
    private readonly List<ModelConnection> _hushed = [];
    private bool _hushes;
    private bool _ended;

    /// <summary>Begins to lie, about once a second.</summary>
    public void Begin()
    {
        machine.IsLiar = true;
        _hushes = _draw.Chance(0.5);
        PlanNext();
    }

    /// <summary>Ends lying: the node starts anew as an honest one.</summary>
    public void End()
    {
        _ended = true;
        machine.Crash();
    }

    private void PlanNext() => world.After(_draw.Time(50, 1_500), () =>
    {
        if (_ended)
            return;
        Lie();
        PlanNext();
    });

    private void Lie()
    {
        if (machine.IsPaused || machine.Process is not { Ended: false } process || process.Node.Plane is not { } plane)
            return;
        PeerMachine[] connected = [.. plane.Peers.Where(peer => peer.Active is { Networks.Count: > 0 })];
        if (connected.Length == 0)
            return;
        PeerConnection session = _draw.Pick(connected).Active!;
        AgreedNetwork agreed = _draw.Pick([.. session.Networks]);
        var transport = (ModelConnection)session.Transport;
        if (_hushes && !_hushed.Contains(transport) && _draw.Chance(0.2))
            Hush(transport);
        Span<byte> frame = stackalloc byte[4_096];
        switch (_draw.Below(7))
        {
            case 0 or 1:
                RouteItem[] items = [.. Enumerable.Range(0, _draw.Between(1, 20)).Select(_ => new RouteItem(Prefix(transport.Target, agreed), (uint)_draw.Below(3)))];
                foreach (RouteItem item in items)
                    machine.Lie(agreed.Network.Name, item.Prefix);
                if (!_hushed.Contains(transport))
                    transport.SendControl(frame[..ControlWriter.WriteAnnounce(frame, agreed.OurNumber, items)]);
                break;
            case 2 or 3:
                IpPrefix[] taken = [.. Enumerable.Range(0, _draw.Between(1, 5)).Select(_ => Prefix(transport.Target, agreed))];
                transport.SendControl(frame[..ControlWriter.WriteWithdraw(frame, agreed.OurNumber, taken)]);
                break;
            case 4:
                transport.SendControl(frame[..ControlWriter.WriteDigest(
                    frame, new DigestMessage(agreed.OurNumber, (uint)_draw.Below(20), _draw.Next()))]);
                break;
            case 5:
                transport.SendControl(frame[..ControlWriter.WriteRefresh(frame, agreed.OurNumber)]);
                break;
            default:
                Spoof(transport, agreed);
                break;
        }
    }

    // Says nothing true about its routes any more, so that they have to expire.
    private void Hush(ModelConnection transport)
    {
        world.Note(machine.Number, "goes silent about routes to", transport.Target.Number);
        _hushed.Add(transport);
        transport.Censor = frame => frame.Length < 3 || frame.Span[2] is not ((byte)'A' or (byte)'E' or (byte)'I');
    }

    // Somebody else's address, the listener's own, a subnet, a martian, or an address that nobody has.
    private IpPrefix Prefix(Machine listener, AgreedNetwork agreed)
    {
        Machine victim = _draw.Chance(0.4) ? listener : _draw.Pick([.. network.Machines]);
        NetworkPlan? theirs = victim.Plan.Networks.GetValueOrDefault(agreed.Network.Name);
        return _draw.Below(6) switch
        {
            0 or 1 when theirs is not null => IpPrefix.Host(theirs.Address),
            2 when theirs is { Originate.Count: > 0 } => _draw.Pick(theirs.Originate),
            3 => agreed.Network.Prefix!.Value,
            4 => _draw.Pick([IpPrefix.Parse("127.0.0.0/8"), IpPrefix.Parse("0.0.0.0/1"), IpPrefix.Parse("224.0.0.0/8"),
                new IpPrefix(agreed.Network.Prefix!.Value.Address, 24)]),
            _ => IpPrefix.Host(IpAddress.FromV4((uint)agreed.Network.Prefix!.Value.Address.Bits + 0x0000_F000 + (uint)_draw.Below(200))),
        };
    }

    // A packet whose source is the listener itself, a third node, or nobody at all.
    private void Spoof(ModelConnection transport, AgreedNetwork agreed)
    {
        if (!transport.Target.Plan.Networks.TryGetValue(agreed.Network.Name, out NetworkPlan? target))
            return;
        IpAddress source = _draw.Below(3) switch
        {
            0 => target.Address,
            1 => _draw.Pick([.. network.Machines]).Plan.Networks.GetValueOrDefault(agreed.Network.Name)?.Address ?? target.Address,
            _ => IpAddress.FromV4(0x0A2A_0000 | (uint)_draw.Below(60_000)),
        };
        PacketBatch batch = network.Scratch;
        batch.Clear();
        if (!batch.TryReserve(128, out Span<byte> buffer))
            return;
        long number = ledger.Begin(machine, agreed.Network.Name, source, target.Address);
        batch.Commit(Kernel.Write(buffer, source, target.Address, number), agreed.OurNumber);
        transport.Send(batch, 0, 1);
    }
}
