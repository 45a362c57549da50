using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Engine.Configuration;
using VibePN.Host.Enrolment;
using VibePN.Host.Native;
using VibePN.Host.Plugins;
using VibePN.Invites;

namespace VibePN.Host.Tests.Enrolment;

/// <summary>Invites over real files, with an engine that only remembers its peers.</summary>
internal sealed class EnrolmentBench : IPeerTable, IDisposable
{
    private readonly SemaphoreSlim _changes = new(1, 1);

    public EnrolmentBench(IFileCalls? calls = null)
    {
        Calls = calls;
        Restart();
    }

    public static DateTimeOffset Start { get; } = new(2026, 12, 1, 12, 0, 0, TimeSpan.Zero);

    public Scratch Scratch { get; } = new();

    public IFileCalls? Calls { get; set; }

    public DateTimeOffset Now { get; set; } = Start;

    public Enrolments Enrolments { get; private set; } = null!;

    public EngineConfiguration Configuration { get; set; } = new()
    {
        Identity = new NodeIdentity(Identity.Shared.Fingerprint, Identity.Shared.CertificatePem, Identity.Shared.KeyPem),
        Listen = [],
        Peers = [],
        Networks = [new NetworkConfiguration { Name = "corp" }, new NetworkConfiguration { Name = "lab" }],
    };

    /// <summary>What a change of the engine fails with, when set: before or after it is durable.</summary>
    public PluginException? FailsBefore { get; set; }

    public PluginException? FailsAfter { get; set; }

    public EnrolmentStore Store => EnrolmentStore.In(Scratch.At("state"), Calls);

    public void Restart()
    {
        Enrolments?.Dispose();
        Directory.CreateDirectory(Scratch.At("state"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Enrolments = new Enrolments(Store, this, ExclusivelyAsync, new BenchClock(this), NullLogger.Instance);
        Enrolments.Load();
    }

    public async Task<InviteRecord> InviteAsync(string network = "corp", TimeSpan? life = null)
    {
        var record = new InviteRecord
        {
            Id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)),
            Secret = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)),
            Network = network,
            Created = Now,
            NotAfter = Now + (life ?? TimeSpan.FromMinutes(15)),
        };
        await Enrolments.CreateAsync(record);
        return record;
    }

    public JoinClaim Claim(InviteRecord invite, Fingerprint joiner, string name = "node2", byte[]? binding = null, byte[]? proofBinding = null)
    {
        byte[] channel = binding ?? RandomNumberGenerator.GetBytes(32);
        byte[] proof = InviteProof.Compute(Convert.FromHexString(invite.Secret), proofBinding ?? channel, invite.Id, joiner.ToString());
        return new JoinClaim(invite.Id, proof, channel, joiner, name, new IPEndPoint(IPAddress.Loopback, 1), Now, ClockTrusted: true);
    }

    public async Task<JoinResult> RedeemAsync(InviteRecord invite, Fingerprint joiner, string name = "node2") =>
        (await Enrolments.RedeemAsync(Claim(invite, joiner, name), default)).Result;

    public static Fingerprint Random() => Fingerprint.Of(RandomNumberGenerator.GetBytes(16));

    public string FileText => File.Exists(Store.Location) ? File.ReadAllText(Store.Location) : "";

    public Task<EngineConfiguration> GetAsync() => Task.FromResult(Configuration);

    public async Task ChangeAsync(EngineConfiguration next, Action makeDurable)
    {
        if (FailsBefore is { } before)
            throw before;
        await Task.Yield();
        makeDurable();
        if (FailsAfter is { } after)
            throw after;
        Configuration = next;
    }

    public void Dispose()
    {
        Enrolments.Dispose();
        _changes.Dispose();
        Scratch.Dispose();
    }

    private async Task<JoinDecision> ExclusivelyAsync(Func<Task<JoinDecision>> change)
    {
        await _changes.WaitAsync();
        try
        {
            return await Task.Run(change);
        }
        finally
        {
            _changes.Release();
        }
    }

    private sealed class BenchClock(EnrolmentBench bench) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => bench.Now;
    }
}
