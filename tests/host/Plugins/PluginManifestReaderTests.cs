using VibePN.Host.Configuration;
using VibePN.Host.Plugins;

namespace VibePN.Host.Tests.Plugins;

public sealed class PluginManifestReaderTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public PluginManifestReaderTests() => Directory.CreateDirectory(_scratch.At("p"));

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Entries_come_in_start_order_with_everything_they_say()
    {
        string hash = new('c', 64);
        PluginManifest manifest = Read($$"""
            schema = 1
            {{Plugin("c", "control")}}
            {{Plugin("x1", "transport")}}
            sha256 = ["{{hash}}"]
            optional = true
            [plugin.settings]
            speed = 9
            {{Plugin("x2", "transport")}}
            {{Plugin("t", "trust")}}
            {{Plugin("n", "tun")}}
            {{Plugin("r", "routing")}}
            """);

        Assert.Equal(["t", "r", "n", "x1", "x2", "c"], manifest.Plugins.Select(plugin => plugin.Name));
        PluginEntry entry = manifest.Plugins[3];
        Assert.Equal([hash], entry.Hashes);
        Assert.True(entry.Optional);
        Assert.Equal(_scratch.At("p"), entry.Folder);
        Assert.Equal("speed", Assert.Single(entry.Settings!.Entries).Key);
    }

    [Fact]
    public void All_errors_are_reported_at_once()
    {
        Assert.Equal("""
            plugins.toml(1,1): error VPN1022: no usable plugin fills the role 'trust': add a [[plugin]] with role = "trust".
            plugins.toml(1,1): error VPN1022: no usable plugin fills the role 'transport': add a [[plugin]] with role = "transport".
            plugins.toml(1,10): error VPN1020: this daemon reads schema 1 of plugins.toml, not 2. Use the plugins.toml that belongs to this version.
            plugins.toml(3,1): error VPN1004: unknown key 'nmae' in [[plugin]]; did you mean 'name'?
            plugins.toml(2,3): error VPN1006: [[plugin]] needs 'name': the name the plugin exports, such as name = "routing-lpm".
            """.Split('\n').Order(), Errors($$"""
            schema = 2
            [[plugin]]
            nmae = "t"
            role = "trust"
            path = "p"
            {{Plugin("r", "routing")}}
            {{Plugin("n", "tun")}}
            {{Plugin("c", "control")}}
            """).Split('\n').Order());
    }

    [Theory]
    [InlineData("[[plugin]]\nname = \"x\"\nrole = \"tunn\"\npath = \"p\"", "VPN1007", "use one of trust, routing, tun, transport, control; did you mean 'tun'?")]
    [InlineData("[[plugin]]\nname = \"x\"\nrole = \"trust\"\npath = \"gone\"", "VPN1023", "there is no folder")]
    [InlineData("[[plugin]]\nname = \"../x\"\nrole = \"trust\"\npath = \"p\"", "VPN1007", "no plugin name")]
    [InlineData("[[plugin]]\nname = \"cache\"\nrole = \"trust\"\npath = \"p\"", "VPN1007", "no plugin name")]
    [InlineData("[[plugin]]\nname = \"t\"\nrole = \"trust\"\npath = \"p\"", "VPN1021", "listed twice")]
    [InlineData("[[plugin]]\nname = \"x\"\nrole = \"tun\"\npath = \"p\"", "VPN1022", "both fill the role 'tun', which takes one")]
    [InlineData("[[plugin]]\nname = \"x\"\nrole = \"trust\"\npath = \"p\"\noptional = true", "VPN1007", "never optional")]
    [InlineData("[[plugin]]\nname = \"x\"\nrole = \"trust\"\npath = \"p\"\nsha256 = [\"12\"]", "VPN1015", "64 hexadecimal digits")]
    [InlineData("[[plugin]]\nname = \"x\"\nrole = \"trust\"\npath = \"p\"\nsettings = 3", "VPN1005", "must be a table")]
    [InlineData("plugin2 = 3", "VPN1004", "did you mean")]
    public void A_mistake_is_named(string text, string code, string words)
    {
        string error = Assert.Single(Errors($$"""
            schema = 1
            {{(text.StartsWith('[') ? "" : text)}}
            {{Plugin("t", "trust")}}
            {{Plugin("r", "routing")}}
            {{Plugin("n", "tun")}}
            {{Plugin("q", "transport")}}
            {{Plugin("c", "control")}}
            {{(text.StartsWith('[') ? text : "")}}
            """).Split('\n'));
        Assert.Contains($"error {code}: ", error, StringComparison.Ordinal);
        Assert.Contains(words, error, StringComparison.Ordinal);
    }

    private static string Plugin(string name, string role) =>
        $"[[plugin]]\nname = \"{name}\"\nrole = \"{role}\"\npath = \"p\"";

    private PluginManifest Read(string text)
    {
        var errors = new ConfigErrors("plugins.toml");
        PluginManifest? manifest = PluginManifestReader.Read(text, _scratch.Path, errors);
        Assert.Empty(errors.Sorted);
        return manifest!;
    }

    private string Errors(string text)
    {
        var errors = new ConfigErrors("plugins.toml");
        Assert.Null(PluginManifestReader.Read(text, _scratch.Path, errors));
        return string.Join('\n', errors.Sorted);
    }
}
