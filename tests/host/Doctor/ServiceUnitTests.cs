using VibePN.Host.Doctor;

namespace VibePN.Host.Tests.Doctor;

public sealed class ServiceUnitTests : IDisposable
{
    private const string Config = "/etc/vibepn/config.toml";

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData("User=vibepn\nAmbientCapabilities=CAP_NET_ADMIN\nCapabilityBoundingSet=CAP_NET_ADMIN\nDevicePolicy=closed\nDeviceAllow=/dev/net/tun rw", "vibepn", true, true)]
    [InlineData("User=vibepn\nAmbientCapabilities=CAP_NET_ADMIN\nAmbientCapabilities=", "vibepn", false, true)]
    [InlineData("User=vibepn\nAmbientCapabilities=CAP_NET_ADMIN\nCapabilityBoundingSet=", "vibepn", false, true)]
    [InlineData("# User=vibepn", "root", true, true)]
    [InlineData("PrivateDevices=yes", "root", true, false)]
    public void A_unit_says_who_runs_with_what(string lines, string user, bool admin, bool tun)
    {
        string path = _scratch.Write("vibepn.service", $"[Service]\nExecStart=/usr/lib/vibepn/vibepnd\n{lines}\n");
        Assert.Equal(new ServiceUnit(path, user, admin, tun), ServiceUnit.Find([_scratch.Path], Config));
    }

    [Theory]
    [InlineData("/usr/lib/vibepn/vibepnd", true)]
    [InlineData("/usr/lib/vibepn/vibepnd --config /etc/vibepn/config.toml --plugins /x", true)]
    [InlineData("/usr/lib/vibepn/vibepnd -config=/etc/vibepn/config.toml", true)]
    [InlineData("/usr/lib/vibepn/vibepnd \\\n  --config /srv/other.toml", false)]
    public void A_unit_of_another_configuration_says_nothing(string start, bool applies)
    {
        _scratch.Write("vibepn.service", $"[Service]\nExecStart={start}\n");
        Assert.Equal(applies, ServiceUnit.Find([_scratch.Path], Config) is not null);
        Assert.Null(ServiceUnit.Find([_scratch.At("nowhere")], Config));
    }
}
