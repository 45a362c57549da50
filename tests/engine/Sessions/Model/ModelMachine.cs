namespace VibePN.Engine.Tests.Sessions.Model;

/// <summary>The rules of docs/wire-format.md §5 as a transition system, written from the rules and not from the engine.</summary>
/// <remarks>
/// Time is left out: whatever takes long may happen at any later moment. One assumption about time remains, as the
/// protocol has it too: a Ready that is on its way on a path that stands arrives within the 3 s that a drained
/// connection is kept (<see cref="ReadyIsUnderWay"/>).
/// </remarks>
internal sealed class ModelMachine(ModelRules rules)
{
    private ModelState _state;
    private string? _violation;

    /// <summary>The rules it runs by.</summary>
    public ModelRules Rules => rules;

    /// <summary>Lists everything that can happen in a state.</summary>
    public void Enumerate(ref ModelState state, List<ModelStep> steps)
    {
        steps.Clear();
        for (int i = 0; i < ModelState.MaxLinks; i++)
        {
            ModelLink link = state.Links[i];
            if (link.IsFree)
                continue;
            if (rules.Failures && !link.IsBroken)
                steps.Add(new ModelStep(StepKind.Break, i));
            for (int end = 0; end < 2; end++)
                EnumerateEnd(ref state, i, end, steps);
        }
        for (int node = 0; node < 2; node++)
            EnumerateNode(ref state, node, steps);
    }

    /// <summary>Lets one thing happen.</summary>
    /// <returns>Which rule about single steps it broke, or null.</returns>
    public string? Apply(ref ModelState state, ModelStep step)
    {
        _state = state;
        _violation = null;
        switch (step.Kind)
        {
            case StepKind.Dial:
            case StepKind.Renew:
                Dial(step.Target, step.Kind == StepKind.Renew);
                break;
            case StepKind.Break:
                Break(step.Target);
                break;
            case StepKind.TimeOut:
                TimeOut(step.Target, step.Detail);
                break;
            case StepKind.Restart:
                Restart(step.Target, step.Detail);
                break;
            case StepKind.Arrive:
                Arrive(step.Target, step.Detail);
                break;
            case StepKind.Deliver:
                Deliver(step.Target, step.Detail);
                break;
            default:
                Close(step.Target, step.Detail);
                break;
        }
        if (rules.Hurry)
            CloseTheHelpless();
        KeepHistory();
        state = _state;
        return _violation;
    }

    /// <summary>The message that an end receives next.</summary>
    public static Wire NextMessage(ModelLink link, int end) => (Wire)((int)link.WireTo(end) & -(int)link.WireTo(end));

    /// <summary>Whether a node may dial, apart from a renewal.</summary>
    public bool MayDial(ref ModelState state, int node)
    {
        if (state.Node(node).Dials >= rules.DialsOf(node))
            return false;
        for (int i = 0; i < ModelState.MaxLinks; i++)
        {
            ModelLink link = state.Links[i];
            if (link.IsFree)
                continue;
            int end = link.EndOf(node);
            if (end == 0 && link.Phase(0) == EndPhase.Absent)
                return false;
            bool overlooked = rules.Defect == Defect.DialWhileActive
                || (rules.Defect == Defect.DialWhileGreeting && link.Phase(end) < EndPhase.Active);
            if (link.IsOpen(end) && !overlooked)
                return false;
        }
        return true;
    }

    private bool MayRenew(ref ModelState state, int node)
    {
        int active = state.ActiveOf(node);
        if (!rules.Renewal || active < 0 || state.Links[active].Initiator != node
            || state.Node(node).Dials >= rules.DialsOf(node))
            return false;
        for (int i = 0; i < ModelState.MaxLinks; i++)
        {
            ModelLink link = state.Links[i];
            if (!link.IsFree && link.Initiator == node && link.Phase(0) < EndPhase.Active)
                return false;
        }
        return true;
    }

    private void EnumerateNode(ref ModelState state, int node, List<ModelStep> steps)
    {
        if (MayDial(ref state, node))
            steps.Add(new ModelStep(StepKind.Dial, node));
        if (MayRenew(ref state, node))
            steps.Add(new ModelStep(StepKind.Renew, node));
        ModelNode facts = state.Node(node);
        if (facts.Restarts >= rules.RestartsOf(node))
            return;
        steps.Add(new ModelStep(StepKind.Restart, node, facts.LargestInstance + 1));
        if (!rules.LostInstances)
            return;
        steps.Add(new ModelStep(StepKind.Restart, node, facts.Instance));
        if (facts.Instance > 0)
            steps.Add(new ModelStep(StepKind.Restart, node, facts.Instance - 1));
    }

