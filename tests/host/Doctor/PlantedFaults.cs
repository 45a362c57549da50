using System.Net;
using System.Net.Sockets;
using VibePN.Engine.Runtime;
using VibePN.Host.Doctor;

namespace VibePN.Host.Tests.Doctor;

/// <summary>Something wrong with a node.</summary>
/// <param name="Number">The check that is to find it.</param>
/// <param name="Verdict">How that check is to end.</param>
/// <param name="Plant">Makes it wrong.</param>
/// <param name="Remedy">What the remedy is to name; <c>{F}</c> stands for the node's folder.</param>
/// <param name="Mend">Does what the remedy says; gets its first line.</param>
internal sealed record PlantedFault(
    int Number, CheckVerdict Verdict, Action<DoctorBench> Plant, string[] Remedy, Action<DoctorBench, string> Mend);

/// <summary>A fault for each check that needs no daemon, and some of their relatives.</summary>
internal static class PlantedFaults
{
    private const string Two = "2222222222222222222222222222222222222222222222222222222222222222";
    private const string Three = "3333333333333333333333333333333333333333333333333333333333333333";

    public static IReadOnlyDictionary<string, PlantedFault> All { get; } = new Dictionary<string, PlantedFault>
    {
        ["1 unknown key"] = Edit(1, "state =", "staet =", ["config.toml, line 2 (staet)", "did you mean 'state'"]),
        ["1 no such file"] = new(1, CheckVerdict.Fail, bench => File.Move(bench.ConfigPath, bench.ConfigPath + ".away"),
            ["vpnctl init --config {F}/config.toml"], (bench, _) => File.Move(bench.ConfigPath + ".away", bench.ConfigPath)),
        ["1 no TOML"] = Edit(1, "state = \"state\"", "state = \"state", ["config.toml, line 2"]),
        ["1 wrong type"] = Edit(1, "export = true\n[networks.lab]", "export = \"yes\"\n[networks.lab]", ["line 19 (networks.corp.export)", "export = true"]),
        ["2 empty field"] = Edit(2, "key = \"node.key\"", "key = \"\"", ["line 5 (identity.key)", "private key"]),
        ["2 no fingerprint"] = new(2, CheckVerdict.Warn,
            bench => bench.Edit($"\nfingerprint = \"{bench.Identity.Fingerprint}\"", ""), ["[identity]: fingerprint = \""],
            (bench, remedy) => bench.Edit("[[peers]]\nname = \"node2\"", $"{remedy[(remedy.IndexOf("]: ", StringComparison.Ordinal) + 3)..]}\n[[peers]]\nname = \"node2\"")),
        ["3 another certificate"] = new(3, CheckVerdict.Fail, bench => bench.Edit(bench.Identity.Fingerprint.ToString(), Two),
            ["line 6 (identity.fingerprint)", "put its fingerprint here"], (bench, _) => bench.Undo()),
        ["3 another's key"] = new(3, CheckVerdict.Fail, bench => bench.Scratch.Write("node.key", Identity.Make().KeyPem),
            ["vpnctl init --identity-only --force --cert node.crt --key node.key"],
            (bench, _) => bench.Scratch.Write("node.key", bench.Identity.KeyPem)),
        ["4 no prefix"] = Edit(4, "10.43.0.0/24", "10.43.0.0/33", ["(networks.lab.prefix)", "10.42.0.0/24"]),
        ["5 no address"] = Edit(5, "10.42.0.7", "10.42.0", ["(networks.corp.address)", "write \"auto\""]),
        ["6 no name"] = Edit(6, "name = \"node3\"", "name = \"\"", ["(peers[1].name)"]),
        ["7 no port"] = Edit(7, "203.0.113.2:51820", "203.0.113.2", ["(peers[0].address)", "write host:port"]),
        ["8 no fingerprint of 64 digits"] = Edit(8, Three, "3333", ["(peers[1].fingerprint)", "vpnctl fingerprint"]),
        ["8 empty fingerprint"] = Edit(8, Three, "", ["peer 'node3': fingerprint = "], CheckVerdict.Warn),
        ["9 unknown network"] = Edit(9, "[\"corp\", \"lab\"]", "[\"crop\", \"lab\"]", ["(peers[0].networks[0])", "did you mean 'corp'"]),
        ["10 address elsewhere"] = Edit(10, "10.42.0.7", "10.99.0.7", ["(networks.corp.address)", "inside it"]),
        ["11 inside the LAN"] = new(11, CheckVerdict.Fail,
            bench =>
            {
                bench.Namespace.Exec("ip", "link", "add", "lan0", "type", "veth", "peer", "name", "lan1");
                bench.Namespace.Exec("ip", "addr", "add", "10.42.1.1/16", "dev", "lan0");
                bench.Namespace.Exec("ip", "link", "set", "lan1", "up");
                bench.Namespace.Exec("ip", "link", "set", "lan0", "up");
            },
            ["[networks.corp]: another prefix"], (bench, _) => bench.Edit(DoctorBench.Corp, "prefix = \"10.44.0.0/24\"")),
        ["11 two networks, one prefix"] = Edit(11, "10.43.0.0/24", "10.42.0.0/24", ["[networks.corp] or [networks.lab] another subnet"]),
        ["12 ended"] = new(12, CheckVerdict.Fail, bench => bench.Renew(DateTimeOffset.UtcNow.AddDays(-9), DateTimeOffset.UtcNow.AddMinutes(-1)),
            ["vpnctl init --identity-only --force --cert {F}/node.crt"], Renew),
        ["12 ends within a week"] = new(12, CheckVerdict.Warn, bench => bench.Renew(DateTimeOffset.UtcNow.AddDays(-9), DateTimeOffset.UtcNow.AddDays(6)),
            ["vpnctl init --identity-only --force --cert {F}/node.crt"], Renew),
        ["13 exposed key"] = Mode("node.key", "0644", "chmod 0600 {F}/node.key"),
        ["13 others write the configuration"] = Mode("config.toml", "0666", "chmod go-w {F}/config.toml"),
        ["13 exposed pins"] = new(13, CheckVerdict.Fail,
            bench => File.SetUnixFileMode(bench.Scratch.Write("state/trust-tofu/pins", "x"), UnixFileMode.UserRead | UnixFileMode.GroupRead), ["chmod 0600 {F}/state/trust-tofu/pins"], (_, remedy) => DoctorBench.Type(remedy)),
        ["13 the unit's user cannot read"] = new(13, CheckVerdict.Fail,
            bench =>
            {
                bench.Scratch.Write("passwd", "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n");
                bench.WriteUnit("nobody", "AmbientCapabilities=CAP_NET_ADMIN");
            },
            ["chown nobody {F}/"], (bench, _) => DoctorBench.Type($"chown -R nobody {bench.Scratch.Path}; chown nobody {bench.Scratch.Path}")),
        ["13 the unit's user does not exist"] = new(13, CheckVerdict.Fail,
            bench =>
            {
                bench.Scratch.Write("passwd", "root:x:0:0::/:/bin/sh\n");
                bench.WriteUnit("vibepn", "AmbientCapabilities=CAP_NET_ADMIN");
            },
            ["useradd --system", "vibepn"],
            (bench, _) => bench.Scratch.Write("passwd", "vibepn:x:0:0::/:/bin/sh\n")),
        ["14 a unit without the capability"] = new(14, CheckVerdict.Fail,
            bench =>
            {
                bench.Scratch.Write("passwd", "vibepn:x:0:0::/:/bin/sh\n");
                bench.WriteUnit("vibepn", "");
            },
            ["systemctl edit vibepn.service", "AmbientCapabilities=CAP_NET_ADMIN"],
            (bench, _) => bench.Scratch.Write("units/vibepn.service.d/override.conf", "[Service]\nAmbientCapabilities=CAP_NET_ADMIN\n")),
        ["14 a unit without the device"] = new(14, CheckVerdict.Fail,
            bench =>
            {
                bench.Scratch.Write("passwd", "vibepn:x:0:0::/:/bin/sh\n");
                bench.WriteUnit("vibepn", "AmbientCapabilities=CAP_NET_ADMIN\nDevicePolicy=closed");
            },
            ["DeviceAllow=/dev/net/tun rw"],
            (bench, _) => bench.Scratch.Write("units/vibepn.service.d/override.conf", "[Service]\nDeviceAllow=/dev/net/tun rw\n")),
        ["15 port taken"] = new(15, CheckVerdict.Fail, bench => bench.Hold(bench.Namespace.Run(() => Taken(IPAddress.Any))),
            [$"stop process {Environment.ProcessId} (", "listen = [\"127.0.0.1:51821\"]"], (bench, _) => bench.Release()),
        ["15 port taken, listen elsewhere"] = new(15, CheckVerdict.Fail, bench => bench.Hold(bench.Namespace.Run(() => Taken(IPAddress.Loopback))),
            ["edit {F}/config.toml: listen"], (bench, _) => bench.Edit("127.0.0.1:51820", "127.0.0.1:51821")),
        ["15 no such address"] = Edit(15, "127.0.0.1:51820", "198.51.100.9:51820", ["listen = [\"0.0.0.0:51820\"]"]),
        ["16 one certificate twice"] = Edit(16, Three, Two, ["(peers[1].fingerprint)", "remove one of the two"]),
        ["16 own key"] = new(16, CheckVerdict.Fail, bench => bench.Edit(Three, bench.Identity.Fingerprint.ToString()),
            ["(peers[1].fingerprint)", "remove the peer"], (bench, _) => bench.Undo()),
        ["16 one name twice"] = Edit(16, "name = \"node3\"", "name = \"node2\"", ["(peers[1].name)", "its own name"]),
        ["16 one address twice"] = Edit(16, "name = \"node3\"", "name = \"node3\"\naddress = \"203.0.113.2:51820\"", ["'node2' and 'node3'"], CheckVerdict.Warn),
        ["17 nothing announced"] = Edit(17, "export = true\n[networks.lab]", "export = false\n[networks.lab]", ["[networks.corp]: export = true"], CheckVerdict.Warn),
        ["17 no members"] = Edit(17, "[\"corp\", \"lab\"]", "[\"corp\"]", ["add \"lab\" to the networks of a peer"], CheckVerdict.Warn),
        ["17 rule for nobody"] = Edit(17, "[networks.lab]", "[[networks.corp.policy.import]]\npeer = \"node9\"\nallow = [\"192.168.7.0/24\"]\n[networks.lab]", ["VPN1202", "correct 'peer'"], CheckVerdict.Warn),
        ["17 metrics exposed and off"] = Edit(17, "[[peers]]\nname = \"node2\"", "[metrics]\nlisten = \"\"\nexpose = true\n[[peers]]\nname = \"node2\"", ["line 9", "remove expose"], CheckVerdict.Warn),
        ["18 another hash"] = new(18, CheckVerdict.Fail, bench => File.AppendAllText(Path.Combine(bench.Scratch.At("fakes"), "more.txt"), "x"),
            ["plugins.toml, line 2", "find out who changed the files"], (bench, _) => File.Delete(Path.Combine(bench.Scratch.At("fakes"), "more.txt"))),
        ["18 another contract"] = new(18, CheckVerdict.Fail,
            bench =>
            {
                bench.Scratch.Install("other-major");
                bench.EditFile("plugins.toml", "name = \"fake-tun\"\nrole = \"tun\"\npath = \"fakes\"", "name = \"other-major\"\nrole = \"tun\"\npath = \"other-major\"");
                string line = File.ReadAllLines(bench.Scratch.At("plugins.toml")).First(each => each.StartsWith("sha256", StringComparison.Ordinal));
                bench.EditFile("plugins.toml", $"path = \"other-major\"\n{line}", "path = \"other-major\"");
            },
            ["plugins.toml, line 12", "contracts 1"],
            (bench, _) => bench.EditFile("plugins.toml", "name = \"other-major\"\nrole = \"tun\"\npath = \"other-major\"", "name = \"fake-tun\"\nrole = \"tun\"\npath = \"fakes\"")),
        ["18 no such file"] = new(18, CheckVerdict.Fail, bench => File.Move(bench.Line.PluginsPath, bench.Line.PluginsPath + ".away"),
            ["Copy the sample plugins.toml"], (bench, _) => File.Move(bench.Line.PluginsPath + ".away", bench.Line.PluginsPath)),
        ["19 before the build"] = new(19, CheckVerdict.Fail, bench => bench.Machine = bench.Machine with { Built = DateTimeOffset.UtcNow.AddDays(2) },
            ["timedatectl set-ntp true"], (bench, _) => bench.Machine = bench.Machine with { Built = Machine.Here.Built }),
        ["19 before the last run"] = new(19, CheckVerdict.Fail,
            bench =>
            {
                bench.Scratch.Write("state/engine/clock", "");
                File.WriteAllBytes(bench.Scratch.At("state/engine/clock"), KeptTime.Encode(DateTimeOffset.UtcNow.AddDays(2)));
            },
            ["timedatectl set-ntp true", "remove {F}/state/engine/clock"], (bench, _) => File.Delete(bench.Scratch.At("state/engine/clock"))),
        ["19 before the certificate"] = new(19, CheckVerdict.Fail, bench => bench.Renew(DateTimeOffset.UtcNow.AddDays(2), DateTimeOffset.UtcNow.AddDays(99)),
            ["set the clock"], Renew),
        ["19 nothing keeps it right"] = new(19, CheckVerdict.Warn, bench => bench.Machine = bench.Machine with { IsClockSynchronised = () => false },
            ["timedatectl set-ntp true"], (bench, _) => bench.Machine = bench.Machine with { IsClockSynchronised = () => true }),
    };

    private static PlantedFault Edit(int number, string from, string to, string[] remedy, CheckVerdict verdict = CheckVerdict.Fail) =>
        new(number, verdict, bench => bench.Edit(from, to), remedy, (bench, _) => bench.Undo());

    private static PlantedFault Mode(string file, string mode, string remedy) =>
        new(13, CheckVerdict.Fail, bench => DoctorBench.Type($"chmod {mode} {bench.Scratch.At(file)}"), [remedy], (_, command) => DoctorBench.Type(command));

    private static void Renew(DoctorBench bench, string remedy) => bench.Renew(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(200));

    private static Socket Taken(IPAddress address)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(address, 51820));
        return socket;
    }
}
