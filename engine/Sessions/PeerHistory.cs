using VibePN.Engine.Time;

namespace VibePN.Engine.Sessions;

/// <summary>What went wrong with a peer lately, and what became of the last try of each of its addresses. Bounded.</summary>
internal sealed class PeerHistory
{
    /// <summary>How many errors are kept.</summary>
    public const int MaxErrors = 8;

    private readonly Queue<PastError> _errors = new();
    private readonly Dictionary<string, AddressTry> _tries = new(StringComparer.Ordinal);

    /// <summary>The last errors, oldest first.</summary>
    public IReadOnlyCollection<PastError> Errors => _errors;

    /// <summary>Why a try or a connection ended.</summary>
    public void Fail(string text, Instant now)
    {
        if (_errors.Count == MaxErrors)
            _errors.Dequeue();
        _errors.Enqueue(new PastError(now, text));
    }

    /// <summary>An address is dialled. Only those that the configuration has, up to 8, are ever dialled.</summary>
    /// <param name="address">Which.</param>
    /// <param name="dialId">The dial's number.</param>
    /// <param name="configured">The addresses there are: what is known of others is forgotten.</param>
    /// <param name="now">The time.</param>
    public void Dial(string address, long dialId, IReadOnlyCollection<string> configured, Instant now)
    {
        foreach (string gone in _tries.Keys.Where(known => !configured.Contains(known)).ToArray())
            _tries.Remove(gone);
        _tries[address] = new AddressTry(dialId, now, "under way");
    }

    /// <summary>A dial has ended.</summary>
    public void EndDial(long dialId, string result, Instant now)
    {
        foreach ((string address, AddressTry one) in _tries)
        {
            if (one.DialId != dialId)
                continue;
            _tries[address] = one with { At = now, Result = result };
            return;
        }
    }

    /// <summary>The last try of an address, or null.</summary>
    public AddressTry? LastTry(string address) => _tries.GetValueOrDefault(address);
}

/// <summary>Something that went wrong.</summary>
/// <param name="At">When.</param>
/// <param name="Text">What.</param>
internal sealed record PastError(Instant At, string Text);

/// <summary>The last try of an address.</summary>
/// <param name="DialId">The dial's number.</param>
/// <param name="At">When it began, or ended.</param>
/// <param name="Result">What became of it.</param>
internal sealed record AddressTry(long DialId, Instant At, string Result);
