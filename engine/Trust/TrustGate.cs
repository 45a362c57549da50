using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Joining;

namespace VibePN.Engine.Trust;

/// <summary>The one door into the overlay: judges every certificate of both roles inside the TLS handshake.</summary>
/// <remarks>
/// Asks every trust plugin and requires all of them to accept; a fault refuses. What no plugin can relax is checked
/// here: a certificate must be one certificate, ours is refused, a peer must be configured, a configured
/// fingerprint must match, and who was dialled must be who answers. Any thread.
/// </remarks>
internal sealed partial class TrustGate
{
    /// <summary>The words for a plugin that threw.</summary>
    public const string FaultText = "the trust plugin failed";

    /// <summary>A longer certificate is refused unread, in bytes of DER.</summary>
    public const int MaxCertificateBytes = 4_096;

    private const string TrailingBytes = "bytes follow the certificate";

    private const string NoAdmission = "no admission on record";

    private const string FirstUseAnew =
        "other trust plugins are in charge now, and to them this would be a first use: it has to be made anew";

    private readonly Fingerprint _self;
    private readonly ILogger _logger;
    private readonly RefusalLog _refusals;
    private readonly ConflictAlert _conflicts;
    private readonly PendingAlert _pending;
    private readonly ConcurrentDictionary<long, string> _dials = new();
    private readonly AdmissionTable _admissions = new();
    private volatile TrustModel _model;
    private volatile PeerBook _book;

    /// <summary>A gate for these peers.</summary>
    public TrustGate(
        Fingerprint self, ImmutableArray<ITrustPlugin> plugins, TimeProvider time, ILogger logger,
        ImmutableArray<PeerConfiguration> peers, IJoinAuthority? joining = null)
    {
        _self = self;
        Door = new JoinDoor(time, joining);
        _model = new TrustModel(plugins);
        _logger = logger;
        Clock = new ClockGuard(time);
        _refusals = new RefusalLog(time, logger);
        _conflicts = new ConflictAlert(time, logger);
        _pending = new PendingAlert(time);
        _book = new PeerBook(peers);
    }

    /// <summary>Handshakes that ended here, since start.</summary>
    public long Refused => _refusals.Total;

    /// <summary>Handshakes that ended because a peer showed another certificate than the pinned one, since start.</summary>
    public long Conflicts => _conflicts.Total;

    /// <summary>Told of conflicts, at the rate at which they are logged: the peer, and the verdict. Set before the first handshake.</summary>
    public Action<string, string>? ConflictSeen
    {
        get => _conflicts.Seen;
        set => _conflicts.Seen = value;
    }

    /// <summary>Told of certificates that wait for an operator, at a bounded rate: the verdict. Set before the first handshake.</summary>
    public Action<string>? PendingSeen
    {
        get => _pending.Seen;
        set => _pending.Seen = value;
    }

    /// <summary>Accepted certificates that are remembered now; bounded by the number of peers.</summary>
    public int Admissions => _admissions.Count;

    /// <summary>Who may come in to redeem an invite.</summary>
    public JoinDoor Door { get; }

    /// <summary>Whether the wall clock can be believed. Whoever owns files tells it what it said earlier.</summary>
    public ClockGuard Clock { get; }

    /// <summary>The configured peers changed.</summary>
    public void SetPeers(ImmutableArray<PeerConfiguration> peers)
    {
        _book = new PeerBook(peers);
        HashSet<string> names = peers.Select(peer => peer.Name).ToHashSet(StringComparer.Ordinal);
        _admissions.KeepOnly(names);
        _conflicts.KeepOnly(names);
    }

    /// <summary>Other trust plugins decide from now on. Judge all live sessions again afterwards.</summary>
    /// <remarks>
    /// A judgement that has begun ends with the plugins it began with; <see cref="JudgeAgain"/> and
    /// <see cref="CommitAsync"/> never rely on verdicts of plugins that are not in charge any more.
    /// </remarks>
    /// <param name="plugins">At least one, all started.</param>
    public void SetPlugins(ImmutableArray<ITrustPlugin> plugins)
    {
        ArgumentOutOfRangeException.ThrowIfZero(plugins.Length);
        _model = new TrustModel(plugins);
    }

