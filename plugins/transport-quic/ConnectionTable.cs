using System.Runtime.InteropServices;

namespace VibePN.Plugins.TransportQuic;

/// <summary>Which connection a datagram belongs to: by connection ID, and by reset token (RFC 9000 §10.3).</summary>
/// <remarks>Belongs to the loop's thread.</remarks>
internal sealed class ConnectionTable
{
    private readonly Dictionary<ConnectionId, QuicConnection> _byId = [];
    private readonly Dictionary<UInt128, QuicConnection> _byToken = [];

    /// <summary>IDs known now.</summary>
    public int Count => _byId.Count;

    public void Add(ConnectionId id, QuicConnection connection) => _byId[id] = connection;

    public void Remove(ConnectionId id) => _byId.Remove(id);

    public bool TryFind(ConnectionId id, out QuicConnection? connection) => _byId.TryGetValue(id, out connection);

    public void AddToken(UInt128 token, QuicConnection connection) => _byToken[token] = connection;

    public void RemoveToken(UInt128 token) => _byToken.Remove(token);

    public bool TryFindToken(UInt128 token, out QuicConnection? connection) =>
        _byToken.TryGetValue(token, out connection);

    /// <summary>A token's 16 bytes as a key.</summary>
    public static UInt128 Token(ReadOnlySpan<byte> bytes) => MemoryMarshal.Read<UInt128>(bytes);
}