    private void EnumerateEnd(ref ModelState state, int place, int end, List<ModelStep> steps)
    {
        ModelLink link = state.Links[place];
        EndPhase phase = link.Phase(end);
        if (phase == EndPhase.Closed)
            return;
        if (phase == EndPhase.Absent)
        {
            if (!link.IsBroken)
                steps.Add(new ModelStep(StepKind.Arrive, place, end));
            else if (end == 0)
                steps.Add(new ModelStep(StepKind.Notice, place, end));
            return;
        }
        if (link.WireTo(end) != 0)
            steps.Add(new ModelStep(StepKind.Deliver, place, end));
        if (link.IsBroken || link.Phase(end ^ 1) == EndPhase.Closed)
            steps.Add(new ModelStep(StepKind.Notice, place, end));
        else if (rules.TimeOuts && phase is EndPhase.First or EndPhase.Second)
            steps.Add(new ModelStep(StepKind.TimeOut, place, end));
        if (phase != EndPhase.Draining)
            return;
        // On a connection that an end went back to, the Drain seen may be from before: then only patience is sure.
        bool patient = rules.Defect == Defect.ImpatientDrain || !ReadyIsUnderWay(ref state, link.NodeOf(end));
        if (link.SawDrain(end) && (patient || !link.IsReused))
            steps.Add(new ModelStep(StepKind.Linger, place, end));
        else if (patient)
            steps.Add(new ModelStep(StepKind.GiveUpDrain, place, end));
    }

    private static bool ReadyIsUnderWay(ref ModelState state, int node)
    {
        for (int i = 0; i < ModelState.MaxLinks; i++)
        {
            ModelLink link = state.Links[i];
            if (!link.IsFree && link.NodeOf(1) == node && (link.WireTo(0) & Wire.Confirmation) != 0)
                return true;
        }
        return false;
    }

    private void Dial(int node, bool renewal)
    {
        ref ModelNode facts = ref _state.Node(node);
        facts.Dials++;
        facts.Sequence++;
        if (renewal)
        {
            _state.Preferred.Credits = Math.Min(_state.Preferred.Credits + 1, 3);
            _state.Other.Credits = Math.Min(_state.Other.Credits + 1, 3);
        }
        else if (_state.IsEmpty())
        {
            _state.IsOwed = true;
        }
        var link = new ModelLink { Initiator = node, Sequence = facts.Sequence };
        link.SetInstanceOf(0, facts.Instance);
        for (int i = 0; i < ModelState.MaxLinks; i++)
        {
            if (!_state.Links[i].IsFree)
                continue;
            _state.Links[i] = link;
            return;
        }
        throw new InvalidOperationException("There is no place for a connection.");
    }

    private void Break(int place)
    {
        ref ModelLink link = ref _state.Links[place];
        _state.IsOwed = false;
        if (link.Phase(0) == EndPhase.Active || link.Phase(1) == EndPhase.Active)
            Disturb();
        link.SetWireTo(0, Wire.None);
        link.SetWireTo(1, Wire.None);
        link.IsBroken = true;
        Tidy(place);
    }

    private void TimeOut(int place, int end)
    {
        ModelLink link = _state.Links[place];
        _state.IsOwed = false;
        // A Confirm under way may yet bring the responder to use what the initiator has just given up.
        if (link.Phase(end ^ 1) == EndPhase.Active || (end == 0 && link.Phase(end) == EndPhase.Second))
            Disturb();
        Close(place, end);
    }

    private void Restart(int node, int instance)
    {
        _state.IsOwed = false;
        Disturb();
        for (int i = 0; i < ModelState.MaxLinks; i++)
        {
            ref ModelLink link = ref _state.Links[i];
            // A dial of the peer that has not come to this node yet comes to its next life.
            if (!link.IsFree && (link.EndOf(node) == 0 || link.IsOpen(1)))
                Bury(ref link, i, link.EndOf(node));
        }
        ref ModelNode facts = ref _state.Node(node);
        facts.Restarts++;
        facts.Instance = instance;
        facts.LargestInstance = Math.Max(facts.LargestInstance, instance);
        facts.Sequence = 0;
        facts.Credits = 0;
    }

