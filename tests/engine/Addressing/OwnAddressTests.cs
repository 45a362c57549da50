using VibePN.Contracts;
using VibePN.Engine.Addressing;
using VibePN.Engine.Time;

namespace VibePN.Engine.Tests.Addressing;

/// <summary>Nodes with automatic addresses that collide, one event at a time.</summary>
public sealed class OwnAddressTests
{
    private static readonly IpPrefix Subnet = IpPrefix.Parse("10.42.0.0/24");
    private static readonly Fingerprint Small = Fingerprint.Of([1]);
    private static readonly Fingerprint Large = Fingerprint.Of([2]);

    private readonly Random _random = new(1);

    [Fact]
    public void Written_address_beats_an_automatic_one_and_then_the_smaller_fingerprint_does()
    {
        Assert.True(Large > Small);
        Assert.True(new AddressClaim(IsAuto: false, Large).Beats(new AddressClaim(IsAuto: true, Small)));
        Assert.True(new AddressClaim(IsAuto: true, Small).Beats(new AddressClaim(IsAuto: true, Large)));
        Assert.False(new AddressClaim(IsAuto: true, Large).Beats(new AddressClaim(IsAuto: true, Small)));
        Assert.True(new AddressClaim(IsAuto: false, Small).Beats(new AddressClaim(IsAuto: false, Large)));
    }

    [Fact]
    public void Better_claim_stays()
    {
        OwnAddress address = Auto(Small);
        Assert.True(address.OnContested(new AddressClaim(IsAuto: true, Large), At(0), _random));
        Assert.Equal(Instant.Never, address.MoveAt);
    }

    [Fact]
    public void Worse_claim_moves_within_a_second_to_the_next_candidate_that_is_free()
    {
        OwnAddress address = Auto(Large);
        IpAddress[] chain = [.. AutoAddress.Candidates("corp", Large.ToString(), Subnet)];
        Assert.False(address.OnContested(new AddressClaim(IsAuto: true, Small), At(0), _random));
        Assert.True(address.MoveAt > At(0) && address.MoveAt <= At(1));
        Assert.False(address.TryMove(At(0), _ => true));
        Assert.True(address.TryMove(At(1), claimed => claimed == chain[0] || claimed == chain[1]));
        Assert.Equal(chain[2], address.Address);
        Assert.Equal(2, address.Index);
        Assert.Equal(Instant.Never, address.MoveAt);
    }

    [Fact]
    public void Written_address_stays_and_says_who_has_the_better_claim()
    {
        var address = new OwnAddress("corp", Large, Subnet, IpAddress.Parse("10.42.0.9"), isAuto: false);
        Assert.False(address.OnContested(new AddressClaim(IsAuto: false, Small), At(0), _random));
        Assert.Equal(Instant.Never, address.MoveAt);
        Assert.Equal(Small, address.LostTo);
        Assert.Equal(-1, address.Index);
    }

    [Fact]
    public void Conflict_that_is_over_before_the_wait_moves_nobody()
    {
        OwnAddress address = Auto(Large);
        IpAddress before = address.Address;
        address.OnContested(new AddressClaim(IsAuto: true, Small), At(0), _random);
        Assert.False(address.TryMove(At(1), _ => false));
        Assert.Equal(before, address.Address);
        Assert.Null(address.LostTo);
    }

    [Fact]
    public void Nobody_can_chase_a_node_more_than_eight_times_a_minute()
    {
        OwnAddress address = Auto(Large);
        int moves = 0;
        for (int second = 0; second < 120; second++)
        {
            IpAddress contested = address.Address;
            address.OnContested(new AddressClaim(IsAuto: false, Small), At(second), _random);
            if (address.TryMove(At(second + 1), claimed => claimed == contested))
                moves++;
        }
        Assert.InRange(moves, OwnAddress.MaxMoves, 2 * OwnAddress.MaxMoves);
    }

    [Fact]
    public void Full_subnet_keeps_the_address_and_looks_again()
    {
        OwnAddress address = Auto(Large);
        address.OnContested(new AddressClaim(IsAuto: true, Small), At(0), _random);
        Assert.False(address.TryMove(At(1), _ => true));
        Assert.Equal(At(61), address.MoveAt);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Two_hundred_nodes_of_one_slash_24_have_200_addresses_within_5_seconds(int seed)
    {
        // Everybody hears everybody with a delay of up to 100 ms: a full mesh.
        var random = new Random(seed);
        OwnAddress[] nodes =
            [.. Enumerable.Range(0, 200).Select(i => Auto(Fingerprint.Of([(byte)i, (byte)(i >> 8), (byte)seed])))];
        var heard = new (IpAddress Address, AddressClaim Claim)[nodes.Length];
        var arrivals = new PriorityQueue<(int Node, IpAddress Address), Instant>();
        for (int i = 0; i < nodes.Length; i++)
            arrivals.Enqueue((i, nodes[i].Address), At(0.1 * random.NextDouble()));
        Assert.NotEqual(nodes.Length, nodes.Select(node => node.Address).Distinct().Count());

        Instant now = At(0);
        while (now < At(5))
        {
            now += TimeSpan.FromMilliseconds(10);
            while (arrivals.TryPeek(out (int Node, IpAddress Address) claim, out Instant due) && due <= now)
            {
                arrivals.Dequeue();
                heard[claim.Node] = (claim.Address, nodes[claim.Node].Claim);
            }
            for (int i = 0; i < nodes.Length; i++)
            {
                foreach ((IpAddress address, AddressClaim claim) in heard)
                {
                    if (address == nodes[i].Address)
                        nodes[i].OnContested(claim, now, random);
                }
                int self = i;
                if (nodes[i].TryMove(now, address => heard.Where((claim, j) => j != self && claim.Address == address).Any()))
                    arrivals.Enqueue((i, nodes[i].Address), now + TimeSpan.FromMilliseconds(100 * random.NextDouble()));
            }
        }
        Assert.Equal(nodes.Length, nodes.Select(node => node.Address).Distinct().Count());
        Assert.All(nodes, node => Assert.Equal(Instant.Never, node.MoveAt));
    }

    private static OwnAddress Auto(Fingerprint self) =>
        new("corp", self, Subnet, AutoAddress.First("corp", self.ToString(), Subnet), isAuto: true);

    private static Instant At(double seconds) => default(Instant) + TimeSpan.FromSeconds(seconds);
}
