using System.Net;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Host.Configuration;

namespace VibePN.Host.Tests.Configuration;

public sealed class ConfigReaderTests : IDisposable
{
    private const string Head = "[identity]\ncert = \"node.crt\"\nkey = \"node.key\"\n";

    private readonly Scratch _scratch = new();

    public ConfigReaderTests() => Identity.Shared.WriteTo(_scratch);

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Every_key_is_read()
    {
        DaemonConfiguration configuration = Read($$"""
            listen = ["127.0.0.1:4000", "[::1]:4000"]
            state = "/srv/vibepn"
            {{Head}}
            fingerprint = "{{Identity.Shared.Fingerprint}}"
            [control]
            socket = "/run/x.sock"
            [metrics]
            listen = "127.0.0.3:9100"
            [log]
            level = "debug"
            [sessions]
            renew_after = "1h30m"
            restart_hold = "0s"
            [[peers]]
            name = "node2"
            address = "203.0.113.42:51820"
            fingerprint = "{{new string('A', 64)}}"
            networks = ["corp"]
            [[peers]]
            name = "node3"
            [networks.corp]
            prefix = "10.42.0.0/24"
            prefix6 = "fd5a:1c3e:77::/64"
            address = "10.42.0.7"
            address6 = "fd5a:1c3e:77::7"
            export = true
            originate = ["192.168.7.0/24"]
            mtu = 1400
            mss_clamp = false
            overlap = "allow"
            """);

        Assert.Equal("/srv/vibepn", configuration.Host.StateDirectory);
        Assert.Equal("/run/x.sock", configuration.Host.ControlSocket);
        Assert.Equal(IPEndPoint.Parse("127.0.0.3:9100"), configuration.Host.MetricsListen);
        Assert.Equal(LogLevel.Debug, configuration.Host.LogLevel);
        EngineConfiguration engine = configuration.Engine;
        Assert.Equal([IPEndPoint.Parse("127.0.0.1:4000"), IPEndPoint.Parse("[::1]:4000")], engine.Listen);
        Assert.Equal(Identity.Shared.Fingerprint, engine.Identity.Fingerprint);
        Assert.Equal(TimeSpan.FromMinutes(90), engine.Sessions.RenewAfter);
        Assert.Equal(TimeSpan.Zero, engine.Sessions.RestartHold);
        Assert.Equal(["node2", "node3"], engine.Peers.Select(peer => peer.Name));
        Assert.Equal(["203.0.113.42:51820"], engine.Peers[0].Addresses);
        Assert.Equal(new string('a', 64), engine.Peers[0].Fingerprint.ToString());
        Assert.Equal(["corp"], engine.Peers[0].Networks);
        Assert.Empty(engine.Peers[1].Addresses);
        Assert.Null(engine.Peers[1].Fingerprint);
        NetworkConfiguration network = Assert.Single(engine.Networks);
        Assert.Equal(IpPrefix.Parse("10.42.0.0/24"), network.Prefix);
        Assert.Equal(IpPrefix.Parse("fd5a:1c3e:77::/64"), network.Prefix6);
        Assert.Equal(IpAddress.Parse("10.42.0.7"), network.Address);
        Assert.Equal(IpAddress.Parse("fd5a:1c3e:77::7"), network.Address6);
        Assert.True(network.Export);
        Assert.Equal([IpPrefix.Parse("192.168.7.0/24")], network.Originate);
        Assert.Equal(1400, network.Mtu);
        Assert.False(network.MssClamp);
        Assert.Equal(OverlapRule.Allow, network.Overlap);
    }

    [Fact]
    public void Absent_keys_have_the_documented_defaults()
    {
        DaemonConfiguration configuration = Read(Head + "[networks.corp]\nprefix = \"10.42.0.0/24\"");

        Assert.Equal("/var/lib/vibepn", configuration.Host.StateDirectory);
        Assert.Equal("/run/vibepn/vibepn.sock", configuration.Host.ControlSocket);
        Assert.Equal(IPEndPoint.Parse("127.0.0.1:9000"), configuration.Host.MetricsListen);
        Assert.Equal(LogLevel.Information, configuration.Host.LogLevel);
        Assert.Equal([IPEndPoint.Parse("0.0.0.0:51820"), IPEndPoint.Parse("[::]:51820")], configuration.Engine.Listen);
        NetworkConfiguration network = Assert.Single(configuration.Engine.Networks);
        Assert.Equal(1380, network.Mtu);
        Assert.True(network.MssClamp);
        Assert.Equal(OverlapRule.Refuse, network.Overlap);
        Assert.False(network.Export);
        Assert.True(network.Prefix!.Value.Contains(network.Address!.Value));
        Assert.Null(network.Address6);
    }

