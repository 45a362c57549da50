using System.Net.Sockets;
using System.Runtime.InteropServices;
using VibePN.Contracts;
using VibePN.Plugins.ControlUnix.Native;

namespace VibePN.Plugins.ControlUnix;

/// <summary>Who connected, as the kernel recorded it at that moment.</summary>
/// <param name="Pid">The process; for the audit line only, since a pid can be reused.</param>
/// <param name="Uid">The effective user.</param>
/// <param name="Groups">The effective and the supplementary groups.</param>
internal sealed record PeerCredentials(int Pid, uint Uid, IReadOnlyList<uint> Groups)
{
    // More groups than any account sensibly has; beyond it only the effective group counts.
    private const int MaxGroups = 1024;

    /// <summary>For log lines and messages.</summary>
    public string Name => $"uid {Uid} pid {Pid}";

    /// <summary>Asks the kernel.</summary>
    /// <exception cref="SocketException">The kernel does not tell; such a client must be refused.</exception>
    public static PeerCredentials Of(Socket client)
    {
        Ucred credentials = default;
        int length = client.GetRawSocketOption(
            LibC.SOL_SOCKET, LibC.SO_PEERCRED, MemoryMarshal.AsBytes(new Span<Ucred>(ref credentials)));
        if (length != Marshal.SizeOf<Ucred>())
            throw new SocketException((int)SocketError.OperationNotSupported);
        uint[] groups = [credentials.gid, .. SupplementaryGroups(client)];
        return new PeerCredentials(credentials.pid, credentials.uid, groups);
    }

    private static uint[] SupplementaryGroups(Socket client)
    {
        Span<uint> groups = stackalloc uint[MaxGroups];
        try
        {
            int length = client.GetRawSocketOption(
                LibC.SOL_SOCKET, LibC.SO_PEERGROUPS, MemoryMarshal.AsBytes(groups));
            return groups[..(length / sizeof(uint))].ToArray();
        }
        catch (SocketException)
        {
            // A kernel older than 4.13, or an account with more groups than fit: fewer rights, never more.
            return [];
        }
    }
}

/// <summary>Turns credentials into a role. Root and the daemon's own user may do everything.</summary>
internal sealed class AccessRules(uint ownUid)
{
    public IReadOnlySet<uint> AdminUsers { get; init; } = new HashSet<uint>();

    public IReadOnlySet<uint> AdminGroups { get; init; } = new HashSet<uint>();

    public IReadOnlySet<uint> ViewerUsers { get; init; } = new HashSet<uint>();

    public IReadOnlySet<uint> ViewerGroups { get; init; } = new HashSet<uint>();

    /// <summary>The highest role that applies.</summary>
    public ControlRole RoleOf(PeerCredentials peer)
    {
        if (peer.Uid == 0 || peer.Uid == ownUid)
            return ControlRole.Admin;
        if (AdminUsers.Contains(peer.Uid) || peer.Groups.Any(AdminGroups.Contains))
            return ControlRole.Admin;
        if (ViewerUsers.Contains(peer.Uid) || peer.Groups.Any(ViewerGroups.Contains))
            return ControlRole.Viewer;
        return ControlRole.None;
    }
}
