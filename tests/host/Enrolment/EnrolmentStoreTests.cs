using System.Text;
using VibePN.Contracts;
using VibePN.Engine;
using VibePN.Engine.Configuration;
using VibePN.Host.Enrolment;

namespace VibePN.Host.Tests.Enrolment;

public sealed class EnrolmentStoreTests : IDisposable
{
    private readonly EnrolmentBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task The_file_is_for_its_owner_only()
    {
        await _bench.InviteAsync();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_bench.Store.Location));
    }

    [Fact]
    public async Task A_damaged_file_is_never_taken_for_an_empty_one()
    {
        InviteRecord invite = await _bench.InviteAsync();
        byte[] good = File.ReadAllBytes(_bench.Store.Location);
        var random = new Random(11);
        int refused = 0;
        for (int i = 0; i < 2_000; i++)
        {
            byte[] bytes = i % 2 == 0 ? good[..random.Next(good.Length - 1)] : [.. good];
            if (i % 2 == 1)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(_bench.Store.Location, bytes);
            try
            {
                EnrolmentBook read = _bench.Store.Read();
                Assert.Single(read.Invites);
            }
            catch (IOException exception)
            {
                refused++;
                Assert.Contains("enrolled.json", exception.Message, StringComparison.Ordinal);
            }
        }
        Assert.InRange(refused, 1_000, 2_000);

        File.WriteAllText(_bench.Store.Location, "{}");
        _bench.Restart();
        Assert.NotNull(_bench.Enrolments.Fault);
        Assert.False(_bench.Enrolments.IsOpen);
        Assert.Equal(JoinResult.Failed, await _bench.RedeemAsync(invite, EnrolmentBench.Random()));
        await Assert.ThrowsAsync<IOException>(() => _bench.InviteAsync());
        Assert.Equal("{}", _bench.FileText);
    }

    [Fact]
    public async Task A_file_that_others_may_read_is_refused()
    {
        await _bench.InviteAsync();
        File.SetUnixFileMode(_bench.Store.Location, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        Assert.Contains("chmod 0600", Assert.Throws<IOException>(() => _bench.Store.Read()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Enrolled_peers_stand_beside_those_of_the_configuration()
    {
        Fingerprint a = EnrolmentBench.Random();
        Fingerprint b = EnrolmentBench.Random();
        Fingerprint c = EnrolmentBench.Random();
        PeerConfiguration configured = new() { Name = "a", Fingerprint = a, Networks = ["corp"], Addresses = ["192.0.2.1:1"] };
        var peers = EnrolledPeers.Add(
            [configured], [new NetworkConfiguration { Name = "corp" }],
            [
                new EnrolledPeer("x", a, ["corp"], EnrolmentBench.Start),
                new EnrolledPeer("a", b, ["corp", "gone"], EnrolmentBench.Start),
                new EnrolledPeer("c", c, ["corp"], EnrolmentBench.Start),
            ],
            out var warnings);
        Assert.Equal(["a", "a-2", "c"], peers.Select(peer => peer.Name));
        Assert.Equal(configured, peers[0]);
        Assert.Equal(["corp"], peers[1].Networks);
        Assert.Contains("'a-2'", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_name_keeps_its_length_with_a_number()
    {
        string longest = new('n', 64);
        string name = EnrolledPeers.FreeName(longest, [new PeerConfiguration { Name = longest }]);
        Assert.Equal((64, true), (name.Length, name.EndsWith("n-2", StringComparison.Ordinal)));
    }
}