    private void Arrive(int place, int end)
    {
        ref ModelLink link = ref _state.Links[place];
        link.SetPhase(end, EndPhase.First);
        if (end == 0)
        {
            link.Send(1, Wire.Greeting);
            return;
        }
        if (rules.Defect == Defect.CancelOwnDial)
            CancelDialsOf(link.NodeOf(1));
    }

    private void CancelDialsOf(int node)
    {
        for (int i = 0; i < ModelState.MaxLinks; i++)
        {
            ModelLink own = _state.Links[i];
            if (!own.IsFree && own.Initiator == node && own.Phase(0) < EndPhase.Second)
                Close(i, 0);
        }
    }

    private void Deliver(int place, int end)
    {
        ref ModelLink link = ref _state.Links[place];
        Wire message = NextMessage(link, end);
        link.SetWireTo(end, link.WireTo(end) & ~message);
        if (message == Wire.Drain)
        {
            link.SetSawDrain(end, true);
            if (rules.Defect == Defect.DrainSeenCloses)
                Close(place, end);
        }
        else if (message == Wire.Greeting)
        {
            if (end == 1)
                link.SetInstanceOf(1, _state.Node(link.NodeOf(1)).Instance);
            if (!AcceptInstance(place, end))
                return;
            link.SetPhase(end, EndPhase.Second);
            link.Send(end ^ 1, end == 1 ? Wire.Greeting : Wire.Confirmation);
            if (end == 1 && rules.Defect == Defect.SwitchBeforeConfirm)
                BecomeSwitchable(place, end);
        }
        else
        {
            if (end == 1)
                link.Send(0, Wire.Confirmation);
            if (link.Phase(end) == EndPhase.Second)
                BecomeSwitchable(place, end);
        }
    }

    /// <summary>Rule 3: a newer life of the peer makes every older connection a ghost, and is never replaced by one.</summary>
    private bool AcceptInstance(int place, int end)
    {
        ModelLink link = _state.Links[place];
        int node = link.NodeOf(end);
        int instance = link.InstanceOf(end ^ 1);
        if (rules.Defect == Defect.ForgetInstances)
            return true;
        for (int i = 0; i < ModelState.MaxLinks; i++)
        {
            ModelLink other = _state.Links[i];
            if (i == place || other.IsFree || !other.Receives(other.EndOf(node)))
                continue;
            int otherInstance = other.InstanceOf(other.EndOf(node) ^ 1);
            bool refuses = otherInstance > instance && rules.Defect != Defect.AnyOtherInstanceWins;
            if (refuses || (otherInstance == instance && rules.Defect == Defect.RefuseSameInstance))
            {
                Close(place, end);
                return false;
            }
        }
        for (int i = 0; i < ModelState.MaxLinks; i++)
        {
            ModelLink other = _state.Links[i];
            if (i == place || other.IsFree || !other.Receives(other.EndOf(node)))
                continue;
            int otherInstance = other.InstanceOf(other.EndOf(node) ^ 1);
            if (otherInstance == instance)
                continue;
            if (otherInstance > instance)
                _violation ??= "a connection of the peer's newer life was closed for one of an older";
            Close(i, other.EndOf(node));
        }
        return true;
    }

    /// <summary>Rule 4: the highest rank is used, everything else drains.</summary>
    private void BecomeSwitchable(int place, int end)
    {
        int node = _state.Links[place].NodeOf(end);
        int active = _state.ActiveOf(node);
        if (active < 0)
        {
            _state.Links[place].SetPhase(end, EndPhase.Active);
            _state.Node(node).Credits = Math.Max(_state.Node(node).Credits, 1);
        }
        else if (Beats(_state.Links[place], _state.Links[active], node))
        {
            _state.Links[place].SetPhase(end, EndPhase.Active);
            if (!_state.IsDirty && --_state.Node(node).Credits < 0)
            {
                _state.Node(node).Credits = 0;
                _violation ??= $"{ModelStep.NodeName(node)} switched more often than there were collisions and renewals";
            }
            Drain(active, _state.Links[active].EndOf(node));
        }
        else
        {
            Drain(place, end);
        }
    }

    private bool Beats(ModelLink candidate, ModelLink active, int node) => rules.Defect switch
    {
        Defect.LatestWins => true,
        Defect.EarliestWins => false,
        Defect.RankWithoutSequence => candidate.Initiator < active.Initiator,
        Defect.RankWithoutPreferred => candidate.Sequence > active.Sequence,
        Defect.PreferOwnDials => candidate.Initiator == active.Initiator
            ? candidate.Sequence > active.Sequence
            : candidate.Initiator == node,
        _ => candidate.Rank > active.Rank,
    };

