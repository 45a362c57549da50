using VibePN.Contracts;
using VibePN.Engine.Node;
using VibePN.Engine.Sessions;
using VibePN.Simulation.Machines;
using VibePN.Simulation.Network;
using VibePN.Simulation.World;

namespace VibePN.Simulation.Scenarios;

/// <summary>Makes things go wrong, at moments and places that the seed draws, until the world is to heal.</summary>
internal sealed class FaultDriver(SimulatedWorld world, ModelNetwork network, Scenario scenario)
{
    private readonly List<Action> _undo = [];
    private int _drawn;
    private int _lans;
    private int _generation;
    private bool _healed;

    private IReadOnlyList<Machine> Machines => network.Machines;

    /// <summary>Plans the first fault.</summary>
    public void Begin()
    {
        if (scenario.Faults.Length > 0)
            PlanNext();
    }

    /// <summary>Ends every fault, brings every daemon up, and lets machines that can notice it do so.</summary>
    public void Heal(Func<Machine, bool> hadTrustTrouble)
    {
        world.Note(-1, "heals");
        _healed = true;
        foreach (Action undo in _undo)
            undo();
        network.ClearUp();
        foreach (Machine machine in Machines)
        {
            machine.EngineFiles.Fault = null;
            machine.TrustFiles.Fault = null;
            machine.TunFault = null;
            machine.Clock.WallOffset = TimeSpan.Zero;
            machine.Resume();
            machine.Start();
            // A refused certificate waits for an operator, and for ten minutes: here the operator comes.
            if (scenario.LinkEvents || hadTrustTrouble(machine))
                machine.ChangeNetwork();
        }
    }

    private void PlanNext()
    {
        Draw draw = world.Stream("fault", _drawn++);
        long wait = (long)(scenario.FaultEvery * -Math.Log(1 - draw.Share()));
        world.After(wait, () =>
        {
            if (_healed)
                return;
            Happen(draw.Pick(scenario.Faults), draw.Pick([.. Machines]), draw);
            PlanNext();
        });
    }

    private void Happen(Fault fault, Machine machine, Draw draw)
    {
        switch (fault)
        {
            case Fault.Crash:
                machine.Crash();
                world.After(draw.Time(20, draw.Chance(0.5) ? 1_000 : 20_000), machine.Start);
                break;
            case Fault.GracefulRestart:
                machine.Stop();
                world.After(draw.Time(20, draw.Chance(0.5) ? 1_000 : 20_000), machine.Start);
                break;
            case Fault.Pause:
                machine.Pause();
                world.After(draw.Time(100, draw.Chance(0.7) ? 5_000 : 60_000), machine.Resume);
                break;
            case Fault.Isolate or Fault.Halves or Fault.OneWay or Fault.Flap:
                Cut(fault, machine, draw);
                break;
            case Fault.LossBurst:
                LoseMore(machine, draw.Share() * 0.4, draw.Time(1_000, 20_000));
                break;
            case Fault.Break or Fault.Breaker:
                BreakConnections(machine, draw, fault == Fault.Breaker ? draw.Time(60_000, 120_000) : 0);
                break;
            case Fault.WallJump:
                machine.Clock.WallOffset = TimeSpan.FromSeconds((draw.Share() - 0.5) * Math.Pow(10, draw.Between(0, 8)) * 6);
                world.Note(machine.Number, "wall clock jumps");
                break;
            case Fault.DiskFull:
                machine.EngineFiles.Fault = machine.TrustFiles.Fault = "No space left on device.";
                world.Note(machine.Number, "disk full");
                world.After(draw.Time(500, 30_000), () => machine.EngineFiles.Fault = machine.TrustFiles.Fault = null);
                break;
            case Fault.TunRemoved:
                RemoveInterface(machine, draw);
                break;
            default:
                Operate(fault, machine, draw);
                break;
        }
    }

