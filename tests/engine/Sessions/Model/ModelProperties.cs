namespace VibePN.Engine.Tests.Sessions.Model;

/// <summary>What must hold in every state, and across every step.</summary>
internal static class ModelProperties
{
    /// <summary>Looks at one state.</summary>
    /// <param name="state">The state.</param>
    /// <param name="machine">Knows who may still dial.</param>
    /// <param name="isQuiescent">Whether nothing more happens by itself.</param>
    /// <returns>The first property that does not hold, or null.</returns>
    public static string? Check(ref ModelState state, ModelMachine machine, bool isQuiescent)
    {
        for (int node = 0; node < 2; node++)
        {
            if (CheckNode(ref state, machine.Rules, node) is { } violation)
                return violation;
        }
        if (state.HadCommon && !state.IsDirty && !state.HasCommon())
            return "mutual kill: both ends had confirmed a connection, nothing failed, and none is left";
        return isQuiescent ? CheckQuiescent(ref state, machine) : null;
    }

    /// <summary>Shrinks with every step that the protocol takes by itself, so such steps cannot go on for ever.</summary>
    public static int Measure(ref ModelState state)
    {
        int measure = 0;
        for (int i = 0; i < ModelState.MaxLinks; i++)
        {
            ModelLink link = state.Links[i];
            if (link.IsFree)
                continue;
            for (int end = 0; end < 2; end++)
            {
                EndPhase phase = link.Phase(end);
                measure += phase == EndPhase.Closed ? 0 : 200 - (20 * (int)phase);
                measure += System.Numerics.BitOperations.PopCount((uint)link.WireTo(end));
            }
        }
        return measure;
    }

    private static string? CheckNode(ref ModelState state, ModelRules rules, int node)
    {
        string name = ModelStep.NodeName(node);
        int active = state.ActiveOf(node);
        if (state.Node(node).WasUp && !state.IsDirty && !state.Works(node))
            return $"gap: {name} could send, nothing failed, and what {name} sends arrives no more";
        if (active >= 0)
        {
            if (CheckActive(ref state, rules, node, state.Links[active]) is { } violation)
                return $"{violation} ({name})";
        }
        for (int i = 0; i < ModelState.MaxLinks; i++)
        {
            ModelLink link = state.Links[i];
            if (link.IsFree || i == active)
                continue;
            EndPhase phase = link.Phase(link.EndOf(node));
            if (phase == EndPhase.Active)
                return $"{name} has two active connections";
            if (phase != EndPhase.Draining || state.IsDirty)
                continue;
            if (active < 0)
                return $"{name} drains a connection and has no other";
            if (state.Links[active].Rank <= link.Rank)
                return $"{name} drains a connection that ranks above the one it uses";
        }
        return null;
    }

    private static string? CheckActive(ref ModelState state, ModelRules rules, int node, ModelLink active)
    {
        int end = active.EndOf(node);
        int peer = end ^ 1;
        bool deaf = rules.Defect == Defect.DrainDeafens && active.Phase(peer) == EndPhase.Draining;
        if (!active.IsBroken && active.Phase(peer) != EndPhase.Closed && (deaf || !active.Receives(peer)))
            return "gap: the active connection is one on which the other end takes no packets";
        if (!state.IsDirty && active.Phase(peer) == EndPhase.Draining && !state.Works(active.NodeOf(peer)))
            return "the other end drained the only connection it could send on";
        for (int i = 0; i < ModelState.MaxLinks; i++)
        {
            ModelLink other = state.Links[i];
            if (other.IsFree || !other.Receives(other.EndOf(node)))
                continue;
            if (other.InstanceOf(other.EndOf(node) ^ 1) > active.InstanceOf(peer))
                return "ghost: the active connection is of an older life than one that is confirmed";
        }
        return null;
    }

    private static string? CheckQuiescent(ref ModelState state, ModelMachine machine)
    {
        int open = 0;
        for (int i = 0; i < ModelState.MaxLinks; i++)
            open += state.Links[i].IsFree ? 0 : 1;
        if (open > 1)
            return "agreement: nothing more happens by itself, and more than one connection is open";
        if (open == 1)
        {
            return state.ActiveOf(0) >= 0 && state.ActiveOf(0) == state.ActiveOf(1)
                ? null
                : "agreement: nothing more happens by itself, and the one connection is not active at both ends";
        }
        if (state.IsOwed)
            return "a dial, or two at once, came to nothing although nothing failed";
        for (int node = 0; node < 2; node++)
        {
            if (state.Node(node).Dials < machine.Rules.DialsOf(node) && !machine.MayDial(ref state, node))
                return $"{ModelStep.NodeName(node)} has no connection and does not dial";
        }
        return null;
    }
}
