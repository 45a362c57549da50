using System.Net;
using VibePN.Host.Enrolment;

namespace VibePN.Host.Tests.Enrolment;

public sealed class OwnAddressesTests
{
    private static readonly IPAddress[] Own =
        [.. new[] { "127.0.0.1", "169.254.7.7", "198.51.100.20", "10.0.0.4", "fe80::1", "2001:db8::20" }.Select(IPAddress.Parse)];

    [Theory]
    [InlineData("0.0.0.0:51820 [::]:51821", "198.51.100.20:51820 [2001:db8::20]:51821")]
    [InlineData("10.0.0.4:7 [::]:8", "10.0.0.4:7 [2001:db8::20]:8")]
    [InlineData("127.0.0.1:7", "")]
    [InlineData("0.0.0.0:0", "")]
    public void An_address_of_each_family_is_guessed(string listen, string expected)
    {
        IPEndPoint[] endPoints = [.. listen.Split(' ').Select(IPEndPoint.Parse)];
        Assert.Equal(expected, string.Join(' ', OwnAddresses.Guess(endPoints, Own)));
    }
}
