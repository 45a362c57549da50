using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using VibePN.Invites;

namespace VibePN.Vpnctl.Tests.Joining;

/// <summary>A node's files, and a daemon that plays its part in joining.</summary>
internal sealed class JoinBench : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("vpn-join-");

    public JoinBench() => Daemon = new FakeDaemon(Answer);

    public FakeDaemon Daemon { get; }

    public string Config => At("config.toml");

    public string Text => File.ReadAllText(Config);

    /// <summary>Errors by method; a method that is not in it succeeds.</summary>
    public Dictionary<string, string> Refuses { get; } = [];

    /// <summary>Members of requests, by method.</summary>
    public List<(string Method, JsonElement Request)> Calls { get; } = [];

    /// <summary>The fingerprint that the daemon says it is; this node's own by default.</summary>
    public string? Node { get; set; }

    public string At(string name) => Path.Combine(_folder.FullName, name);

    /// <summary>Identity and configuration as 'init' makes them.</summary>
    public string Init(params string[] options)
    {
        Outcome outcome = Outcome.Of(
            ["init", "--config", Config, "--cert", At("node.crt"), "--key", At("node.key"), "--network", "home", "--prefix", "10.1.0.0/24", .. options]);
        Assert.Equal(0, outcome.ExitCode);
        return Fingerprint;
    }

    public string Fingerprint => Outcome.Of("fingerprint", "--cert", At("node.crt")).Out.Trim();

    public Outcome Run(params string[] arguments) => Daemon.Vpnctl(arguments);

    public Outcome Join(params string[] arguments) => Run(["join", "--config", Config, "--cert", At("node.crt"), "--key", At("node.key"), .. arguments]);

    /// <summary>An invite of another node.</summary>
    public static string Invite(Func<Invite, Invite>? change = null)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var invite = new Invite
        {
            Id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)),
            Network = "corp",
            Prefix = IPNetwork.Parse("10.42.0.0/24"),
            Prefix6 = IPNetwork.Parse("fd42::/64"),
            InviterName = "node1",
            InviterFingerprint = new string('1', 64),
            Addresses = ["198.51.100.20:51820"],
            NotAfter = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 600),
            Secret = RandomNumberGenerator.GetBytes(16),
            Key = InviteKey.Of(key)!,
        };
        return InviteText.Write(change is null ? invite : change(invite), key);
    }

    public async ValueTask DisposeAsync()
    {
        await Daemon.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private string? Answer(string request)
    {
        using JsonDocument document = JsonDocument.Parse(request);
        string method = document.RootElement.GetProperty("cmd").GetString()!;
        lock (Calls)
            Calls.Add((method, document.RootElement.Clone()));
        if (Refuses.TryGetValue(method, out string? error))
            return $$"""{"status":"error","error":"{{error}}"}""" + "\n";
        string output = method switch
        {
            "status" => $$"""{"node":"{{Node ?? Fingerprint}}"}""",
            "invite.redeem" => $$"""{"name":"node2","network":"corp","peer":"{{new string('1', 64)}}"}""",
            "peers" => $$"""[{"id":"{{new string('1', 64)}}","state":"up"}]""",
            "networks" => """[{"name":"corp","addresses":["10.42.0.7/24"]}]""",
            "reload" => """{"changes":[]}""",
            _ => "{}",
        };
        return $$"""{"status":"ok","output":{{output}}}""" + "\n";
    }
}