    /// <summary>Whether other trust plugins would still accept a connected peer; nothing changes.</summary>
    /// <returns>Null, or why they would not.</returns>
    public string? Preview(Fingerprint peer, ImmutableArray<ITrustPlugin> plugins)
    {
        if (!TryGetAdmission(peer, out Admission admission))
            return NoAdmission;
        return Renew(admission, new TrustModel(plugins), out Admission renewed) ?? (renewed.NeedsCommit ? FirstUseAnew : null);
    }

    /// <summary>A dial is about to begin: whoever answers it must be this peer.</summary>
    public void OnDial(long dialId, string peerName) => _dials[dialId] = peerName;

    /// <summary>A dial ended.</summary>
    public void OnDialEnded(long dialId) => _dials.TryRemove(dialId, out _);

    /// <summary>Judges a handshake.</summary>
    public HandshakeVerdict Judge(in HandshakeQuestion question)
    {
        try
        {
            // The only certificates that are let in without being a peer's, and only over a protocol that carries nothing.
            if (question.Protocol == JoinMessages.Protocol)
                return JudgeJoin(question);
            if (!TryRead(question, out TrustRequest? request, out string fault))
                return Refuse(default, TrustReason.UnacceptableCertificate, fault, question.Remote);
            TrustModel model = _model;
            (TrustVerdict verdict, ImmutableArray<TrustVerdict> all) = Judge(model, request);
            if (verdict.Outcome != TrustOutcome.Accept)
                return Refuse(request, verdict);
            _admissions.Set(new Admission(verdict.Peer!, request, all) { Model = model });
            return new HandshakeVerdict(true, request.Fingerprint, verdict.Reason, verdict.Text);
        }
        catch (CryptographicException)
        {
            return Refuse(default, TrustReason.UnacceptableCertificate, "the certificate cannot be read", question.Remote);
        }
    }

    /// <summary>What was decided about a certificate whose handshake has succeeded.</summary>
    public bool TryGetAdmission(Fingerprint peer, out Admission admission) => _admissions.TryGet(peer, out admission);

    /// <summary>Judges a connected peer again, after verdicts, peers or the plugins themselves may have changed.</summary>
    /// <remarks>
    /// Plugins that came into charge since may ask for a commit that has never been made. The session is closed
    /// then, and its redial is a first use in good order: no traffic flows on trust that is not durable.
    /// </remarks>
    /// <returns>Null when it is still accepted as the same peer, or why not.</returns>
    public string? JudgeAgain(Fingerprint peer)
    {
        if (!_admissions.TryGet(peer, out Admission admission))
            return NoAdmission;
        TrustModel model = _model;
        bool isOtherModel = !ReferenceEquals(admission.Model, model);
        string? fault = Renew(admission, model, out Admission renewed);
        if (fault is null && isOtherModel && renewed.NeedsCommit)
            fault = FirstUseAnew;
        if (fault is not null)
            _admissions.Remove(admission);
        else if (isOtherModel)
            _admissions.Set(renewed);
        return fault;
    }

    /// <summary>Makes an admission durable with every plugin that asked for it.</summary>
    /// <returns>Null when it is, or why it is not: the connection must be closed then.</returns>
    public async Task<string?> CommitAsync(Admission admission, CancellationToken cancellationToken)
    {
        TrustModel model = _model;
        if (!ReferenceEquals(admission.Model, model))
        {
            // The plugins changed since the handshake: those of now have to accept, and theirs is the commit.
            if (Renew(admission, model, out admission) is { } fault)
                return fault;
            _admissions.Set(admission);
        }
        for (int i = 0; i < model.Plugins.Length; i++)
        {
            if (!admission.Verdicts[i].NeedsCommit)
                continue;
            try
            {
                // The wait ends also for a plugin that does not look at its token.
                Task<string?> commit = model.Plugins[i]
                    .CommitAsync(admission.Request, admission.Verdicts[i], cancellationToken).AsTask();
                if (await commit.WaitAsync(cancellationToken) is { } fault)
                    return fault;
            }
            catch (Exception exception) when (exception is not OutOfMemoryException)
            {
                // A trust plugin's fault of any kind means refuse; the exception itself is not kept.
                Log.TrustPluginFault(_logger, exception.Message);
                return $"the trust plugin failed: {exception.Message}";
            }
        }
        return null;
    }

