using System.Net;
using VibePN.Contracts;

namespace VibePN.Engine.Tests.Runtime;

/// <summary>A transport of which only the serving of interfaces is real; a test turns its loop.</summary>
internal sealed class FakePollingTransport : IPollingTransport
{
    private readonly List<IPacketSource> _sources = [];

    /// <summary>Whether sources are turned away.</summary>
    public bool Refuses { get; init; }

    /// <summary>How often a source was offered.</summary>
    public int Offers { get; private set; }

    /// <summary>Called when a source is to be served no more.</summary>
    public Action? OnStop { get; set; }

    public IReadOnlyList<IPacketSource> Sources => _sources;

    public TransportTraits Traits { get; } = new("fake", false, false, 0, default);

    public bool TryServe(IPacketSource source)
    {
        Offers++;
        if (!Refuses)
            _sources.Add(source);
        return !Refuses;
    }

    public void StopServing(IPacketSource source)
    {
        OnStop?.Invoke();
        _sources.Remove(source);
    }

    /// <summary>A turn of the loop: what has something is served, and removed when it is over.</summary>
    public void Turn() => _sources.RemoveAll(source => !source.OnReady());

    public IReadOnlyList<IPEndPoint> Listen(TransportOptions options, ITransportEvents events) => throw new NotSupportedException();

    public IReadOnlyList<IPEndPoint> Relisten(IReadOnlyList<IPEndPoint> listen) => throw new NotSupportedException();

    public void Dial(DialRequest request) => throw new NotSupportedException();

    public TransportStatistics GetStatistics() => default;

    public ValueTask StartAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public ValueTask StopAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;
}
