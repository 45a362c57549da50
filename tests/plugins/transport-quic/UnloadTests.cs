using System.Net;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic.Tests;

public sealed class UnloadTests
{
    [Fact]
    public async Task Stopped_plugin_leaves_nothing_that_keeps_its_code_loaded()
    {
        await using Node peer = await Node.StartAsync();
        WeakReference alive = await UseAsync(peer);
        await Eventually.Holds(
            () =>
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return !alive.IsAlive;
            },
            "unloaded");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<WeakReference> UseAsync(Node peer)
    {
        var context = new PluginLoad();
        using var host = new FakeContext();
        Assembly assembly = context.LoadFromAssemblyPath(typeof(QuicTransport).Assembly.Location);
        Type type = assembly.GetType(typeof(QuicTransport).FullName!, throwOnError: true)!;
        Assert.NotEqual(typeof(QuicTransport), type);
        var plugin = (ITransportPlugin)Activator.CreateInstance(type, host)!;
        var events = new Counting();
        await plugin.StartAsync(CancellationToken.None);
        plugin.Listen(
            new TransportOptions
            {
                Identity = Identities.Create("unloaded"),
                Protocols = [Node.Alpn],
                Listen = [new IPEndPoint(IPAddress.Loopback, 0)],
            },
            events);
        plugin.Dial(new DialRequest(1, peer.Address));
        plugin.Dial(new DialRequest(2, "name.invalid:1"));
        await Eventually.Holds(() => events.Up == 1, "connected");
        await plugin.StopAsync(CancellationToken.None);
        Assert.Equal(1, events.Closed);
        Assert.Equal(1, events.Failed);
        context.Unload();
        return new WeakReference(context);
    }

    private sealed class PluginLoad() : AssemblyLoadContext("plugin", isCollectible: true)
    {
        // Everything but the plugin itself is shared, as the host shares it.
        protected override Assembly? Load(AssemblyName assemblyName) => null;
    }

    private sealed class Counting : ITransportEvents
    {
        private int _up;
        private int _closed;
        private int _failed;

        public int Up => Volatile.Read(ref _up);

        public int Closed => Volatile.Read(ref _closed);

        public int Failed => Volatile.Read(ref _failed);

        public HandshakeVerdict OnHandshake(in HandshakeQuestion question) =>
            new(true, Fingerprint.Of(question.CertificateDer), TrustReason.ConfiguredPin, "");

        public void OnConnected(ITransportConnection connection, long dialId) => Interlocked.Increment(ref _up);

        public void OnDialFailed(long dialId, CloseReason reason) => Interlocked.Increment(ref _failed);

        public void OnControl(ITransportConnection connection, ReadOnlySpan<byte> bytes) { }

        public void OnPackets(ITransportConnection connection, PacketBatch batch) { }

        public void OnPathChanged(ITransportConnection connection, PathFacts path) { }

        public void OnClosed(ITransportConnection connection, CloseReason reason) => Interlocked.Increment(ref _closed);
    }
}