    // The admission as today's clock, peers and plugins see it; or why it is none.
    private string? Renew(Admission admission, TrustModel model, out Admission renewed)
    {
        PeerBook book = _book;
        (DateTimeOffset now, bool isTrusted) = Clock.Read();
        TrustRequest request = admission.Request with
        {
            IsReview = true,
            Now = now,
            ClockTrusted = isTrusted,
            Peers = book.Configured,
            Dialled = admission.Request.Dialled is { } dialled ? book.Find(dialled.Name) : null,
        };
        (TrustVerdict verdict, ImmutableArray<TrustVerdict> all) = Judge(model, request);
        renewed = new Admission(admission.PeerName, request, all) { Model = model };
        return verdict.Outcome == TrustOutcome.Accept && verdict.Peer == admission.PeerName ? null : verdict.Text;
    }

    private (TrustVerdict Verdict, ImmutableArray<TrustVerdict> All) Judge(TrustModel model, TrustRequest request)
    {
        if (request.Fingerprint == _self)
            return (Refusal(TrustReason.OwnCertificate, "the certificate is our own"), []);
        ImmutableArray<TrustVerdict>.Builder all = ImmutableArray.CreateBuilder<TrustVerdict>(model.Plugins.Length);
        foreach (ITrustPlugin plugin in model.Plugins)
        {
            TrustVerdict verdict = Ask(plugin, request);
            all.Add(verdict);
            if (verdict.Outcome != TrustOutcome.Accept)
                return (verdict, all.ToImmutable());
            if (verdict.Peer != all[0].Peer)
                return (Refusal(TrustReason.WrongPeer, "the trust plugins take the certificate for different peers"), all.ToImmutable());
        }
        return (Recheck(request, all[0]), all.ToImmutable());
    }

    private TrustVerdict Ask(ITrustPlugin plugin, TrustRequest request)
    {
        try
        {
            return plugin.Decide(request);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // A trust plugin's fault of any kind means refuse; the exception itself is not kept.
            Log.TrustPluginFault(_logger, exception.Message);
            return Refusal(TrustReason.PluginFault, FaultText);
        }
    }

    /// <summary>The engine's own rules, after the plugins accepted.</summary>
    private static TrustVerdict Recheck(TrustRequest request, TrustVerdict verdict)
    {
        ConfiguredPeer? peer = null;
        foreach (ConfiguredPeer candidate in request.Peers)
        {
            if (candidate.Name == verdict.Peer)
                peer = candidate;
        }
        if (peer is null)
            return Refusal(TrustReason.Unknown, "the certificate belongs to no configured peer");
        if (peer.Fingerprint is { } pin && pin != request.Fingerprint)
            return Refusal(TrustReason.Conflict, $"peer '{peer.Name}' shows certificate {request.Fingerprint} but is configured with {pin}");
        if (request.Dialled is { } dialled && dialled.Name != peer.Name)
            return Refusal(TrustReason.WrongPeer, $"dialled '{dialled.Name}', but '{peer.Name}' answered");
        return verdict;
    }

    private bool TryRead(in HandshakeQuestion question, out TrustRequest request, out string fault)
    {
        request = null!;
        fault = FaultOfForm(question);
        if (fault.Length > 0)
            return false;

        PeerBook book = _book;
        ConfiguredPeer? dialled = null;
        if (question.Role == ConnectionRole.Initiator)
        {
            dialled = _dials.TryGetValue(question.DialId, out string? name) ? book.Find(name) : null;
            if (dialled is null)
            {
                fault = "the dial belongs to no configured peer any more";
                return false;
            }
        }
        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(question.CertificateDer);
        if (certificate.RawDataMemory.Length != question.CertificateDer.Length)
        {
            fault = TrailingBytes;
            return false;
        }
        request = RequestOf(question, certificate, dialled, book.Configured);
        return true;
    }

