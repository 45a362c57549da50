using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Node;
using VibePN.Engine.Time;

namespace VibePN.Engine;

// Another configuration, another routing policy, other trust plugins, while packets flow:
//   1. prepare  a candidate is asked everything off the control thread; what is new is opened
//   2. commit   one turn of the control thread: a last trial, then everything changes and is published together
public sealed partial class OverlayEngine
{
    // A candidate that is not through by then would hold the control thread as long.
    private static readonly TimeSpan RehearsalLimit = TimeSpan.FromSeconds(5);

    /// <summary>What is in effect, as the engine's parts have it.</summary>
    public Task<EngineConfiguration> GetConfigurationAsync(CancellationToken cancellationToken) =>
        Invoke(_ => Plane.EffectiveConfiguration, cancellationToken);

    /// <summary>Changes to another configuration; what is equal in both stays untouched.</summary>
    /// <returns>What was changed, one line each; empty when nothing was.</returns>
    /// <exception cref="PluginException">Not changed, and why.</exception>
    public Task<IReadOnlyList<string>> ReloadAsync(EngineConfiguration configuration, CancellationToken cancellationToken) =>
        Invoke(
            now =>
            {
                IReadOnlyList<string> changes = Plane.Reload(configuration, now);
                _node.Configuration = Plane.Configuration;
                return changes;
            },
            cancellationToken);

    /// <summary>Says what a change of plugins would do; nothing changes.</summary>
    /// <exception cref="PluginException">A candidate fails, and why.</exception>
    public async Task<ChangePreview> PreviewAsync(EngineChange change, CancellationToken cancellationToken)
    {
        await RehearseAsync(change, cancellationToken);
        return await Invoke(
            now =>
            {
                NetworkSet? shadow = Try(change, now);
                return new ChangePreview(
                    shadow is null ? [] : RouteDifferences.Between(Plane.Networks, shadow, Plane.NameOf, now),
                    change.Trust is { } trust ? Plane.SessionsRefusedBy(trust) : []);
            },
            cancellationToken);
    }

    /// <summary>Opens and tries everything a change needs.</summary>
    /// <returns>To be committed or abandoned, soon.</returns>
    /// <exception cref="PluginException">It cannot be made, and why; nothing has changed.</exception>
    public async Task<PreparedChange> PrepareAsync(EngineChange change, CancellationToken cancellationToken)
    {
        var prepared = new PreparedChange(change);
        await RehearseAsync(change, cancellationToken);
        await Invoke(
            now =>
            {
                Try(change, now);
                if (change.Trust is { } trust)
                    RefuseFaulty(trust);
                if (change.Configuration is { } next)
                    prepared.Reload = Plane.PrepareReload(next);
                return true;
            },
            cancellationToken);
        return prepared;
    }

    /// <summary>Closes what a prepared change has opened.</summary>
    public Task AbandonAsync(PreparedChange prepared)
    {
        ArgumentNullException.ThrowIfNull(prepared);
        return Invoke(
            _ =>
            {
                prepared.Reload?.Undo();
                return true;
            },
            CancellationToken.None);
    }

    /// <summary>Makes a prepared change, in one turn of the control thread.</summary>
    /// <exception cref="PluginException">A candidate fails after all; nothing has changed, and the change is abandoned.</exception>
    public Task<ChangeResult> CommitAsync(PreparedChange prepared)
    {
        ArgumentNullException.ThrowIfNull(prepared);
        return Invoke(now => Commit(prepared, now), CancellationToken.None);
    }

    private ChangeResult Commit(PreparedChange prepared, Instant now)
    {
        EngineChange change = prepared.Change;
        NetworkSet? shadow;
        try
        {
            shadow = Try(change, now);
        }
        catch
        {
            prepared.Reload?.Undo();
            throw;
        }
        if (prepared.Reload is { } reload)
        {
            Plane.CommitReload(reload, now);
            _node.Configuration = Plane.Configuration;
        }
        if (change.Trust is { } trust)
            UseTrust(trust);
        CallOnCommit(change);
        ImmutableArray<SessionEnd> ended = Plane.JudgeSessions(now);
        if (change.Routing is { } routing)
            _node.Policy.Current = routing;
        // What the trial decided holds for this very moment, unless the rest of the change has moved the ground.
        if (shadow is not null && prepared.Reload is null && change.OnCommit is null)
            Plane.Adopt(shadow, now);
        else if (shadow is not null || change.OnCommit is not null)
            Plane.DecideAnew(now);
        Plane.OnTimer(now);
        return new ChangeResult(_loop.Now - now, ended);
    }

    private void UseTrust(ImmutableArray<ITrustPlugin> trust)
    {
        foreach (ITrustPlugin plugin in _trust)
            plugin.Changed -= OnTrustChanged;
        _trust = trust;
        _node.Gate.SetPlugins(trust);
        foreach (ITrustPlugin plugin in trust)
            plugin.Changed += OnTrustChanged;
    }

    private void CallOnCommit(EngineChange change)
    {
        try
        {
            change.OnCommit?.Invoke();
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // A plugin that throws where it promised not to: the change goes on, or it would be half made.
            Log.SettingsFault(_logger, exception.Message);
        }
    }

    /// <summary>Asks a candidate everything it will be asked, on another thread than the one that must not wait.</summary>
    private async Task RehearseAsync(EngineChange change, CancellationToken cancellationToken)
    {
        if (change.Routing is not { } candidate)
            return;
        QuestionRecorder recorder = await Invoke(
            now =>
            {
                var questions = new QuestionRecorder();
                PolicyTrial.Run(questions, Plane, Plane.Configuration.Networks, now);
                return questions;
            },
            cancellationToken);
        Func<Instant> clock = () => _loop.Now;
        string? fault;
        try
        {
            fault = await Task.Run(() => recorder.Rehearse(candidate, clock), CancellationToken.None)
                .WaitAsync(RehearsalLimit, _parts.Time, cancellationToken);
        }
        catch (TimeoutException)
        {
            fault = $"it has not decided about the present routes within {RehearsalLimit.TotalSeconds:0} s";
        }
        if (fault is not null)
            throw Unfit(fault);
    }

    /// <summary>The trial on the control thread: nothing changes, but the routes are those of this moment.</summary>
    private NetworkSet? Try(EngineChange change, Instant now)
    {
        if (change.Routing is not { } candidate)
            return null;
        var watched = new WatchedPolicy(candidate, () => _loop.Now);
        NetworkSet shadow = PolicyTrial.Run(
            watched, Plane, change.Configuration?.Networks ?? Plane.Configuration.Networks, now);
        // What the engine itself refuses (a table that leads where nothing leads) is no exception of the candidate's.
        string? refused = shadow.All.Select(network => network.TableFault).FirstOrDefault(fault => fault.Length > 0);
        return (watched.Fault ?? refused) is { } fault ? throw Unfit(fault) : shadow;
    }

    private void RefuseFaulty(ImmutableArray<ITrustPlugin> trust)
    {
        foreach (SessionEnd end in Plane.SessionsRefusedBy(trust))
        {
            if (end.Reason == Trust.TrustGate.FaultText)
                throw Unfit($"judging peer {end.Peer} failed");
        }
    }

    private static PluginException Unfit(string fault) =>
        new($"{fault}. The plugin in use stays.") { Fault = PluginFault.Internal };
}
