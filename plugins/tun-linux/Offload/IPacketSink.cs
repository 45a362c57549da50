using VibePN.Plugins.TunLinux.Native;

namespace VibePN.Plugins.TunLinux.Offload;

/// <summary>Takes one packet, or super packet, with its virtio header in front.</summary>
internal unsafe interface IPacketSink
{
    /// <summary>Gives the kernel a packet.</summary>
    /// <param name="parts">The header, then the packet in pieces.</param>
    /// <param name="count">How many pieces.</param>
    /// <returns>0, or the kernel's errno: the packet was not taken.</returns>
    int Give(IoVec* parts, int count);
}
