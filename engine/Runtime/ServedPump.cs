using VibePN.Contracts;
using VibePN.Engine.Forwarding;

namespace VibePN.Engine.Runtime;

/// <summary>Carries packets of one interface out of the kernel on a transport's thread, as <see cref="TunPump"/> does on its own.</summary>
internal sealed class ServedPump : IPacketSource, IDisposable
{
    private readonly IPollableDevice _device;
    private readonly IPollingTransport _transport;
    private readonly OutboundPath _path;
    private readonly PacketBatch _batch = TunPump.NewBatch();
    private readonly Action<string> _onLost;

    private ServedPump(IPollableDevice device, IPollingTransport transport, OutboundPath path, Action<string> onLost)
    {
        _device = device;
        _transport = transport;
        _path = path;
        _onLost = onLost;
    }

    /// <inheritdoc/>
    public int ReadyDescriptor => _device.ReadyDescriptor;

    /// <summary>Lets a transport read an interface, if both can do that.</summary>
    /// <param name="device">The interface; the pump disposes it.</param>
    /// <param name="transports">Who might.</param>
    /// <param name="path">Where packets go; the pump disposes it.</param>
    /// <param name="onLost">Told when the kernel took the interface away, on the transport's thread.</param>
    /// <returns>Null when the interface needs a thread.</returns>
    public static ServedPump? TryStart(
        ITunDevice device, IEnumerable<ITransportPlugin> transports, OutboundPath path, Action<string> onLost)
    {
        if (device is not IPollableDevice { ReadyDescriptor: >= 0 } pollable || transports.FirstOrDefault() is not IPollingTransport transport)
            return null;
        var pump = new ServedPump(pollable, transport, path, onLost);
        if (transport.TryServe(pump))
            return pump;
        pump._batch.Dispose();
        return null;
    }

    /// <inheritdoc/>
    public bool OnReady()
    {
        try
        {
            if (_device.TryRead(_batch) > 0)
                _path.Process(_batch);
            return true;
        }
        catch (TunException exception)
        {
            _onLost(exception.Message);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Our own bug or a policy's table: the network starts anew, reported, instead of ending the daemon.
            _onLost($"the packet path failed: {exception}");
        }
        return false;
    }

    /// <summary>Ends the reading and closes the interface.</summary>
    public void Dispose()
    {
        _transport.StopServing(this);
        _device.Dispose();
        _path.Dispose();
        _batch.Dispose();
    }
}
