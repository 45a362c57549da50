using VibePN.Contracts;

namespace VibePN.Host.Tests.Plugins;

public sealed class PluginCheckTests : IDisposable
{
    private readonly PluginBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Sound_plugins_have_no_errors() => Assert.Equal("", _bench.Errors());

    [Fact]
    public void A_plugin_of_another_contract_generation_is_refused_before_it_is_loaded()
    {
        _bench.Replace("tun", "other-major", "other-major");
        Assert.Contains(
            "error VPN1101: plugin 'other-major' 0.1.0 needs contracts 2; this daemon provides 1.0. "
            + "Upgrade vibepnd, or use a build for contracts 1.", _bench.Errors(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_plugin_built_for_a_newer_minor_is_refused()
    {
        _bench.Replace("tun", "newer-minor", "newer-minor");
        Assert.Contains(
            "error VPN1101: plugin 'newer-minor' 0.1.0 needs contracts 1.99; this daemon provides 1.0. "
            + "Upgrade vibepnd, or use a build for contracts <= 1.0.", _bench.Errors(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_plugin_that_ships_the_contracts_is_refused()
    {
        File.Copy(typeof(IPlugin).Assembly.Location, _bench.Scratch.At("fakes/VibePN.Contracts.dll"));
        Assert.Contains("ships VibePN.Contracts.dll, which the host provides. Author's fix: ExcludeAssets=\"runtime\".",
            _bench.Errors(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_contracts_under_another_file_name_are_still_found()
    {
        File.Copy(typeof(IPlugin).Assembly.Location, _bench.Scratch.At("fakes/innocent.dll"));
        Assert.Contains("error VPN1102: ", _bench.Errors(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_plugin_that_leans_on_the_host_is_refused()
    {
        File.Copy(typeof(Running.ExitCodesTests).Assembly.Location, _bench.Scratch.At("fakes/leaning.dll"));
        Assert.Contains("error VPN1107: plugin 'fake-trust': leaning.dll refers to vibepnd, which is the host's own.",
            _bench.Errors(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_role_is_named()
    {
        _bench.Use("fake-trust", "transport", _bench.Scratch.At("fakes"));
        _bench.Use("uses-one", "trust", _bench.Scratch.Install("uses-one"));
        Assert.Contains("error VPN1104: 'fake-trust' is a trust plugin but fills role 'transport' (",
            _bench.Errors(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_name_is_answered_with_the_right_ones()
    {
        _bench.Use("fake-trusty", "trust", _bench.Scratch.At("fakes"));
        Assert.Contains("error VPN1105: no plugin named 'fake-trusty' in ", _bench.Errors(), StringComparison.Ordinal);
        Assert.Contains(
            "it exports: 'fake-control', 'fake-routing', 'fake-transport', 'fake-trust', 'fake-tun'.",
            _bench.Errors(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_a_plugin_is_said_to_be_one()
    {
        _bench.Use("lonely", "trust", _bench.Scratch.Install("library-one"));
        Assert.Contains("error VPN1106: no plugin in ", _bench.Errors(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_hash_is_refused_and_the_right_one_named()
    {
        string folder = _bench.Scratch.At("fakes");
        string right = Host.Plugins.PluginPackage.Read(folder).Hash;
        string wrong = new('a', 64);
        _bench.Use("fake-trust", "trust", folder, $"sha256 = [\"{wrong}\"]");
        Assert.Contains($"error VPN1103: plugin 'fake-trust' sha256 mismatch: expected {wrong}, got {right}. ",
            _bench.Errors(), StringComparison.Ordinal);

        _bench.Use("fake-trust", "trust", folder, $"sha256 = [\"{wrong}\", \"{right.ToUpperInvariant()}\"]");
        Assert.Equal("", _bench.Errors());
    }

    [Fact]
    public void A_plugin_that_others_may_write_is_refused()
    {
        string file = _bench.Scratch.At("fakes/VibePN.Fixtures.Fakes.dll");
        File.SetUnixFileMode(file, (UnixFileMode)0b110_110_100);
        Assert.Contains($"error VPN1023: plugin 'fake-trust': {file} has mode 0664 and may be written by others. Run: chmod go-w",
            _bench.Errors(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_in_a_plugins_folder_is_refused()
    {
        File.CreateSymbolicLink(_bench.Scratch.At("fakes/link.so"), "/etc/hostname");
        Assert.Contains("is a symbolic link", _bench.Errors(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_assembly_is_named()
    {
        string file = _bench.Scratch.At("fakes/VibePN.Fixtures.Fakes.dll");
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..2_000]);
        Assert.Contains("error VPN11", _bench.Errors(), StringComparison.Ordinal);
    }

    [Fact]
    public void Damage_anywhere_in_an_assembly_never_makes_the_check_throw()
    {
        string file = _bench.Scratch.At("fakes/VibePN.Fixtures.Fakes.dll");
        byte[] sound = File.ReadAllBytes(file);
        var random = new Random(11);
        for (int i = 0; i < 60; i++)
        {
            byte[] damaged = [.. sound[..random.Next(1, sound.Length + 1)]];
            for (int n = random.Next(1, 20); n > 0; n--)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(file, damaged);
            _bench.Errors();
        }
    }

    [Fact]
    public void All_plugins_errors_come_at_once_in_the_files_order()
    {
        _bench.Replace("tun", "other-major", "other-major");
        _bench.Replace("routing", "faulty", "absent");
        string[] errors = _bench.Errors().Split('\n');
        Assert.Equal(["VPN1101", "VPN1105"], errors.Select(error => error.Split("error ")[1][..7]));
    }

    [Theory]
    [InlineData("", "VPN1108", "setting 'label' of plugin 'has-settings' is required and absent. What it is: What it is called.")]
    [InlineData("label = 3", "VPN1108", "setting 'label' of plugin 'has-settings' must be a string, not an integer.")]
    [InlineData("label = \"a\"\ncolour = \"pink\"", "VPN1108", "is 'pink', not one of red, green, blue.")]
    [InlineData("label = \"a\"\nsize = 10", "VPN1108", "is 10, outside 1 to 9.")]
    [InlineData("label = \"a\"\npause = \"5 minutes\"", "VPN1108", "must be a duration such as")]
    [InlineData("label = \"a\"\nnames = [1]", "VPN1108", "must be an array of strings, not an array.")]
    [InlineData("label = \"a\"\nsise = 4", "VPN1004", "plugin 'has-settings' has no setting 'sise'; did you mean 'size'?")]
    public void Settings_are_checked_against_what_the_class_declares(string settings, string code, string words)
    {
        _bench.Replace("tun", "faulty", "has-settings", "[plugin.settings]\n" + settings);
        string error = Assert.Single(_bench.Errors().Split('\n'));
        Assert.Contains($"error {code}: ", error, StringComparison.Ordinal);
        Assert.Contains(words, error, StringComparison.Ordinal);
    }
}
