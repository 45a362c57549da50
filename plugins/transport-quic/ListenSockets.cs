using System.Net;

namespace VibePN.Plugins.TransportQuic;

/// <summary>The open sockets as the control thread knows them: opens what is new, keeps what stays, retires the rest.</summary>
/// <param name="loops">How many loops there are: each address has a socket for each.</param>
/// <remarks>For the engine's control thread; the loops close retired sockets on its own.</remarks>
internal sealed class ListenSockets(int loops)
{
    private readonly List<SocketGroup> _retired = [];

    /// <summary>The sockets in use, in the order of the list they were asked for by.</summary>
    public SocketGroup[] Listed { get; private set; } = [];

    /// <summary>Makes the listed sockets those of these addresses.</summary>
    /// <returns>The sockets that were opened for it, and those that are listed no longer.</returns>
    /// <exception cref="Contracts.PluginException">One cannot be opened; nothing has changed.</exception>
    public (List<SocketGroup> Opened, List<SocketGroup> Retired) Change(IReadOnlyList<IPEndPoint> listen, QuicSettings settings)
    {
        _retired.RemoveAll(socket => socket.IsClosed);
        List<SocketGroup> leaving = [.. Listed];
        var sockets = new SocketGroup?[listen.Count];
        for (int i = 0; i < listen.Count; i++)
            sockets[i] = Take(leaving, listen[i]);
        List<SocketGroup> revived = Revive(listen, sockets);
        var opened = new List<SocketGroup>();
        List<SocketGroup> going = [.. leaving, .. _retired];
        try
        {
            // From 0.0.0.0 to one address, or back, the port stays the same: for a moment it has two sockets.
            going.ForEach(socket => socket.SetShared(true));
            for (int i = 0; i < listen.Count; i++)
            {
                if (sockets[i] is not null)
                    continue;
                SocketGroup socket = SocketGroup.Open(listen[i], settings, loops, shared: going.Count > 0);
                sockets[i] = socket;
                opened.Add(socket);
            }
        }
        catch
        {
            opened.ForEach(socket => socket.Dispose());
            revived.ForEach(socket => socket.Retire());
            _retired.AddRange(revived);
            throw;
        }
        finally
        {
            // Only other processes' sockets are kept off by this, so it must not stay.
            going.ForEach(socket => socket.SetShared(false));
            opened.ForEach(socket => socket.SetShared(false));
        }
        leaving.ForEach(socket => socket.Retire());
        _retired.AddRange(leaving);
        Listed = sockets!;
        return (opened, leaving);
    }

    private static SocketGroup? Take(List<SocketGroup> from, IPEndPoint address)
    {
        SocketGroup? found = from.Find(socket => socket.LocalEndPoint.Equals(address))
            ?? from.Find(socket => socket.Asked.Equals(address));
        if (found is not null)
            from.Remove(found);
        return found;
    }

    // An address that comes back while its old socket still serves connections takes that socket.
    private List<SocketGroup> Revive(IReadOnlyList<IPEndPoint> listen, SocketGroup?[] sockets)
    {
        var revived = new List<SocketGroup>();
        for (int i = 0; i < listen.Count; i++)
        {
            if (sockets[i] is not null
                || _retired.Find(socket => socket.LocalEndPoint.Equals(listen[i])) is not { } known)
                continue;
            _retired.Remove(known);
            if (!known.TryRevive())
                continue;
            sockets[i] = known;
            revived.Add(known);
        }
        return revived;
    }
}
