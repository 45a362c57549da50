using VibePN.Contracts;
using VibePN.Engine.Forwarding;

namespace VibePN.Engine.Runtime;

/// <summary>The thread that carries packets of one interface out of the kernel. Nothing on it allocates or blocks but the read.</summary>
internal sealed class TunPump : IDisposable
{
    /// <summary>Packets of one read, at most.</summary>
    public const int BatchPackets = 64;

    // Room for 16 super packets of 64 KB with their headroom: what one burst of reads can bring.
    private const int ArenaBytes = 16 * (65_536 + 256);

    private readonly ITunDevice _device;
    private readonly OutboundPath _path;
    private readonly Action<string> _onLost;
    private readonly Thread _thread;

    /// <summary>Begins to read.</summary>
    /// <param name="device">The interface; the pump disposes it.</param>
    /// <param name="path">Where packets go; the pump disposes it when its thread ends.</param>
    /// <param name="onLost">Told when the kernel took the interface away, on the pump's thread.</param>
    public TunPump(ITunDevice device, OutboundPath path, Action<string> onLost)
    {
        _device = device;
        _path = path;
        _onLost = onLost;
        _thread = new Thread(Run) { Name = $"vibepn {device.Name}", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Memory for what one burst of reads can bring.</summary>
    public static PacketBatch NewBatch() => new(BatchPackets, ArenaBytes);

    /// <summary>Closes the interface, which ends the thread.</summary>
    public void Dispose()
    {
        _device.Dispose();
        _thread.Join(TimeSpan.FromSeconds(2));
    }

    private void Run()
    {
        using OutboundPath path = _path;
        using PacketBatch batch = NewBatch();
        try
        {
            while (_device.Read(batch) > 0)
                path.Process(batch);
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
    }
}