    [Fact]
    public void Automatic_addresses_follow_from_the_real_certificate()
    {
        NetworkConfiguration network = Assert.Single(Read(Head + """
            [networks.corp]
            prefix = "10.42.0.0/24"
            prefix6 = "fd5a::/64"
            address = "auto"
            address6 = "auto"
            """).Engine.Networks);

        string node = Identity.Shared.Fingerprint.ToString();
        Assert.Equal(Engine.Addressing.AutoAddress.First("corp", node, IpPrefix.Parse("10.42.0.0/24")), network.Address);
        Assert.Equal(Engine.Addressing.AutoAddress.First("corp", node, IpPrefix.Parse("fd5a::/64")), network.Address6);
    }

    [Fact]
    public void All_errors_are_reported_at_once_in_the_files_order()
    {
        string errors = Errors($$"""
            listn = ["127.0.0.1:4000"]
            listen = "127.0.0.1:4000"
            {{Head}}
            fingerprint = "{{new string('0', 63)}}1"
            [log]
            level = "inf"
            [[peers]]
            name = "a"
            networks = ["crop"]
            [[peers]]
            name = "a"
            fingerprint = "abc"
            [networks.corp]
            prefix = "10.42.0.0/33"
            """);

        Assert.Equal($$"""
            config.toml(1,1): error VPN1004: unknown key 'listn' in the top level; did you mean 'listen'?
            config.toml(2,10): error VPN1005: 'listen' in the top level must be an array of strings, not a string: write listen = ["..."].
            config.toml(7,15): error VPN1016: the certificate node.crt has fingerprint {{Identity.Shared.Fingerprint}}, not {{new string('0', 63)}}1. Point 'cert' at the right certificate, or put its fingerprint here.
            config.toml(9,9): error VPN1007: 'inf' is no log level: use one of debug, info, warn, error; did you mean 'info'?
            config.toml(12,13): error VPN1012: there is no network 'crop' in this file: add [networks.crop], or correct the name; did you mean 'corp'?
            config.toml(14,8): error VPN1013: there are two peers named 'a' (the first in line 11): give each its own name, or remove one.
            config.toml(15,15): error VPN1015: a fingerprint is 64 hexadecimal digits, and this is 3 characters that are not all of them. 'vpnctl fingerprint' on that node prints it.
            config.toml(17,10): error VPN1010: '10.42.0.0/33' is no IPv4 subnet: write one in CIDR form, such as "10.42.0.0/24".
            """, errors);
    }

