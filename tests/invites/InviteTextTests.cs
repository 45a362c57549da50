using System.Net;
using System.Security.Cryptography;

namespace VibePN.Invites.Tests;

public sealed class InviteTextTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_written_is_read_again(bool is384)
    {
        using ECDsa key = Samples.Key(is384);
        Invite invite = Samples.Standard(key);
        string text = InviteText.Write(invite, key);
        Assert.StartsWith("vibepn-invite-", text, StringComparison.Ordinal);
        Invite? read = InviteText.Read(text, out InviteProblem problem);
        Assert.Equal(InviteProblem.None, problem);
        Assert.Equal(invite.Secret.ToArray(), read!.Secret.ToArray());
        Assert.Equal(invite.Addresses, read.Addresses);
        Assert.Equal(invite with { Secret = default, Addresses = [] }, read with { Secret = default, Addresses = [] });
    }

    [Fact]
    public void Either_subnet_may_be_missing_and_not_both()
    {
        foreach ((IPNetwork? v4, IPNetwork? v6) in new (IPNetwork?, IPNetwork?)[]
            { (IPNetwork.Parse("10.0.0.0/9"), null), (null, IPNetwork.Parse("fd00::/126")) })
        {
            Invite read = InviteText.Read(Samples.Text(invite => invite with { Prefix = v4, Prefix6 = v6 }), out _)!;
            Assert.Equal((v4, v6), (read.Prefix, read.Prefix6));
        }
        Assert.Throws<ArgumentException>(() => Samples.Text(invite => invite with { Prefix = null, Prefix6 = null }));
    }

    [Fact]
    public void Case_blanks_line_ends_and_dashes_do_not_matter()
    {
        string text = Samples.Text();
        foreach (string variant in new[]
            { text.ToUpperInvariant(), $"  {text}\r\n", text.Insert(40, "\n   "), "vibepn-invite-" + text[14..].Replace("-", "", StringComparison.Ordinal) })
        {
            Assert.NotNull(InviteText.Read(variant, out InviteProblem problem));
            Assert.Equal(InviteProblem.None, problem);
        }
    }

    [Fact]
    public void Every_single_wrong_letter_is_called_damage()
    {
        string text = Samples.Text();
        for (int i = InviteText.Head.Length; i < text.Length; i++)
        {
            if (text[i] == '-')
                continue;
            char other = text[i] == 'q' ? 'z' : 'q';
            Assert.Null(InviteText.Read(text[..i] + other + text[(i + 1)..], out InviteProblem problem));
            Assert.Equal(InviteProblem.Damaged, problem);
        }
    }

    [Fact]
    public void Every_cut_is_an_error()
    {
        string text = Samples.Text();
        for (int length = 0; length < text.Length; length++)
        {
            if (text[length] == '-' && text[..length].Length >= text.Length)
                continue;
            Assert.Null(InviteText.Read(text[..length], out InviteProblem problem));
            Assert.Equal(length < InviteText.Head.Length ? InviteProblem.NotAnInvite : InviteProblem.Damaged, problem);
        }
    }

    [Fact]
    public void A_changed_body_with_a_right_checksum_is_altered_or_malformed()
    {
        using ECDsa key = Samples.Key();
        Invite invite = Samples.Standard(key);
        byte[] body = InviteBody.Write(invite);
        byte[] signature = invite.Key.Sign(key, body);
        int altered = 0;
        for (int i = 0; i < body.Length; i++)
        {
            byte[] changed = [.. body];
            changed[i] ^= 1;
            Assert.Null(InviteText.Read(InviteText.Write(changed, signature), out InviteProblem problem));
            Assert.Contains(problem, new[] { InviteProblem.Altered, InviteProblem.Malformed, InviteProblem.UnknownVersion });
            Assert.Equal(i == 0, problem == InviteProblem.UnknownVersion);
            altered += problem == InviteProblem.Altered ? 1 : 0;
        }
        Assert.True(altered > 60, $"{altered}");
    }

    [Fact]
    public void Only_the_smaller_s_is_accepted()
    {
        using ECDsa key = Samples.Key();
        Invite invite = Samples.Standard(key);
        byte[] body = InviteBody.Write(invite);
        for (int i = 0; i < 32; i++)
        {
            byte[] signature = invite.Key.Sign(key, body);
            Assert.True(invite.Key.Verify(body, signature));
            Assert.True(signature[32] < 0x80, "the larger s was written");
            Assert.False(invite.Key.Verify(body, WithOtherS(signature)));
        }
    }

    [Fact]
    public void A_signature_for_another_purpose_is_none_for_an_invite()
    {
        using ECDsa key = Samples.Key();
        Invite invite = Samples.Standard(key);
        byte[] body = InviteBody.Write(invite);
        byte[] plain = key.SignData(body, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        Assert.False(invite.Key.Verify(body, plain));
        Assert.False(invite.Key.Verify(body, WithOtherS(plain)));
    }

    [Fact]
    public void Random_texts_and_bodies_are_never_an_exception()
    {
        var random = new Random(5);
        string text = Samples.Text();
        using ECDsa key = Samples.Key();
        byte[] body = InviteBody.Write(Samples.Standard(key));
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = new byte[random.Next(300)];
            random.NextBytes(bytes);
            if (i % 2 == 0)
                body.AsSpan(0, Math.Min(body.Length, bytes.Length)).CopyTo(bytes);
            for (int flips = random.Next(4); flips > 0 && bytes.Length > 0; flips--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            Assert.Null(InviteText.Read(InviteText.Write(bytes, []), out _));
            InviteBody.Read(bytes, out int length);
            Assert.InRange(length, 0, bytes.Length);
            Assert.Null(InviteText.Read(text[..random.Next(text.Length)] + Convert.ToBase64String(bytes), out _));
        }
        Assert.Null(InviteText.Read(InviteText.Head + new string('a', InviteText.MaxLength), out _));
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData("{\"version\":1}", 1)]
    [InlineData("vibepn-invite-", 2)]
    [InlineData("vibepn-invite-é", 2)]
    public void What_is_no_invite_says_so(string text, int problem)
    {
        Assert.Null(InviteText.Read(text, out InviteProblem found));
        Assert.Equal((InviteProblem)problem, found);
        Assert.NotEmpty(InviteText.Describe(found));
    }

    [Fact]
    public void Values_that_no_reader_takes_are_not_written()
    {
        Func<Invite, Invite>[] wrong =
        [
            invite => invite with { Network = "Corp" },
            invite => invite with { Network = "" },
            invite => invite with { InviterName = "node 1" },
            invite => invite with { InviterName = new string('n', 65) },
            invite => invite with { Addresses = [] },
            invite => invite with { Addresses = ["198.51.100.20"] },
            invite => invite with { Addresses = ["2001:db8::1:51820"] },
            invite => invite with { Addresses = ["h:1", "h:2", "h:3", "h:4", "h:5"] },
            invite => invite with { Grants = InviteGrants.None },
            invite => invite with { Prefix = IPNetwork.Parse("10.0.0.0/31") },
        ];
        Assert.All(wrong, change => Assert.Throws<ArgumentException>(() => Samples.Text(change)));
    }

    [Fact]
    public void The_secret_reaches_no_log() =>
        Assert.DoesNotContain("1011", InviteText.Read(Samples.Text(), out _)!.ToString(), StringComparison.Ordinal);

    private static byte[] WithOtherS(byte[] signature)
    {
        var order = global::System.Numerics.BigInteger.Parse(
            "0FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551", global::System.Globalization.NumberStyles.HexNumber, null);
        var s = new global::System.Numerics.BigInteger(signature.AsSpan(32), isUnsigned: true, isBigEndian: true);
        byte[] other = (order - s).ToByteArray(isUnsigned: true, isBigEndian: true);
        byte[] result = [.. signature[..32], .. new byte[32 - other.Length], .. other];
        return result;
    }
}