    private void Operate(Fault fault, Machine machine, Draw draw)
    {
        switch (fault)
        {
            case Fault.Renumber:
                Renumber(machine, draw);
                break;
            case Fault.Originate:
                List<IpPrefix> behind = draw.Pick([.. machine.Plan.Networks.Values]).Originate;
                if (behind.Count > 2)
                    behind.RemoveAt(0);
                else
                    behind.Add(new IpPrefix(IpAddress.FromV4(0xAC10_0000 | (uint)(_lans++ << 8)), 24));
                Reload(machine, "originates others", reshapes: false);
                break;
            case Fault.PeerRemoved when machine.Plan.Peers.Count > 0:
                PeerPlan peer = draw.Pick([.. machine.Plan.Peers.Values]);
                peer.Present = false;
                Reload(machine, "drops a peer");
                Later(draw.Time(100, 20_000), () => peer.Present = true, machine, "takes the peer back");
                break;
            case Fault.MembershipChanged when machine.Plan.Peers.Count > 0:
                PeerPlan member = draw.Pick([.. machine.Plan.Peers.Values]);
                string network = draw.Pick([.. machine.Plan.Networks.Keys]);
                if (!member.Networks.Remove(network))
                    member.Networks.Add(network);
                Reload(machine, "changes a membership");
                break;
            case Fault.Deny when machine.Plan.Peers.Count > 0:
                Deny(machine, draw);
                break;
            case Fault.LinkEvent:
                machine.ChangeNetwork();
                break;
            case Fault.LostAnnouncement:
                LoseAnnouncement(machine, draw);
                break;
        }
    }

    private void Cut(Fault fault, Machine machine, Draw draw)
    {
        var links = new List<Link>();
        HashSet<int> half = [.. draw.Shuffle(Machines.Select(one => one.Number)).Take(Machines.Count / 2)];
        int other = draw.Below(Machines.Count);
        bool inward = draw.Chance(0.5);
        foreach (Machine from in Machines)
        {
            foreach (Machine to in Machines)
            {
                bool cut = from != to && fault switch
                {
                    Fault.Isolate => from == machine || to == machine,
                    Fault.Halves => half.Contains(from.Number) != half.Contains(to.Number),
                    Fault.OneWay => inward ? to == machine && from.Number == other : from == machine && to.Number == other,
                    _ => (from == machine && to.Number == other) || (to == machine && from.Number == other),
                };
                if (cut)
                    links.Add(network.LinkOf(from.Number, to.Number));
            }
        }
        int times = fault == Fault.Flap ? draw.Between(2, 40) : 1;
        long length = fault == Fault.Flap ? draw.Time(50, 6_000) : draw.Time(200, draw.Chance(0.5) ? 5_000 : 40_000);
        world.Note(machine.Number, $"{fault} begins", -1, length);
        Toggle(links, times, length, cut: true);
    }

    private void Toggle(List<Link> links, int times, long length, bool cut)
    {
        if (_healed)
            return;
        foreach (Link link in links)
            link.Cuts += cut ? 1 : -1;
        world.Note(-1, cut ? "links are cut" : "links are back");
        if (times > 0)
            world.After(length, () => Toggle(links, cut ? times - 1 : times, length, !cut));
    }

    private void LoseMore(Machine machine, double loss, long length)
    {
        world.Note(machine.Number, "loses more");
        foreach (Machine other in Machines.Where(other => other != machine))
        {
            Link link = network.LinkOf(machine.Number, other.Number);
            double before = link.Loss;
            link.Loss = loss;
            world.After(length, () => link.Loss = _healed ? 0 : before);
        }
    }

    private void BreakConnections(Machine machine, Draw draw, long length)
    {
        if (_healed || draw.Below(1_000) == 0)
            return;
        if (machine.Process is { } process)
        {
            world.Note(machine.Number, "its connections break");
            foreach (ModelConnection connection in process.Transport.Connections.OrderBy(one => one.Id).ToArray())
                connection.Break();
        }
        long pause = draw.Time(200, 4_000);
        if (length > 0)
            world.After(pause, () => BreakConnections(machine, draw, length - pause));
    }

