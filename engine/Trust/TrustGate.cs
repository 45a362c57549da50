using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine.Configuration;

namespace VibePN.Engine.Trust;

/// <summary>The one door into the overlay: judges every certificate of both roles inside the TLS handshake.</summary>
/// <remarks>
/// Asks every trust plugin and requires all of them to accept; a fault refuses. What no plugin can relax is checked
/// here: a certificate must be one certificate, ours is refused, a peer must be configured, a configured
/// fingerprint must match, and who was dialled must be who answers. Any thread.
/// </remarks>
internal sealed class TrustGate
{
    /// <summary>A longer certificate is refused unread, in bytes of DER.</summary>
    public const int MaxCertificateBytes = 4_096;

    // A clock before the release cannot be right, so nothing new is trusted by it.
    private static readonly DateTimeOffset ClockFloor = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly Fingerprint _self;
    private readonly ImmutableArray<ITrustPlugin> _plugins;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly RefusalLog _refusals;
    private readonly ConcurrentDictionary<long, string> _dials = new();
    private readonly ConcurrentDictionary<Fingerprint, Admission> _admissions = new();
    private volatile PeerBook _book;

    /// <summary>A gate for these peers.</summary>
    public TrustGate(
        Fingerprint self, ImmutableArray<ITrustPlugin> plugins, TimeProvider time, ILogger logger,
        ImmutableArray<PeerConfiguration> peers)
    {
        _self = self;
        _plugins = plugins;
        _time = time;
        _logger = logger;
        _refusals = new RefusalLog(time, logger);
        _book = new PeerBook(peers);
    }

    /// <summary>Handshakes that ended here, since start.</summary>
    public long Refused => _refusals.Total;

    /// <summary>The configured peers changed.</summary>
    public void SetPeers(ImmutableArray<PeerConfiguration> peers) => _book = new PeerBook(peers);

    /// <summary>A dial is about to begin: whoever answers it must be this peer.</summary>
    public void OnDial(long dialId, string peerName) => _dials[dialId] = peerName;

    /// <summary>A dial ended.</summary>
    public void OnDialEnded(long dialId) => _dials.TryRemove(dialId, out _);

    /// <summary>Judges a handshake.</summary>
    public HandshakeVerdict Judge(in HandshakeQuestion question)
    {
        try
        {
            if (!TryRead(question, out TrustRequest? request, out string fault))
                return Refuse(default, TrustReason.UnacceptableCertificate, fault, question.Remote);
            (TrustVerdict verdict, ImmutableArray<TrustVerdict> all) = Judge(request);
            if (verdict.Outcome != TrustOutcome.Accept)
                return Refuse(request.Fingerprint, verdict.Reason, verdict.Text, question.Remote);
            _admissions[request.Fingerprint] = new Admission(verdict.Peer!, request, all);
            return new HandshakeVerdict(true, request.Fingerprint, verdict.Reason, verdict.Text);
        }
        catch (CryptographicException)
        {
            return Refuse(default, TrustReason.UnacceptableCertificate, "the certificate cannot be read", question.Remote);
        }
    }

    /// <summary>What was decided about a certificate whose handshake has succeeded.</summary>
    public bool TryGetAdmission(Fingerprint peer, out Admission admission) => _admissions.TryGetValue(peer, out admission!);

    /// <summary>Judges a connected peer again, after verdicts may have changed.</summary>
    /// <returns>Null when it is still accepted as the same peer, or why not.</returns>
    public string? JudgeAgain(Fingerprint peer)
    {
        if (!_admissions.TryGetValue(peer, out Admission? admission))
            return "no admission on record";
        PeerBook book = _book;
        TrustRequest request = admission.Request with
        {
            Now = _time.GetUtcNow(),
            Peers = book.Configured,
            Dialled = admission.Request.Dialled is { } dialled ? book.Find(dialled.Name) : null,
        };
        (TrustVerdict verdict, _) = Judge(request);
        if (verdict.Outcome == TrustOutcome.Accept && verdict.Peer == admission.PeerName)
            return null;
        _admissions.TryRemove(peer, out _);
        return verdict.Text;
    }

    /// <summary>Makes an admission durable with every plugin that asked for it.</summary>
    /// <returns>Null when it is, or why it is not: the connection must be closed then.</returns>
    public async Task<string?> CommitAsync(Admission admission, CancellationToken cancellationToken)
    {
        for (int i = 0; i < _plugins.Length; i++)
        {
            if (!admission.Verdicts[i].NeedsCommit)
                continue;
            try
            {
                // The wait ends also for a plugin that does not look at its token.
                Task<string?> commit = _plugins[i].CommitAsync(admission.Request, admission.Verdicts[i], cancellationToken).AsTask();
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

    private (TrustVerdict Verdict, ImmutableArray<TrustVerdict> All) Judge(TrustRequest request)
    {
        if (request.Fingerprint == _self)
            return (Refusal(TrustReason.OwnCertificate, "the certificate is our own"), []);
        ImmutableArray<TrustVerdict>.Builder all = ImmutableArray.CreateBuilder<TrustVerdict>(_plugins.Length);
        foreach (ITrustPlugin plugin in _plugins)
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
            return Refusal(TrustReason.PluginFault, "the trust plugin failed");
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
            return Refusal(TrustReason.Conflict, $"peer '{peer.Name}' is configured with another fingerprint");
        if (request.Dialled is { } dialled && dialled.Name != peer.Name)
            return Refusal(TrustReason.WrongPeer, $"dialled '{dialled.Name}', but '{peer.Name}' answered");
        return verdict;
    }

    private bool TryRead(in HandshakeQuestion question, out TrustRequest request, out string fault)
    {
        request = null!;
        fault = "";
        if (question.CertificateCount != 1)
            fault = $"{question.CertificateCount} certificates were sent where one is expected";
        else if (question.CertificateDer.Length is 0 or > MaxCertificateBytes)
            fault = $"a certificate of {question.CertificateDer.Length} bytes, where 1 to {MaxCertificateBytes} are accepted";
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
            fault = "bytes follow the certificate";
            return false;
        }
        DateTimeOffset now = _time.GetUtcNow();
        request = new TrustRequest
        {
            Fingerprint = Fingerprint.Of(question.CertificateDer),
            PublicKey = Fingerprint.Of(certificate.PublicKey.ExportSubjectPublicKeyInfo()),
            CertificateDer = question.CertificateDer.ToArray(),
            NotBefore = certificate.NotBefore.ToUniversalTime(),
            NotAfter = certificate.NotAfter.ToUniversalTime(),
            Role = question.Role,
            Dialled = dialled,
            Peers = book.Configured,
            Protocol = question.Protocol,
            Remote = question.Remote,
            Now = now,
            ClockTrusted = now >= ClockFloor,
        };
        return true;
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
    /// <summary>Whether something must be written before traffic flows.</summary>
    public bool NeedsCommit => Verdicts.Any(verdict => verdict.NeedsCommit);
}
