using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Engine.Configuration;
using VibePN.Invites;

namespace VibePN.Host.Enrolment;

/// <summary>Inviting and joining of a running daemon.</summary>
/// <param name="enrolments">The invites and the peers that came by them.</param>
/// <param name="engine">The engine; throws while there is none.</param>
/// <param name="exclusively">Runs a change while no other change runs.</param>
internal sealed class Onboarding(
    Enrolments enrolments, Func<OverlayEngine> engine, Func<Func<Task<OnboardingOutcome>>, Task<OnboardingOutcome>> exclusively)
    : IOnboarding
{
    private const int MaxName = 64;
    private const int ShortestPart = 6;

    /// <inheritdoc/>
    public string? Fault => enrolments.Fault;

    /// <inheritdoc/>
    public ImmutableArray<InviteRecord> Invites =>
        [.. enrolments.Book.Invites.OrderByDescending(invite => invite.Created).ThenBy(invite => invite.Id, StringComparer.Ordinal)];

    /// <inheritdoc/>
    public async Task<InviteOutcome> InviteAsync(InviteOrder order, bool dryRun)
    {
        EngineConfiguration configuration = await engine().GetConfigurationAsync(CancellationToken.None);
        (DateTimeOffset now, bool isTrusted) = engine().Clock;
        if (!isTrusted)
            return Refused(ControlError.Unavailable, "the clock is wrong, so nobody could tell when an invite ends. Set the clock.");
        if (order.Life <= TimeSpan.Zero || order.Life > Invite.LongestLife)
            return Refused(ControlError.BadRequest, $"an invite lasts from 1 s to {Invite.LongestLife.TotalDays:0} days.");
        if (NetworkFor(order.Network, configuration, out string problem) is not { } network)
            return Refused(ControlError.NotFound, problem);
        if (AddressesFor(order, configuration, out bool isGuessed) is not { Count: > 0 } addresses)
            return Refused(ControlError.BadRequest, "where can this node be dialled? It listens on no address that others reach: say --address host:port.");
        using ECDsa key = ECDsa.Create();
        if (!TryImport(key, configuration.Identity.PrivateKeyPem) || InviteKey.Of(key) is not { } publicKey)
            return Refused(ControlError.InvalidConfig, "invites are signed with an elliptic key (P-256 or P-384), and this node's is another. 'vpnctl init' makes one.");
        var invite = new Invite
        {
            Id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(Invite.SecretBytes)),
            Network = network.Name,
            Prefix = network.Prefix is { } v4 ? IPNetwork.Parse(v4.ToString()) : null,
            Prefix6 = network.Prefix6 is { } v6 ? IPNetwork.Parse(v6.ToString()) : null,
            InviterName = NameOf(order.Name),
            InviterFingerprint = configuration.Identity.Fingerprint.ToString(),
            Addresses = addresses,
            NotAfter = DateTimeOffset.FromUnixTimeSeconds((now + order.Life).ToUnixTimeSeconds()),
            Secret = RandomNumberGenerator.GetBytes(Invite.SecretBytes),
            Key = publicKey,
        };
        return await GiveAsync(invite, key, now, isGuessed, dryRun);
    }

    /// <inheritdoc/>
    public async Task<OnboardingOutcome> RevokeAsync(string id, bool dryRun)
    {
        InviteRecord[] found = [.. enrolments.Book.Invites.Where(invite => invite.Id.StartsWith(id, StringComparison.Ordinal))];
        if (id.Length < ShortestPart || found.Length == 0)
            return new OnboardingOutcome(ControlError.NotFound, $"there is no such invite. Give at least {ShortestPart} digits of an id that 'vpnctl invite list' shows.");
        if (found.Length > 1)
            return new OnboardingOutcome(ControlError.Conflict, $"{found.Length} invites begin so: give more digits.");
        InviteRecord invite = found[0];
        if (invite.State != InviteState.Open)
            return new OnboardingOutcome(ControlError.Conflict, invite.State == InviteState.Used
                ? "the invite was used already. 'vpnctl remove-peer NAME' removes the peer that came by it."
                : $"the invite is {invite.State.ToString().ToLowerInvariant()} already.");
        if (dryRun)
            return new OnboardingOutcome(ControlError.None, $"would revoke invite {invite.Id}");
        try
        {
            await enrolments.RevokeAsync(invite.Id);
            return new OnboardingOutcome(ControlError.None, $"revoked invite {invite.Id}");
        }
        catch (IOException exception)
        {
            return new OnboardingOutcome(ControlError.Unavailable, exception.Message);
        }
    }

    /// <inheritdoc/>
    public Task<JoinOutcome> JoinAsync(Invite invite, string name, CancellationToken cancellationToken) =>
        engine().JoinAsync(new JoinRequest(invite, NameOf(name)), cancellationToken);

    /// <inheritdoc/>
    public async Task<OnboardingOutcome> RemovePeerAsync(string name, bool dryRun)
    {
        EngineConfiguration configuration = await engine().GetConfigurationAsync(CancellationToken.None);
        PeerConfiguration? peer = configuration.Peers.FirstOrDefault(each => each.Name == name);
        bool isEnrolled = enrolments.Book.Peers.Any(each => each.Fingerprint == peer?.Fingerprint);
        if (peer is null)
            return new OnboardingOutcome(ControlError.NotFound, $"there is no peer '{name}'. 'vpnctl peers' lists them.");
        if (!isEnrolled)
            return new OnboardingOutcome(ControlError.Conflict, $"peer '{name}' stands in config.toml: take its [[peers]] entry out, then 'vpnctl reload'.");
        return dryRun
            ? new OnboardingOutcome(ControlError.None, $"would remove peer {name}")
            : await exclusively(() => RemoveAsync(name));
    }

    private async Task<OnboardingOutcome> RemoveAsync(string name)
    {
        try
        {
            return await enrolments.RemoveAsync(name)
                ? new OnboardingOutcome(ControlError.None, $"removed peer {name}")
                : new OnboardingOutcome(ControlError.NotFound, $"there is no peer '{name}' any more.");
        }
        catch (Exception exception) when (exception is IOException or PluginException)
        {
            return new OnboardingOutcome(ControlError.Unavailable, exception.Message);
        }
    }

    private async Task<InviteOutcome> GiveAsync(Invite invite, ECDsa key, DateTimeOffset now, bool isGuessed, bool dryRun)
    {
        try
        {
            string code = InviteText.Write(invite, key);
            if (!dryRun)
            {
                await enrolments.CreateAsync(new InviteRecord
                {
                    Id = invite.Id,
                    Network = invite.Network,
                    Secret = Convert.ToHexStringLower(invite.Secret.Span),
                    Created = now,
                    NotAfter = invite.NotAfter,
                });
            }
            return new InviteOutcome(ControlError.None, "") { Invite = invite, Code = dryRun ? "" : code, IsGuessed = isGuessed };
        }
        catch (ArgumentException)
        {
            return Refused(ControlError.BadRequest,
                "an address must be host:port with a port from 1 to 65535, four at most, such as 198.51.100.20:51820.");
        }
        catch (IOException exception)
        {
            return Refused(ControlError.Unavailable, exception.Message);
        }
    }

    private static NetworkConfiguration? NetworkFor(string? name, EngineConfiguration configuration, out string problem)
    {
        ImmutableArray<NetworkConfiguration> all = configuration.Networks;
        string names = string.Join(", ", all.Select(network => network.Name));
        problem = all.IsEmpty ? "this node has no network to invite to: add [networks.NAME] to config.toml."
            : name is null ? $"into which network? Say --network, one of: {names}."
            : $"there is no network '{name}'. There are: {names}.";
        NetworkConfiguration? network = name is not null ? all.FirstOrDefault(each => each.Name == name)
            : all.Length == 1 ? all[0] : null;
        if (network is not { Export: false })
            return network;
        problem = $"network '{network.Name}' has export = false, so nobody could reach this node in it: set export = true.";
        return null;
    }

    private static IReadOnlyList<string> AddressesFor(InviteOrder order, EngineConfiguration configuration, out bool isGuessed)
    {
        isGuessed = order.Addresses.Count == 0;
        return isGuessed
            ? OwnAddresses.Guess(configuration.Listen, [.. configuration.Networks.Select(network => network.Name)])
            : order.Addresses;
    }

    private static bool TryImport(ECDsa key, string pem)
    {
        try
        {
            key.ImportFromPem(pem);
            return true;
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            return false; // an RSA key
        }
    }

    // Blanks and letters beyond ASCII are no part of a label.
    private static string NameOf(string? wished)
    {
        string name = string.Concat((wished ?? Dns.GetHostName()).Where(letter => letter is >= '!' and <= '~').Take(MaxName));
        return name.Length > 0 ? name : "node";
    }

    private static InviteOutcome Refused(ControlError error, string text) => new(error, text);
}
