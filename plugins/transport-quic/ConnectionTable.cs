using System.Runtime.InteropServices;

namespace VibePN.Plugins.TransportQuic;

/// <summary>Which connection a datagram belongs to, by connection ID.</summary>
/// <remarks>Belongs to the loop's thread.</remarks>
internal sealed class ConnectionTable
{
    private readonly Dictionary<ConnectionId, QuicConnection> _byId = [];

    /// <summary>IDs known now.</summary>
    public int Count => _byId.Count;

    public void Add(ConnectionId id, QuicConnection connection) => _byId[id] = connection;

    public void Remove(ConnectionId id) => _byId.Remove(id);

    public bool TryFind(ConnectionId id, out QuicConnection? connection) => _byId.TryGetValue(id, out connection);

    /// <summary>A token's 16 bytes as a key.</summary>
    public static UInt128 Token(ReadOnlySpan<byte> bytes) => MemoryMarshal.Read<UInt128>(bytes);
}
