using System.Net;
using VibePN.Contracts;

namespace VibePN.Plugins.TransportQuic;

/// <summary>The sockets of one listen address: one for each loop, sharing a port (SO_REUSEPORT).</summary>
/// <remarks>
/// The kernel gives each datagram to the loop that its connection ID names (<see cref="UdpSocket.TrySteer"/>). They open
/// and close together: a group with a gap would be steered wrongly. Any thread.
/// </remarks>
internal sealed class SocketGroup : IDisposable
{
    private readonly Lock _gate = new();
    private readonly UdpSocket[] _members;
    private readonly bool[] _released;
    private bool _retired;
    private bool _isClosed;

    private SocketGroup(UdpSocket[] members, IPEndPoint asked, bool isSteered)
    {
        _members = members;
        _released = new bool[members.Length];
        Asked = asked;
        IsSteered = isSteered;
        foreach (UdpSocket member in members)
            member.Group = this;
    }

    /// <summary>The address as it was asked for; its port may be 0.</summary>
    public IPEndPoint Asked { get; }

    /// <summary>The address really bound.</summary>
    public IPEndPoint LocalEndPoint => _members[0].LocalEndPoint;

    /// <summary>One for each loop.</summary>
    public IReadOnlyList<UdpSocket> Members => _members;

    /// <summary>Whether the kernel knows which datagram is for which loop; otherwise the loops hand them to each other.</summary>
    public bool IsSteered { get; }

    /// <summary>Whether all are closed.</summary>
    public bool IsClosed => Volatile.Read(ref _isClosed);

    /// <summary>Opens and binds.</summary>
    /// <param name="endPoint">Where; a port 0 lets the kernel choose.</param>
    /// <param name="settings">Buffers and offloads.</param>
    /// <param name="loops">How many sockets.</param>
    /// <param name="shared">Whether the port may be one that sockets with <see cref="SetShared"/> have.</param>
    /// <exception cref="PluginException">The address is taken, not ours, or not allowed; nothing stays open.</exception>
    public static SocketGroup Open(IPEndPoint endPoint, QuicSettings settings, int loops, bool shared = false)
    {
        var members = new UdpSocket[loops];
        try
        {
            // The first one is alone at first: so a port that somebody has, who would share it, is found taken.
            members[0] = UdpSocket.Open(endPoint, settings, shared);
            if (loops == 1)
                return new SocketGroup(members, endPoint, isSteered: true);
            members[0].SharePort();
            for (int i = 1; i < loops; i++)
                members[i] = UdpSocket.Open(members[0].LocalEndPoint, settings, shared, sharesPort: true);
            return new SocketGroup(members, endPoint, members[0].TrySteer(loops));
        }
        catch
        {
            foreach (UdpSocket? member in members)
                member?.Dispose();
            throw;
        }
    }

    /// <summary>Whether sockets opened as shared may have the same port.</summary>
    public void SetShared(bool shared)
    {
        foreach (UdpSocket member in _members)
            member.SetShared(shared);
    }

    /// <summary>From now on the loops may release it.</summary>
    public void Retire()
    {
        lock (_gate)
            _retired = true;
    }

    /// <summary>Takes <see cref="Retire"/> back, unless it is closed already.</summary>
    public bool TryRevive()
    {
        lock (_gate)
        {
            if (_isClosed)
                return false;
            _retired = false;
            Array.Clear(_released);
            return true;
        }
    }

    /// <summary>A loop needs its socket no more, and touches it no more; the last one's release closes all.</summary>
    /// <param name="loop">Number of the loop.</param>
    /// <returns>False when the group is not retired, or not any more.</returns>
    public bool TryRelease(int loop)
    {
        lock (_gate)
        {
            if (!_retired)
                return false;
            _released[loop] = true;
            if (!_released.Contains(false))
                Dispose();
            return true;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (UdpSocket member in _members)
                member.Dispose();
            Volatile.Write(ref _isClosed, true);
        }
    }
}
