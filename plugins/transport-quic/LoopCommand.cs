using System.Net;

namespace VibePN.Plugins.TransportQuic;

internal enum LoopCommandKind
{
    Resolved,
    Stop,
}

/// <summary>Something that another thread asks of the loop.</summary>
/// <param name="Kind">What.</param>
/// <param name="DialId">Resolved: which dial.</param>
/// <param name="Addresses">Resolved: what the name stands for; empty when it stands for nothing.</param>
/// <param name="Fault">Resolved: why there is no address.</param>
internal readonly record struct LoopCommand(
    LoopCommandKind Kind, long DialId = 0, IPEndPoint[]? Addresses = null, string Fault = "");