    private void Drain(int place, int end)
    {
        ref ModelLink link = ref _state.Links[place];
        if (rules.Defect == Defect.NothingDrained)
        {
            link.SetPhase(end, EndPhase.Active);
            return;
        }
        link.SetPhase(end, EndPhase.Draining);
        link.Send(end ^ 1, Wire.Drain);
        if (rules.Defect == Defect.DrainCloses)
            Close(place, end);
    }

    private void Close(int place, int end)
    {
        ref ModelLink link = ref _state.Links[place];
        int node = link.NodeOf(end);
        bool wasActive = link.Phase(end) == EndPhase.Active;
        Bury(ref link, place, end);
        if (wasActive && rules.Defect != Defect.ForgetFallback)
            FallBack(node);
    }

    /// <summary>Rule 6: the best that still stands takes over, drained or not.</summary>
    private void FallBack(int node)
    {
        int best = -1;
        for (int i = 0; i < ModelState.MaxLinks; i++)
        {
            ModelLink link = _state.Links[i];
            if (link.IsFree || link.Phase(link.EndOf(node)) != EndPhase.Draining)
                continue;
            if (best < 0 || (link.Rank > _state.Links[best].Rank) != (rules.Defect == Defect.FallBackToLowest))
                best = i;
        }
        if (best < 0)
            return;
        ref ModelLink chosen = ref _state.Links[best];
        chosen.SetPhase(chosen.EndOf(node), EndPhase.Active);
        chosen.SetSawDrain(chosen.EndOf(node), false);
        chosen.IsReused = true;
    }

    private void Bury(ref ModelLink link, int place, int end)
    {
        link.SetPhase(end, EndPhase.Closed);
        link.SetWireTo(end, Wire.None);
        link.SetSawDrain(end, false);
        Tidy(place);
    }

    /// <summary>Frees the place of a connection of which nobody can hear any more.</summary>
    private void Tidy(int place)
    {
        ref ModelLink link = ref _state.Links[place];
        bool initiatorGone = link.Phase(0) == EndPhase.Closed;
        bool responderGone = link.Phase(1) == EndPhase.Closed
            || (link.Phase(1) == EndPhase.Absent && (link.IsBroken || (link.WireTo(1) & Wire.Greeting) == 0));
        if (initiatorGone && responderGone)
            link = default;
    }

    /// <summary>Lets ends that can do nothing any more notice it at once: very many states less, and no behaviour lost.</summary>
    /// <remarks>
    /// While such an end waits it keeps its node from dialling, which a node may put off anyway. From the second phase
    /// on it also counts when lives are compared. With instances that only rise this changes nothing: a newer life
    /// would close it as noticing does, and what an older life has under way can come no further without its process.
    /// So there, and with rules got wrong, only ends in the first phase are hurried.
    /// </remarks>
    private void CloseTheHelpless()
    {
        EndPhase last = rules.LostInstances || rules.Defect != Defect.None ? EndPhase.First : EndPhase.Second;
        for (int i = 0; i < ModelState.MaxLinks; i++)
        {
            for (int end = 0; end < 2; end++)
            {
                ref ModelLink link = ref _state.Links[i];
                if (!link.IsFree && link.Phase(end) <= last && link.WireTo(end) == 0
                    && (link.IsBroken || link.Phase(end ^ 1) == EndPhase.Closed))
                    Bury(ref link, i, end);
            }
        }
    }

    /// <summary>Something in use failed: what the properties promise starts anew once the traces of it are gone.</summary>
    private void Disturb()
    {
        _state.IsDirty = true;
        _state.HadCommon = false;
        _state.Preferred.WasUp = false;
        _state.Other.WasUp = false;
    }

    private void KeepHistory()
    {
        if (_state.IsDirty)
            _state.IsDirty = _state.HasHalfOpen();
        if (_state.IsDirty)
            return;
        _state.HadCommon |= _state.HasCommon();
        _state.Preferred.WasUp |= _state.ActiveOf(0) >= 0;
        _state.Other.WasUp |= _state.ActiveOf(1) >= 0;
        if (!_state.IsEmpty())
            return;
        // Nothing is left, so nothing of the past can matter.
        _state.Preferred.Credits = 0;
        _state.Other.Credits = 0;
    }
}