    private static string FaultOfForm(in HandshakeQuestion question) =>
        question.CertificateCount != 1 ? $"{question.CertificateCount} certificates were sent where one is expected"
        : question.CertificateDer.Length is 0 or > MaxCertificateBytes
            ? $"a certificate of {question.CertificateDer.Length} bytes, where 1 to {MaxCertificateBytes} are accepted"
            : "";

    private TrustRequest RequestOf(
        in HandshakeQuestion question, X509Certificate2 certificate, ConfiguredPeer? dialled, ImmutableArray<ConfiguredPeer> peers)
    {
        (DateTimeOffset now, bool isTrusted) = Clock.Read();
        return new TrustRequest
        {
            Fingerprint = Fingerprint.Of(question.CertificateDer),
            PublicKey = Fingerprint.Of(certificate.PublicKey.ExportSubjectPublicKeyInfo()),
            CertificateDer = question.CertificateDer.ToArray(),
            NotBefore = certificate.NotBefore.ToUniversalTime(),
            NotAfter = certificate.NotAfter.ToUniversalTime(),
            Role = question.Role,
            Dialled = dialled,
            Peers = peers,
            Protocol = question.Protocol,
            Remote = question.Remote,
            Now = now,
            ClockTrusted = isTrusted,
        };
    }

    private HandshakeVerdict Refuse(TrustRequest request, TrustVerdict verdict)
    {
        if (verdict.Outcome == TrustOutcome.Pending)
            _pending.Add(request.Fingerprint, verdict.Text);
        if (verdict.Reason != TrustReason.Conflict || request.Dialled is not { } dialled)
            return Refuse(request.Fingerprint, verdict.Reason, verdict.Text, request.Remote);
        _refusals.Count();
        _conflicts.Add(dialled.Name, verdict.Text);
        return new HandshakeVerdict(false, request.Fingerprint, verdict.Reason, verdict.Text);
    }

    private HandshakeVerdict Refuse(Fingerprint peer, TrustReason reason, string text, System.Net.IPEndPoint remote)
    {
        _refusals.Add(peer, reason, text, remote);
        return new HandshakeVerdict(false, peer, reason, text);
    }

    private static TrustVerdict Refusal(TrustReason reason, string text) => new(TrustOutcome.Refuse, null, reason, text);

    /// <summary>The configured peers in the two forms that are asked for. Immutable.</summary>
    private sealed class PeerBook(ImmutableArray<PeerConfiguration> peers)
    {
        public ImmutableArray<ConfiguredPeer> Configured { get; } =
            [.. peers.Select(peer => new ConfiguredPeer(peer.Name, peer.Fingerprint, !peer.Addresses.IsEmpty))];

        public ConfiguredPeer? Find(string name) => Configured.FirstOrDefault(peer => peer.Name == name);
    }
}

/// <summary>An accepted certificate: whose it is, and what the plugins said.</summary>
/// <param name="PeerName">The configured peer.</param>
/// <param name="Request">What was judged.</param>
/// <param name="Verdicts">One for each trust plugin, in their order.</param>
internal sealed record Admission(string PeerName, TrustRequest Request, ImmutableArray<TrustVerdict> Verdicts)
{
    /// <summary>The plugins that said it, to be told from those that came later.</summary>
    public required TrustModel Model { get; init; }

    /// <summary>Whether something must be written before traffic flows.</summary>
    public bool NeedsCommit => Verdicts.Any(verdict => verdict.NeedsCommit);
}

/// <summary>The trust plugins in charge. A class, so that changing them is one write.</summary>
internal sealed class TrustModel(ImmutableArray<ITrustPlugin> plugins)
{
    /// <summary>In the order they are asked.</summary>
    public ImmutableArray<ITrustPlugin> Plugins { get; } = plugins;
}
