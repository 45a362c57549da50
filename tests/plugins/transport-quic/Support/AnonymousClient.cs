using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Contracts;
using VibePN.Plugins.TransportQuic.Native;

namespace VibePN.Plugins.TransportQuic.Tests;

/// <summary>The plugin's own loop with credentials that hold no certificate: what an outsider would write.</summary>
internal sealed class AnonymousClient : ITransportEvents, IAsyncDisposable
{
    private readonly EventLoops _loops;
    private readonly ConcurrentQueue<CloseReason> _failures = new();

    public AnonymousClient()
    {
        var options = new TransportOptions
        {
            Identity = Identities.Create("nobody"),
            Protocols = [Node.Alpn],
            Listen = [],
        };
        var settings = new QuicSettings();
        var shared = new SharedState
        {
            Options = options,
            Events = this,
            Credentials = new TlsCredentials(null, options.Protocols),
            Crypto = NativeLibraries.Load(settings.Protection),
            Secrets = new NodeSecrets(options.Identity),
            Log = NullLogger.Instance,
            Admission = new Admission((ulong)Stopwatch.GetTimestamp()),
        };
        _loops = new EventLoops(
            [SocketGroup.Open(new IPEndPoint(IPAddress.Loopback, 0), settings, loops: 1)], shared, settings, [new TransportCounters()]);
        _loops.Start();
    }

    public async Task<CloseReason> DialFailsAsync(string address)
    {
        _loops.Dial(new DialRequest(1, address));
        await Eventually.Holds(() => !_failures.IsEmpty, "dial fails");
        return Assert.Single(_failures);
    }

    public HandshakeVerdict OnHandshake(in HandshakeQuestion question) =>
        new(true, Fingerprint.Of(question.CertificateDer), TrustReason.ConfiguredPin, "");

    public void OnConnected(ITransportConnection connection, long dialId) => Assert.Fail("connected");

    public void OnDialFailed(long dialId, CloseReason reason) => _failures.Enqueue(reason);

    public void OnControl(ITransportConnection connection, ReadOnlySpan<byte> bytes) => Assert.Fail("control");

    public void OnPackets(ITransportConnection connection, PacketBatch batch) => Assert.Fail("packets");

    public void OnPathChanged(ITransportConnection connection, PathFacts path) => Assert.Fail("path");

    public void OnClosed(ITransportConnection connection, CloseReason reason) => Assert.Fail("closed");

    public ValueTask DisposeAsync()
    {
        _loops.Stop();
        return ValueTask.CompletedTask;
    }
}
