using System.Net;
using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic;

/// <summary>One dial's addresses, with the handshakes that are under way.</summary>
/// <remarks>Belongs to the loop's thread.</remarks>
internal sealed class DialRace(long dialId, string protocol, IPEndPoint[] addresses) : ITimed
{
    private readonly List<(IPEndPoint Address, CloseReason Reason)> _failures = [];
    private int _next;

    int ITimed.HeapIndex { get; set; } = -1;

    ulong ITimed.Due { get; set; }

    /// <summary>The engine's number of the dial.</summary>
    public long DialId { get; } = dialId;

    /// <summary>The one protocol name to offer; empty for the usual ones.</summary>
    public string Protocol { get; } = protocol;

    /// <summary>Handshakes under way.</summary>
    public List<QuicConnection> Open { get; } = [];

    /// <summary>The first whose peer has proved itself; the others wait for its end.</summary>
    public QuicConnection? Leader { get; set; }

    /// <summary>Whether an address is left to try.</summary>
    public bool HasNext => _next < addresses.Length;

    /// <summary>The next address to try.</summary>
    public IPEndPoint TakeNext() => addresses[_next++];

    /// <summary>An address led nowhere.</summary>
    public void OnFailure(IPEndPoint address, CloseReason reason) => _failures.Add((address, reason));

    /// <summary>Why the whole dial came to nothing: every address with its cause, under the weightiest code.</summary>
    public CloseReason Summary()
    {
        CloseReason heaviest = _failures.MaxBy(failure => Weight(failure.Reason.Code)).Reason;
        IEnumerable<string> causes = _failures.Select(failure => $"{failure.Address}: {failure.Reason.Text}");
        return heaviest with { Text = string.Join("; ", causes) };
    }

    // A refusal is somebody's decision and weighs more than silence: it must not be retried as fast.
    private static int Weight(CloseCode code) => code switch
    {
        CloseCode.TrustRefused => 3,
        CloseCode.Unreachable => 0,
        CloseCode.HandshakeTimeout => 1,
        _ => 2,
    };
}