    private void RemoveInterface(Machine machine, Draw draw)
    {
        if (machine.Process is not { } process || process.Tun.Devices.Count == 0)
            return;
        ModelTunDevice device = draw.Pick([.. process.Tun.Devices.OrderBy(pair => pair.Key, StringComparer.Ordinal)]).Value;
        device.Removed = true;
        world.Note(machine.Number, "loses an interface");
        if (draw.Chance(0.3))
        {
            machine.TunFault = "TUN device could not be opened: simulated.";
            world.After(draw.Time(100, 8_000), () => machine.TunFault = null);
        }
        process.Order(now => process.Node.Plane?.Networks.OnDeviceLost(device.Name, "the kernel removed it", now));
    }

    private void Deny(Machine machine, Draw draw)
    {
        if (machine.Process is not { } process || machine.TrustFiles.Fault is not null)
            return;
        PeerPlan denied = draw.Pick([.. machine.Plan.Peers.Values]);
        bool forget = denied.Denied;
        world.Note(machine.Number, forget ? "forgives a certificate" : "denies a certificate");
        if (!process.Obey(forget ? TrustAction.Forget : TrustAction.Deny, denied.Identity.Id))
            return;
        denied.Denied = !forget;
        machine.Changed = world.Now;
        if (!forget && draw.Chance(0.5))
        {
            _undo.Add(() =>
            {
                machine.TrustFiles.Fault = null;
                if (denied.Denied && machine.Process is { } now && now.Obey(TrustAction.Forget, denied.Identity.Id))
                    denied.Denied = false;
            });
        }
    }

    private void LoseAnnouncement(Machine machine, Draw draw)
    {
        if (machine.Process is not { } process || process.Transport.Connections.Count == 0)
            return;
        ModelConnection connection = draw.Pick([.. process.Transport.Connections.OrderBy(one => one.Id)]);
        // The next digest tells the peer; it comes within 60 s, and has to be there before everything must work again.
        long end = scenario.FaultPhase - ((scenario.LinkEvents ? 48 : 18) * SimulatedWorld.Second);
        int left = 1;
        byte type = draw.Chance(0.5) ? (byte)'A' : (byte)'W';
        world.Note(machine.Number, "will lose an announcement to", connection.Target.Number);
        connection.Censor = frame => left == 0 || world.Now > end || frame.Length < 3 || frame.Span[2] != type || --left != 0;
        // Something has to change, or there is nothing to announce or to take back.
        Renumber(machine, draw);
    }

    private void Renumber(Machine machine, Draw draw)
    {
        string name = draw.Pick([.. machine.Plan.Networks.Keys]);
        machine.Plan.Networks[name].Address =
            Scenario.AddressOf(Scenario.IndexOf(name), machine.Number, 1 + (_generation++ % 200));
        machine.Renumbered = world.Now;
        Reload(machine, "is numbered anew", reshapes: false);
    }

    /// <summary>Lets a running daemon read its configuration anew.</summary>
    /// <param name="machine">Where.</param>
    /// <param name="what">What changes.</param>
    /// <param name="reshapes">Whether it may take networks or peers away, and so all routes of somebody.</param>
    private void Reload(Machine machine, string what, bool reshapes = true)
    {
        if (machine.Process is not { } process)
            return;
        world.Note(machine.Number, what);
        if (reshapes)
        {
            machine.Changed = world.Now;
            machine.Observer.NetworkChanged(machine); // an entry that changed is dialled afresh
        }
        Engine.Configuration.EngineConfiguration next = machine.Plan.Build();
        process.Order(now =>
        {
            try
            {
                process.Node.Plane?.Reload(next, now);
            }
            catch (PluginException exception)
            {
                world.Trace.Say(world.Now, machine.Number, exception.Message);
            }
        });
    }

    private void Later(long delay, Action change, Machine machine, string what)
    {
        bool done = false;
        void Once()
        {
            if (done)
                return;
            done = true;
            change();
            Reload(machine, what);
        }
        _undo.Add(Once);
        world.After(delay, Once);
    }
}
