using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Engine.Configuration;
using VibePN.Host.Logging;

namespace VibePN.Host.Enrolment;

/// <summary>Gives invites and redeems them: each once, and at most one of all that come for it.</summary>
/// <remarks>
/// Any thread. Order of locks: first the daemon's lock for changes, then the book's. A grant is one durable write, which
/// marks the invite and adds the peer, between the engine's prepare and its commit.
/// </remarks>
/// <param name="store">The file.</param>
/// <param name="peers">The running engine's peers.</param>
/// <param name="exclusively">Runs a change while no other change runs.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
internal sealed class Enrolments(
    EnrolmentStore store, IPeerTable peers, Func<Func<Task<JoinDecision>>, Task<JoinDecision>> exclusively, TimeProvider time,
    ILogger logger) : IJoinAuthority, IDisposable
{
    private readonly SemaphoreSlim _bookLock = new(1, 1);
    private EnrolmentBook _book = EnrolmentBook.Empty;
    private string? _fault;
    private long _openUntilTicks = DateTimeOffset.MinValue.UtcTicks;

    /// <summary>Why nobody can be invited or let in, or null.</summary>
    public string? Fault => Volatile.Read(ref _fault);

    /// <summary>The book now.</summary>
    public EnrolmentBook Book => Volatile.Read(ref _book);

    /// <inheritdoc/>
    public bool IsOpen => time.GetUtcNow().UtcTicks <= Interlocked.Read(ref _openUntilTicks);

    /// <summary>Reads the file; what is wrong with it becomes <see cref="Fault"/>.</summary>
    public void Load()
    {
        try
        {
            Use(store.Read());
        }
        catch (IOException exception)
        {
            Volatile.Write(ref _fault, exception.Message);
            Log.EnrolmentFault(logger, exception.Message);
        }
    }

    /// <summary>Writes an invite down.</summary>
    /// <exception cref="IOException">Not written, or no room.</exception>
    public Task CreateAsync(InviteRecord invite) => ChangeBookAsync(book => book.Add(invite, time.GetUtcNow())
        ?? throw new IOException($"there are {EnrolmentBook.MaxInvites} invites, or {EnrolmentBook.MaxPeers} enrolled peers, already."));

    /// <summary>Takes an invite back.</summary>
    /// <returns>What it was before; null when there is none of that id.</returns>
    /// <exception cref="IOException">Not written.</exception>
    public async Task<InviteRecord?> RevokeAsync(string id)
    {
        InviteRecord? found = null;
        await ChangeBookAsync(book =>
        {
            found = book.Find(id);
            return found is { State: InviteState.Open } open ? book.Revoke(open) : book;
        });
        return found;
    }

    /// <summary>Forgets an enrolled peer and ends its sessions. The caller holds the lock for changes.</summary>
    /// <returns>False when no enrolled peer has that name.</returns>
    /// <exception cref="IOException">Not written; nothing is changed.</exception>
    /// <exception cref="PluginException">Not applied; nothing is changed.</exception>
    public async Task<bool> RemoveAsync(string name)
    {
        await _bookLock.WaitAsync();
        try
        {
            EngineConfiguration effective = await peers.GetAsync();
            Fingerprint? fingerprint = effective.Peers.FirstOrDefault(peer => peer.Name == name)?.Fingerprint;
            EnrolledPeer? known = _book.Peers.FirstOrDefault(peer => peer.Fingerprint == fingerprint)
                ?? _book.Peers.FirstOrDefault(peer => peer.Name == name);
            if (known is null)
                return false;
            await ApplyAsync(
                _book.Remove(known),
                effective with { Peers = effective.Peers.RemoveAll(peer => peer.Fingerprint == known.Fingerprint) });
            return true;
        }
        finally
        {
            _bookLock.Release();
        }
    }

    /// <inheritdoc/>
    public async Task<JoinDecision> RedeemAsync(JoinClaim claim, CancellationToken cancellationToken)
    {
        if (Fault is not null)
            return new JoinDecision(JoinResult.Failed);
        // Most claims that fail need not wait for a change that is under way.
        JoinResult result = await JudgeAsync(claim);
        return result == JoinResult.Granted ? await exclusively(() => GrantAsync(claim)) : new JoinDecision(result);
    }

    /// <inheritdoc/>
    public void Dispose() => _bookLock.Dispose();

    private async Task<JoinResult> JudgeAsync(JoinClaim claim)
    {
        await _bookLock.WaitAsync();
        try
        {
            return JudgeLocked(claim);
        }
        finally
        {
            _bookLock.Release();
        }
    }

    private JoinResult JudgeLocked(JoinClaim claim)
    {
        JoinResult result = _book.Judge(claim, out EnrolmentBook next);
        if (ReferenceEquals(next, _book))
            return result;
        Use(next); // a wrong proof counts also when the disk does not take it
        try
        {
            store.Write(next);
        }
        catch (IOException exception)
        {
            Log.EnrolmentFault(logger, exception.Message);
        }
        return result;
    }

    private async Task<JoinDecision> GrantAsync(JoinClaim claim)
    {
        await _bookLock.WaitAsync();
        try
        {
            JoinResult result = JudgeLocked(claim);
            return result == JoinResult.Granted ? await GrantLockedAsync(claim) : new JoinDecision(result);
        }
        catch (Exception exception) when (exception is IOException or PluginException)
        {
            Log.EnrolmentFault(logger, exception.Message);
            return new JoinDecision(JoinResult.Failed);
        }
        finally
        {
            _bookLock.Release();
        }
    }

    private async Task<JoinDecision> GrantLockedAsync(JoinClaim claim)
    {
        string network = _book.Find(claim.InviteId)!.Network;
        EngineConfiguration effective = await peers.GetAsync();
        PeerConfiguration? known = effective.Peers.FirstOrDefault(peer => peer.Fingerprint == claim.Joiner);
        if (known is not null && known.Networks.Contains(network))
        {
            EnrolmentBook used = _book.Grant(claim, peer: null);
            store.Write(used);
            Use(used);
            return new JoinDecision(JoinResult.Granted, known.Name);
        }
        EnrolledPeer? enrolled = _book.Peers.FirstOrDefault(peer => peer.Fingerprint == claim.Joiner);
        if (known is not null && enrolled is null)
            return new JoinDecision(JoinResult.AlreadyPeer); // config.toml says what it is a member of
        string name = known?.Name ?? EnrolledPeers.FreeName(claim.Name, effective.Peers);
        ImmutableArray<string> networks = [.. (enrolled?.Networks ?? []).Where(member => member != network), network];
        var peer = new EnrolledPeer(name, claim.Joiner, networks, claim.Now);
        var configured = new PeerConfiguration { Name = name, Fingerprint = claim.Joiner, Networks = networks };
        await ApplyAsync(
            _book.Grant(claim, peer),
            effective with { Peers = [.. effective.Peers.Where(other => other.Fingerprint != claim.Joiner), configured] });
        Log.Enrolled(logger, name, claim.Joiner.ToString(), network, claim.InviteId);
        return new JoinDecision(JoinResult.Granted, name);
    }

    private async Task ApplyAsync(EnrolmentBook next, EngineConfiguration configuration)
    {
        EnrolmentBook before = _book;
        bool isWritten = false;
        try
        {
            await peers.ChangeAsync(configuration, () =>
            {
                store.Write(next);
                isWritten = true;
            });
            Use(next);
        }
        catch (PluginException) when (isWritten)
        {
            store.Write(before);
            throw;
        }
    }

    private async Task ChangeBookAsync(Func<EnrolmentBook, EnrolmentBook> change)
    {
        await _bookLock.WaitAsync();
        try
        {
            if (Fault is { } fault)
                throw new IOException(fault);
            EnrolmentBook next = change(_book);
            if (ReferenceEquals(next, _book))
                return;
            store.Write(next);
            Use(next);
        }
        finally
        {
            _bookLock.Release();
        }
    }

    private void Use(EnrolmentBook book)
    {
        Volatile.Write(ref _book, book);
        Interlocked.Exchange(ref _openUntilTicks, book.OpenUntil.UtcTicks);
    }
}
