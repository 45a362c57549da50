namespace VibePN.Invites.Tests;

public sealed class InviteProofTests
{
    private const string Id = "000102030405060708090a0b0c0d0e0f";
    private static readonly byte[] Secret = [.. Enumerable.Range(16, 16).Select(i => (byte)i)];
    private static readonly byte[] Binding = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private static readonly string Joiner = new('b', 64);

    [Fact]
    public void A_proof_is_good_for_its_connection_invite_secret_and_node_only()
    {
        byte[] proof = InviteProof.Compute(Secret, Binding, Id, Joiner);
        Assert.True(InviteProof.Verify(proof, Secret, Binding, Id, Joiner));
        Assert.False(InviteProof.Verify(proof, Secret, Changed(Binding), Id, Joiner));
        Assert.False(InviteProof.Verify(proof, Changed(Secret), Binding, Id, Joiner));
        Assert.False(InviteProof.Verify(proof, Secret, Binding, "f" + Id[1..], Joiner));
        Assert.False(InviteProof.Verify(proof, Secret, Binding, Id, "c" + Joiner[1..]));
        Assert.False(InviteProof.Verify(Changed(proof), Secret, Binding, Id, Joiner));
        Assert.False(InviteProof.Verify(proof.AsSpan(1), Secret, Binding, Id, Joiner));
    }

    [Fact]
    public void Without_a_channel_binding_nothing_is_proved()
    {
        Assert.Throws<ArgumentException>(() => InviteProof.Compute(Secret, [], Id, Joiner));
        Assert.False(InviteProof.Verify(new byte[32], Secret, [], Id, Joiner));
    }

    private static byte[] Changed(byte[] bytes) => [(byte)(bytes[0] ^ 1), .. bytes[1..]];
}
