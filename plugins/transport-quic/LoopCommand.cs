using System.Net;

namespace VibePN.Plugins.TransportQuic;

internal enum LoopCommandKind
{
    Resolved,
    Listen,
    Configure,
    Stop,
}

/// <summary>Something that another thread asks of the loop.</summary>
/// <param name="Kind">What.</param>
/// <param name="DialId">Resolved: which dial.</param>
/// <param name="Addresses">Resolved: what the name stands for; empty when it stands for nothing.</param>
/// <param name="Fault">Resolved: why there is no address.</param>
/// <param name="Protocol">Resolved: the one protocol name to offer; empty for the usual ones.</param>
/// <param name="Groups">Listen: the addresses that are listed from now on.</param>
/// <param name="Settings">Configure: the settings from now on.</param>
internal readonly record struct LoopCommand(
    LoopCommandKind Kind, long DialId = 0, IPEndPoint[]? Addresses = null, string Fault = "",
    string Protocol = "", SocketGroup[]? Groups = null, QuicSettings? Settings = null);
