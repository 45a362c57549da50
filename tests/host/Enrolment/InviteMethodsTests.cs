using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Host.Control;
using VibePN.Host.Enrolment;
using VibePN.Invites;

namespace VibePN.Host.Tests.Enrolment;

public sealed class InviteMethodsTests
{
    private static readonly DateTimeOffset Noon = new(2026, 12, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly Control.ControlMethodsTests.FakeDaemon _daemon = new();

    private FakeOnboarding Fake => _daemon.Invites;

    [Fact]
    public async Task An_invite_is_ordered_with_what_was_said()
    {
        Fake.Invited = new InviteOutcome(ControlError.None, "") { Invite = Sample(), Code = "vibepn-invite-x", IsGuessed = true };
        string answer = await OkAsync("invite.create",
            """{"network":"corp","addresses":["h:1","[::1]:2"],"name":"me","expires_s":60,"dry_run":true}""");
        Assert.Equal("invite corp [h:1,[::1]:2] me 60 True", Assert.Single(Fake.Calls));
        Assert.Equal(
            $$"""{"addresses":["198.51.100.20:51820"],"fingerprint":"{{new string('7', 64)}}","guessed":true,"id":"{{new string('0', 32)}}","invite":"vibepn-invite-x","network":"corp","not_after":"2099-01-01T00:00:00Z"}""",
            answer);
        await OkAsync("invite.create", "{}");
        Assert.Equal("invite  []  900 False", Fake.Calls[1]);
        await OkAsync("invite.create", """{"expires_s":9223372036854775807}""");
        Assert.Equal("invite  []  604801 False", Fake.Calls[2]);
    }

    [Fact]
    public async Task Invites_are_listed_without_their_secrets()
    {
        var record = new InviteRecord
        {
            Id = new string('0', 32), Secret = new string('5', 32), Network = "corp", Created = Noon, NotAfter = Noon.AddMinutes(15),
        };
        Fake.Invites =
        [
            record with { NotAfter = new DateTimeOffset(2099, 1, 1, 0, 0, 0, TimeSpan.Zero) },
            record with { NotAfter = new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero) },
            record with { State = InviteState.Used, UsedBy = Fingerprint.Parse(new string('2', 64)), BadProofs = 2 },
        ];
        string answer = await OkAsync("invite.list", "{}");
        Assert.DoesNotContain("5555", answer, StringComparison.Ordinal);
        using JsonDocument document = JsonDocument.Parse(answer);
        Assert.Equal(["open", "expired", "used"], document.RootElement.EnumerateArray().Select(row => row.GetProperty("state").GetString()));
        Assert.Equal(new string('2', 64), document.RootElement[2].GetProperty("used_by").GetString());
        Assert.Equal(JsonValueKind.Null, document.RootElement[0].GetProperty("used_by").ValueKind);
    }

    [Fact]
    public async Task Orders_reach_the_desk_and_refusals_come_back()
    {
        Assert.Equal("""{"message":"done"}""", await OkAsync("invite.revoke", """{"id":"0f0f0f"}"""));
        Assert.Equal("""{"message":"done"}""", await OkAsync("peers.remove", """{"name":"n","dry_run":true}"""));
        Assert.Equal(["revoke 0f0f0f False", "remove n True"], Fake.Calls);
        Fake.Done = new OnboardingOutcome(ControlError.Conflict, "no");
        Assert.Equal((ControlError.Conflict, "no"), await ErrorAsync("invite.revoke", """{"id":"0f0f0f"}"""));
        Assert.Equal(ControlError.NotFound, (await ErrorAsync("invite.create", "{}")).Error);
    }

    [Fact]
    public async Task Redeeming_verifies_before_it_dials()
    {
        Assert.Equal(ControlError.BadRequest, (await ErrorAsync("invite.redeem", """{"invite":"hello"}""")).Error);
        string expired = Write(invite => invite with { NotAfter = Noon.AddYears(-6) });
        (ControlError error, string text) = await ErrorAsync("invite.redeem", $$"""{"invite":"{{expired}}"}""");
        Assert.Equal(ControlError.Conflict, error);
        Assert.StartsWith("the invite expired at 2020-12-01T12:00:00Z.", text, StringComparison.Ordinal);
        string own = Write(invite => invite with { InviterFingerprint = _daemon.Node.ToString() });
        Assert.Contains("our own", (await ErrorAsync("invite.redeem", $$"""{"invite":"{{own}}"}""")).Text, StringComparison.Ordinal);
        Assert.Empty(Fake.Calls);

        string good = Write(invite => invite);
        Assert.Equal($$"""{"name":"","network":"corp","peer":"{{new string('7', 64)}}"}""", await OkAsync("invite.redeem", $$"""{"invite":"{{good}}","dry_run":true}"""));
        Assert.Empty(Fake.Calls);
        Assert.Equal($$"""{"name":"node2","network":"corp","peer":"{{new string('7', 64)}}"}""", await OkAsync("invite.redeem", $$"""{"invite":"{{good}}","name":"me"}"""));
        Assert.Equal("join corp me", Assert.Single(Fake.Calls));
    }

    [Fact]
    public async Task Every_failure_has_words_of_its_own()
    {
        string good = Write(invite => invite);
        var texts = new HashSet<string>();
        foreach (JoinResult result in Enum.GetValues<JoinResult>().Where(result => result != JoinResult.Granted))
        {
            Fake.Joined = new JoinOutcome(result, "detail\u001b[31m");
            (ControlError error, string text) = await ErrorAsync("invite.redeem", $$"""{"invite":"{{good}}"}""");
            Assert.NotEqual(ControlError.None, error);
            Assert.True(texts.Add(text), text);
            Assert.DoesNotContain('\u001b', text);
        }
    }

    private static Invite Sample() => InviteText.Read(Write(invite => invite), out _)!;

    private static string Write(Func<Invite, Invite> change)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return InviteText.Write(change(new Invite
        {
            Id = new string('0', 32),
            Network = "corp",
            Prefix = IPNetwork.Parse("10.42.0.0/24"),
            InviterName = "node1",
            InviterFingerprint = new string('7', 64),
            Addresses = ["198.51.100.20:51820"],
            NotAfter = new DateTimeOffset(2099, 1, 1, 0, 0, 0, TimeSpan.Zero),
            Secret = new byte[16],
            Key = InviteKey.Of(key)!,
        }), key);
    }

    private async Task<string> OkAsync(string method, string parameters)
    {
        ControlReply reply = await CallAsync(method, parameters);
        Assert.True(reply.Error == ControlError.None || method == "invite.create", reply.Message);
        return reply.Error == ControlError.None ? reply.Result.GetRawText() : "";
    }

    private async Task<(ControlError Error, string Text)> ErrorAsync(string method, string parameters)
    {
        ControlReply reply = await CallAsync(method, parameters);
        Assert.NotEqual(ControlError.None, reply.Error);
        return (reply.Error, reply.Message);
    }

    private async Task<ControlReply> CallAsync(string method, string parameters)
    {
        var call = new ControlCall(method, JsonElement.Parse(parameters), new ControlPrincipal(ControlRole.Admin, "uid 0"));
        List<ControlReply> replies = [];
        await foreach (ControlReply reply in new ControlMethods(_daemon, _ => { }, NullLogger.Instance).InvokeAsync(call, TestContext.Current.CancellationToken))
            replies.Add(reply);
        Assert.Empty(replies.Single().Warnings);
        return replies.Single();
    }
}
