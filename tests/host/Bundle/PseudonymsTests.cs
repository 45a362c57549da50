using System.Text;
using VibePN.Engine.Configuration;
using VibePN.Host.Bundle;

namespace VibePN.Host.Tests.Bundle;

public sealed class PseudonymsTests
{
    private static readonly string Print = new('2', 64);

    private readonly Pseudonyms _pseudonyms = new(
        [
            new PeerConfiguration { Name = "berlin", Addresses = ["quic://gate.example.net:51820"] },
            new PeerConfiguration { Name = "berlin-2", Addresses = ["203.0.113.2:51820"] },
        ],
        [new NetworkConfiguration { Name = "office" }, new NetworkConfiguration { Name = "a-very-long-network" }],
        "desk7");

    [Theory]
    [InlineData("peer berlin at gate.example.net:51820", "peer peer-1 at host-2:51820")]
    [InlineData("berlin-2, BERLIN, berliner", "peer-2, peer-1, berliner")]
    [InlineData("[networks.office] on vpn-office", "[networks.network-1] on interface-1")]
    [InlineData("desk7", "host-1")]
    [InlineData("203.0.113.2:51820 and 203.0.113.2/32", "address-1:51820 and address-1/32")]
    [InlineData("[2001:db8::1]:443, 2001:DB8:0:0::1", "[address-1]:443, address-1")]
    [InlineData("127.0.0.1:9000 0.0.0.0:51820 [::]:51820 ::1", "127.0.0.1:9000 0.0.0.0:51820 [::]:51820 ::1")]
    [InlineData("[2026-11-22T17:08:36Z] 17:08:36", "[2026-11-22T17:08:36Z] 17:08:36")]
    public void The_same_thing_gets_the_same_word(string text, string expected) => Assert.Equal(expected, _pseudonyms.Apply(text));

    [Fact]
    public void Fingerprints_go_whole_and_shortened() =>
        Assert.Equal("fingerprint-1 fingerprint-1 fingerprint-2...", _pseudonyms.Apply($"{Print} {Print} {Print[..12]}..."));

    [Fact]
    public void An_abbreviated_interface_does_not_show_its_network() =>
        Assert.DoesNotContain("a-ve", _pseudonyms.Apply(Engine.Addressing.InterfaceName.For("a-very-long-network")), StringComparison.Ordinal);

    [Fact]
    public void Random_text_is_no_fault()
    {
        var random = new Random(24);
        for (int i = 0; i < 5_000; i++)
        {
            var text = new StringBuilder();
            for (int at = random.Next(60); at > 0; at--)
                text.Append("0123456789abcdef:./[]-berlin "[random.Next(29)]);
            Assert.DoesNotContain("berlin", _pseudonyms.Apply(text.ToString()).Split(' '));
        }
    }

    [Theory]
    [InlineData("psk = \"hunter2\"", "psk = \"(removed)\"")]
    [InlineData("api_tokens = [\"one\", \"two\"]", "api_tokens = \"(removed)\"")]
    [InlineData("{\"password\":\"a\\\"b\",\"queue\":\"1\"}", "{\"password\":\"(removed)\",\"queue\":\"1\"}")]
    [InlineData("a\n-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----\nb", "a\n(removed)\nb")]
    [InlineData("queue_bytes = 2097152", "queue_bytes = 2097152")]
    public void Secrets_go_in_any_case(string text, string expected) => Assert.Equal(expected, Secrets.Remove(text));

    [Fact]
    public void An_invite_is_a_secret_and_a_fingerprint_is_not()
    {
        Assert.Equal("(removed)", Secrets.Remove(new string('x', 120)));
        Assert.Equal(Print, Secrets.Remove(Print));
    }
}
