using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace VibePN.Engine.Tests.Sessions.Model;

/// <summary>A state in 192 bits, the same for states that differ only in the order of their connections.</summary>
internal readonly record struct ModelKey(ulong A, ulong B, ulong C)
{
    public override int GetHashCode()
    {
        ulong hash = (A * 0x9E3779B97F4A7C15) ^ ((B + 0x632BE59BD9B4E019) * 0xC2B2AE3D27D4EB4F);
        hash = (hash ^ (hash >> 29) ^ C) * 0xBF58476D1CE4E5B9;
        return (int)(hash >> 33);
    }
}

/// <summary>What is known of one node besides its connections. 15 bits.</summary>
internal struct ModelNode
{
    /// <summary>Dials so far, in all lives.</summary>
    public int Dials;

    /// <summary>Dials so far in this life.</summary>
    public int Sequence;

    /// <summary>Restarts so far.</summary>
    public int Restarts;

    /// <summary>The number of this life.</summary>
    public int Instance;

    /// <summary>The largest number of any life.</summary>
    public int LargestInstance;

    /// <summary>How many switches are still accounted for: one for a collision, one for each renewal.</summary>
    public int Credits;

    /// <summary>Has an active connection and, nothing having failed since, must keep one that works.</summary>
    public bool WasUp;

    public readonly ulong Pack() => (uint)Dials | ((uint)Sequence << 2) | ((uint)Restarts << 4) | ((uint)Instance << 6)
        | ((uint)LargestInstance << 9) | ((uint)Credits << 12) | (WasUp ? 1u << 14 : 0);

    public static ModelNode Unpack(ulong bits) => new()
    {
        Dials = (int)(bits & 3),
        Sequence = (int)((bits >> 2) & 3),
        Restarts = (int)((bits >> 4) & 3),
        Instance = (int)((bits >> 6) & 7),
        LargestInstance = (int)((bits >> 9) & 7),
        Credits = (int)((bits >> 12) & 3),
        WasUp = (bits & (1 << 14)) != 0,
    };
}

[InlineArray(ModelState.MaxLinks)]
internal struct ModelLinks
{
    private ModelLink _first;
}

/// <summary>Two nodes, every connection between them, and the little history that the properties need.</summary>
internal struct ModelState
{
    public const int MaxLinks = 6;

    public ModelLinks Links;
    public ModelNode Preferred;
    public ModelNode Other;

    /// <summary>A connection in use failed or a process died, and not all of what that left behind is cleared away yet.</summary>
    public bool IsDirty;

    /// <summary>A connection was confirmed by both ends and nothing has failed since.</summary>
    public bool HadCommon;

    /// <summary>A dial began on an empty field and nothing at all has failed since: it must end in a connection.</summary>
    public bool IsOwed;

    public static ModelState Start => new()
    {
        Preferred = new ModelNode { Instance = 2, LargestInstance = 2 },
        Other = new ModelNode { Instance = 2, LargestInstance = 2 },
    };

    [UnscopedRef]
    public ref ModelNode Node(int node) => ref node == 0 ? ref Preferred : ref Other;

    /// <summary>The place of the connection that a node sends on, or -1.</summary>
    public int ActiveOf(int node)
    {
        for (int i = 0; i < MaxLinks; i++)
        {
            if (!Links[i].IsFree && Links[i].Phase(Links[i].EndOf(node)) == EndPhase.Active)
                return i;
        }
        return -1;
    }

    /// <summary>Whether what a node sends arrives: its active connection stands and the other end takes packets on it.</summary>
    public bool Works(int node)
    {
        int active = ActiveOf(node);
        return active >= 0 && !Links[active].IsBroken && Links[active].Receives(Links[active].EndOf(node) ^ 1);
    }

    public bool HasCommon()
    {
        for (int i = 0; i < MaxLinks; i++)
        {
            if (Links[i].IsCommon)
                return true;
        }
        return false;
    }

    public bool HasHalfOpen()
    {
        for (int i = 0; i < MaxLinks; i++)
        {
            if (Links[i].IsHalfOpen)
                return true;
        }
        return false;
    }

    public bool IsEmpty()
    {
        for (int i = 0; i < MaxLinks; i++)
        {
            if (!Links[i].IsFree)
                return false;
        }
        return true;
    }

    /// <summary>The state with its connections in order, so that their places make no difference.</summary>
    public readonly ModelKey Pack()
    {
        Span<uint> words = stackalloc uint[MaxLinks];
        for (int i = 0; i < MaxLinks; i++)
        {
            uint bits = Links[i].Bits;
            int place = i;
            for (; place > 0 && words[place - 1] < bits; place--)
                words[place] = words[place - 1];
            words[place] = bits;
        }
        ulong rest = Preferred.Pack() | (Other.Pack() << 15)
            | (IsDirty ? 1ul << 30 : 0) | (HadCommon ? 1ul << 31 : 0) | (IsOwed ? 1ul << 32 : 0);
        return new ModelKey(
            words[0] | ((ulong)words[1] << 25) | ((rest & 0x3FFF) << 50),
            words[2] | ((ulong)words[3] << 25) | (((rest >> 14) & 0x3FFF) << 50),
            words[4] | ((ulong)words[5] << 25) | ((rest >> 28) << 50));
    }

    public static ModelState Unpack(ModelKey key)
    {
        const uint link = (1u << 25) - 1;
        ulong rest = (key.A >> 50) | ((key.B >> 50) << 14) | ((key.C >> 50) << 28);
        var state = new ModelState
        {
            Preferred = ModelNode.Unpack(rest & 0x7FFF),
            Other = ModelNode.Unpack((rest >> 15) & 0x7FFF),
            IsDirty = (rest & (1ul << 30)) != 0,
            HadCommon = (rest & (1ul << 31)) != 0,
            IsOwed = (rest & (1ul << 32)) != 0,
        };
        state.Links[0].Bits = (uint)key.A & link;
        state.Links[1].Bits = (uint)(key.A >> 25) & link;
        state.Links[2].Bits = (uint)key.B & link;
        state.Links[3].Bits = (uint)(key.B >> 25) & link;
        state.Links[4].Bits = (uint)key.C & link;
        state.Links[5].Bits = (uint)(key.C >> 25) & link;
        return state;
    }
}
