using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Testkit;

namespace VibePN.Engine.Tests.Node;

/// <summary>Whole engines on one memory wire, with the shipped routing and trust plugins.</summary>
internal sealed class NodeLab : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Takes everything that the guard lets through.</summary>
    public static readonly NetworkRules TakesAll = new()
    {
        Import = [new ImportRule { Outside = true, Prefixes = [new(IpPrefix.Parse("0.0.0.0/0"), 0, 32), new(IpPrefix.Parse("::/0"), 0, 128)] }],
    };

    private readonly List<LabEngine> _nodes = [];

    public MemoryWire Wire { get; } = new();

    /// <summary>Some nodes that all list each other, in the networks <c>corp</c> and <c>lab</c>; not started.</summary>
    public static NodeLab Mesh(int count)
    {
        var lab = new NodeLab();
        for (int i = 0; i < count; i++)
            lab.Add();
        foreach (LabEngine node in lab._nodes)
            node.Configuration = node.Configuration with { Peers = [.. lab._nodes.Where(other => other != node).Select(other => other.AsPeer())] };
        return lab;
    }

    public LabEngine this[int index] => _nodes[index];

    public LabEngine Add()
    {
        var node = new LabEngine(Wire, _nodes.Count + 1);
        _nodes.Add(node);
        return node;
    }

    public async Task StartAsync() => await Task.WhenAll(_nodes.Select(node => node.StartAsync()));

    /// <summary>Starts all and waits until each peer is up and has announced its own addresses.</summary>
    public async Task StartAndMeetAsync()
    {
        await StartAsync();
        await MeetAsync();
    }

    public async Task MeetAsync()
    {
        foreach (LabEngine node in _nodes)
        {
            int peers = node.Configuration.Peers.Length;
            await node.UntilAsync(
                status => status.Peers.All(peer => peer.State == "up" && peer.Connections == 1)
                    && status.Routes.Count(route => route.Candidate.Prefix.IsHost && route.Best) >= peers,
                "all peers up with their routes");
        }
    }

    public static NodeIdentity MakeIdentity(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate =
            request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        return new NodeIdentity(
            Fingerprint.Of(certificate.RawData), certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    public static IPEndPoint AddressOf(int number) => new(new IPAddress([192, 0, 2, (byte)number]), 51820);

    public static NetworkConfiguration Network(string name, int third, int number) => new()
    {
        Name = name,
        Prefix = IpPrefix.Parse($"10.{third}.0.0/24"),
        Prefix6 = IpPrefix.Parse($"fd{third}::/64"),
        Address = IpAddress.Parse($"10.{third}.0.{number}"),
        Address6 = IpAddress.Parse($"fd{third}::{number}"),
        Export = true,
        Rules = TakesAll,
    };

    /// <summary>Waits for a condition, up to a bound that only a failure reaches.</summary>
    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        long start = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(start) < Patience, $"never: {what}");
            await Task.Delay(2);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (LabEngine node in _nodes)
            await node.DisposeAsync();
    }
}
