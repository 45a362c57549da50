using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Engine.Tests.Node;
using VibePN.Invites;

namespace VibePN.Engine.Tests.Joining;

/// <summary>An authority that verifies proofs of one invite and adds its joiner to a lab's engine, without files.</summary>
internal sealed class LabAuthority : IJoinAuthority
{
    private readonly Lock _lock = new();

    public bool IsOpen { get; set; } = true;

    public Invite? Invite { get; set; }

    public LabEngine? Node { get; set; }

    public ConcurrentQueue<JoinClaim> Claims { get; } = new();

    /// <summary>Held back while it is not complete.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    public Exception? Fault { get; set; }

    public bool IsUsed { get; private set; }

    public async Task<JoinDecision> RedeemAsync(JoinClaim claim, CancellationToken cancellationToken)
    {
        Claims.Enqueue(claim);
        await Gate;
        if (Fault is { } fault)
            throw fault;
        if (Invite is not { } invite || claim.InviteId != invite.Id || !InviteProof.Verify(
            claim.Proof.Span, invite.Secret.Span, claim.ChannelBinding.Span, invite.Id, claim.Joiner.ToString()))
            return new JoinDecision(JoinResult.Refused);
        lock (_lock)
        {
            if (IsUsed)
                return new JoinDecision(JoinResult.Used);
            IsUsed = true;
        }
        await Node!.ReloadAsync(configuration => configuration with
        {
            Peers = configuration.Peers.Add(new PeerConfiguration { Name = claim.Name, Fingerprint = claim.Joiner, Networks = ["corp"] }),
        });
        return new JoinDecision(JoinResult.Granted, claim.Name);
    }
}

/// <summary>Two engines on one wire that do not know each other: node 1 invites, node 2 joins.</summary>
internal static class JoinLab
{
    public static (NodeLab Lab, LabAuthority Authority) Make()
    {
        var lab = new NodeLab();
        lab.Add();
        lab.Add();
        var authority = new LabAuthority { Node = lab[0] };
        lab[0].Joining = authority;
        authority.Invite = InviteOf(lab[0]);
        return (lab, authority);
    }

    public static Invite InviteOf(LabEngine node, string? id = null)
    {
        using var certificate = X509Certificate2.CreateFromPem(node.Identity.CertificatePem);
        using ECDsa key = certificate.GetECDsaPublicKey()!;
        return new Invite
        {
            Id = id ?? "000102030405060708090a0b0c0d0e0f",
            Network = "corp",
            Prefix = global::System.Net.IPNetwork.Parse("10.42.0.0/24"),
            InviterName = node.Name,
            InviterFingerprint = node.Identity.Fingerprint.ToString(),
            Addresses = [NodeLab.AddressOf(node.Number).ToString()],
            NotAfter = DateTimeOffset.UtcNow.AddMinutes(15),
            Secret = RandomNumberGenerator.GetBytes(Invite.SecretBytes),
            Key = InviteKey.Of(key)!,
        };
    }

    public static Task<JoinOutcome> JoinAsync(this LabEngine node, Invite invite) =>
        node.Engine.JoinAsync(new JoinRequest(invite, node.Name), CancellationToken.None);
}