    [Theory]
    [InlineData("[networks.a]\nprefix = \"10.0.0.0/24\"\naddress = \"10.0.1.5\"", "(6,11)", "VPN1011")]
    [InlineData("[networks.a]\nprefix = \"10.0.0.0/24\"\naddress = \"10.0.0.255\"", "(6,11)", "VPN1011")]
    [InlineData("[networks.a]\nprefix = \"10.0.0.0/24\"\naddress = \"10.0.0.0\"", "(6,11)", "VPN1011")]
    [InlineData("[networks.a]\nprefix = \"10.0.0.0/24\"\naddress = \"ten\"", "(6,11)", "VPN1007")]
    [InlineData("[networks.a]\nprefix = \"fd00::/64\"", "(5,10)", "VPN1010")]
    [InlineData("[networks.a]\nprefix = \"10.0.0.0/31\"", "(5,10)", "VPN1010")]
    [InlineData("[networks.a]\nprefix = \"10.0.0.0/0\"", "(5,10)", "VPN1010")]
    [InlineData("[networks.a]\nprefix6 = \"fd00::/64\"\nmtu = 1279", "(6,7)", "VPN1007")]
    [InlineData("[networks.a]\nprefix = \"10.0.0.0/24\"\nmtu = 70000", "(6,7)", "VPN1007")]
    [InlineData("[networks.a]\nprefix = \"10.0.0.0/24\"\nmss_clamp = \"on\"", "(6,13)", "VPN1005")]
    [InlineData("[networks.a]\nprefix = \"10.0.0.0/24\"\noverlap = \"yes\"", "(6,11)", "VPN1007")]
    [InlineData("[networks.a]\nprefix = \"10.0.0.0/24\"\nmss_clamp = 1340", "(6,13)", "VPN1005")]
    [InlineData("[networks.a]\nprefix = \"10.0.0.0/24\"\noriginate = [\"10.1.0.1/24\"]", "(6,14)", "VPN1010")]
    [InlineData("[networks.a]\naddress6 = \"fd00::1\"", "(4,11)", "VPN1006")]
    [InlineData("[networks.A]\nprefix = \"10.0.0.0/24\"", "(4,11)", "VPN1007")]
    [InlineData("[networks]\na = 3", "(5,5)", "VPN1005")]
    [InlineData("[metrics]\nlisten = \"0.0.0.0:9000\"", "(5,10)", "VPN1007")]
    [InlineData("[sessions]\nrenew_after = \"119s\"", "(5,15)", "VPN1007")]
    [InlineData("[sessions]\nrenew_after = \"25h\"", "(5,15)", "VPN1007")]
    [InlineData("[sessions]\nrenew_after = \"an hour\"", "(5,15)", "VPN1007")]
    [InlineData("[sessions]\nrenew_after = 60", "(5,15)", "VPN1005")]
    [InlineData("[sessions]\nrestart_hold = \"121s\"", "(5,16)", "VPN1007")]
    [InlineData("[sessions]\nrestart_hold = \"1500ms\"", "(5,16)", "VPN1007")]
    [InlineData("[sessions]\nrenew = \"1h\"", "(5,1)", "VPN1004")]
    [InlineData("[metrics]\nlisten = \"localhost:9000\"", "(5,10)", "VPN1007")]
    [InlineData("[metrics]\nlisten = \"[::1]:9000\"", "(5,10)", "VPN1007")]
    [InlineData("[control]\nsocket = \"\"", "(5,10)", "VPN1007")]
    [InlineData("[[peers]]\naddress = \"a:1\"", "(4,3)", "VPN1006")]
    [InlineData("[[peers]]\nname = \"a\"\naddress = \"no-port\"", "(6,11)", "VPN1007")]
    [InlineData("[[peers]]\nname = \"a\"\naddress = \"fd00::1:51820\"", "(6,11)", "VPN1007")]
    [InlineData("[[peers]]\nname = \"a\"\naddress = \"h:0\"", "(6,11)", "VPN1007")]
    [InlineData("[[peers]]\nname = \"a\"\naddress = \"h:70000\"", "(6,11)", "VPN1007")]
    [InlineData("[[peers]]\nname = \"a b\"", "(5,8)", "VPN1007")]
    [InlineData("[[peers]]\nname = 3", "(5,8)", "VPN1005")]
    [InlineData("[[peers]]\nname = \"a\"\nnmae = \"b\"", "(6,1)", "VPN1004")]
    [InlineData("[log]\nlevel = true", "(5,9)", "VPN1005")]
    [InlineData("[log]\nlevel = \"info\"\nlevel = \"warn\"", "(6,1)", "VPN1002")]
    [InlineData("[log]\nlevel = = \"info\"", "(5,9)", "VPN1002")]
    [InlineData("[log]\nlevel = \"in\\u0000fo\"", "(5,9)", "VPN1007")]
    public void A_mistake_is_named_with_its_place(string text, string position, string code)
    {
        string error = Assert.Single(Errors(Head + text).Split('\n'));
        Assert.StartsWith($"config.toml{position}: error {code}: ", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Our_own_fingerprint_is_no_peers()
    {
        string error = Errors($"{Head}[[peers]]\nname = \"me\"\nfingerprint = \"{Identity.Shared.Fingerprint}\"");
        Assert.Contains("config.toml(6,15): error VPN1014: this is our own fingerprint", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_peers_with_one_fingerprint_are_an_error()
    {
        string hex = new('b', 64);
        string error = Errors(
            $"{Head}[[peers]]\nname = \"a\"\nfingerprint = \"{hex}\"\n[[peers]]\nname = \"b\"\nfingerprint = \"{hex}\"");
        Assert.Contains("(9,15): error VPN1013: this is also the fingerprint of peer 'a'", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_syntax_error_does_not_hide_other_errors_nor_invent_any()
    {
        string[] errors = Errors(Head + "[log]\nlevel == \"info\"\n[metrics]\nlisten = 3\n").Split('\n');
        Assert.Contains(errors, error => error.Contains("(5,", StringComparison.Ordinal) && error.Contains("VPN1002", StringComparison.Ordinal));
        Assert.Contains(errors, error => error.StartsWith("config.toml(7,10): error VPN1005", StringComparison.Ordinal));
        Assert.DoesNotContain(errors, error => error.Contains("VPN1006", StringComparison.Ordinal));
    }

    [Fact]
    public void An_absent_identity_is_asked_for()
    {
        Assert.Equal(
            "config.toml(1,1): error VPN1006: the top level needs 'identity': add [identity] with 'cert' and 'key'; "
            + "'vpnctl init' makes both.", Errors(""));
    }

    [Fact]
    public void A_key_that_others_may_read_is_refused()
    {
        File.SetUnixFileMode(_scratch.At("node.key"), (UnixFileMode)0b110_100_000);
        Assert.Contains("(3,7): error VPN1018: the private key is not safe", Errors(Head), StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_of_another_certificate_is_refused()
    {
        _scratch.Write("node.key", Identity.Make().KeyPem);
        Assert.Contains("(3,7): error VPN1017: node.key is not the private key of node.crt", Errors(Head), StringComparison.Ordinal);
    }

    [Fact]
    public void A_certificate_that_is_none_is_refused()
    {
        _scratch.Write("node.crt", "hello");
        Assert.Contains("(2,8): error VPN1017: node.crt holds no readable PEM certificate", Errors(Head), StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_certificate_is_named_with_its_path()
    {
        File.Delete(_scratch.At("node.crt"));
        Assert.Contains($"(2,8): error VPN1017: cannot read {_scratch.At("node.crt")}", Errors(Head), StringComparison.Ordinal);
    }

    [Fact]
    public void Metrics_open_to_the_network_need_a_word_of_consent()
    {
        Assert.Equal(IPEndPoint.Parse("0.0.0.0:9000"),
            Read(Head + "[metrics]\nlisten = \"0.0.0.0:9000\"\nexpose = true").Host.MetricsListen);
        Assert.Null(Read(Head + "[metrics]\nlisten = \"\"").Host.MetricsListen);
    }

    [Fact]
    public void A_file_that_others_may_write_is_refused()
    {
        string path = _scratch.Write("config.toml", Head);
        File.SetUnixFileMode(path, (UnixFileMode)0b110_110_110);
        Assert.Null(ConfigReader.ReadFile(path, out IReadOnlyList<ConfigError> errors));
        Assert.Contains("error VPN1003", Assert.Single(errors).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_is_said_to_be_missing()
    {
        Assert.Null(ConfigReader.ReadFile(_scratch.At("none.toml"), out IReadOnlyList<ConfigError> errors));
        Assert.Contains("error VPN1001: there is no such file. 'vpnctl init'", Assert.Single(errors).ToString(),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_no_text_are_refused()
    {
        string path = _scratch.Write("config.toml", "");
        File.WriteAllBytes(path, [0x61, 0xFF, 0xFE]);
        Assert.Null(ConfigReader.ReadFile(path, out IReadOnlyList<ConfigError> errors));
        Assert.Contains("not UTF-8", Assert.Single(errors).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void No_text_whatever_makes_the_reader_throw()
    {
        string sample = Head + """
            listen = ["0.0.0.0:1"]
            [[peers]]
            name = "a"
            networks = ["corp"]
            [networks.corp]
            prefix = "10.0.0.0/24"
            mtu = { a.b = [1, 2.5, 1979-05-27] }
            """;
        var random = new Random(7);
        for (int i = 0; i < 3_000; i++)
        {
            char[] text = sample[..random.Next(sample.Length)].ToCharArray();
            for (int n = random.Next(4); n > 0 && text.Length > 0; n--)
                text[random.Next(text.Length)] = (char)random.Next(i % 2 == 0 ? 128 : 0xFFFF);
            ConfigReader.Read(new string(text), _scratch.Path, new ConfigErrors("config.toml"));
        }
    }

    [Fact]
    public void Packages_sample_is_a_configuration_that_works()
    {
        string text = File.ReadAllText(Scratch.InRepository("packaging/config.toml"));
        DaemonConfiguration configuration = Read(text.Replace("/etc/vibepn/certs/", "", StringComparison.Ordinal));
        Assert.Equal("berlin", Assert.Single(configuration.Engine.Peers).Name);
        Assert.Empty(VibePN.Engine.Policy.RuleCheck.Warnings(configuration.Engine));
    }

    private DaemonConfiguration Read(string text)
    {
        var errors = new ConfigErrors("config.toml");
        DaemonConfiguration? configuration = ConfigReader.Read(text, _scratch.Path, errors);
        Assert.Empty(errors.Sorted);
        return configuration!;
    }

    private string Errors(string text)
    {
        var errors = new ConfigErrors("config.toml");
        Assert.Null(ConfigReader.Read(text, _scratch.Path, errors));
        return string.Join('\n', errors.Sorted);
    }
}
