using System.Collections.Immutable;
using System.Globalization;
using VibePN.Host.Doctor;
using VibePN.Host.Native;

namespace VibePN.Host.Netcheck;

/// <summary>A UDP socket of this daemon.</summary>
/// <param name="Local">Where it is bound.</param>
/// <param name="ReceiveBytes">Its receive buffer as one asks for it; null when it could not be asked.</param>
/// <param name="SendBytes">Its send buffer likewise.</param>
/// <param name="Drops">Datagrams that found the receive buffer full.</param>
internal sealed record OwnSocket(string Local, int? ReceiveBytes, int? SendBytes, long Drops)
{
    /// <summary>The sockets of this process that are bound, whichever plugin opened them, by address.</summary>
    public static ImmutableArray<OwnSocket> All()
    {
        Dictionary<long, int> own = Descriptors();
        return
        [
            .. ProcNet.UdpSockets().Where(socket => own.ContainsKey(socket.Inode))
                .Select(socket => Of(socket, own[socket.Inode])).OrderBy(socket => socket.Local, StringComparer.Ordinal),
        ];
    }

    private static OwnSocket Of(UdpSocket socket, int descriptor)
    {
        (int Receive, int Send)? sizes = SocketBuffers.Read(descriptor);
        return new OwnSocket(socket.Local.ToString(), sizes?.Receive, sizes?.Send, socket.Drops);
    }

    private static Dictionary<long, int> Descriptors()
    {
        const string Start = "socket:[";
        var found = new Dictionary<long, int>();
        foreach (string link in Directory.GetFileSystemEntries("/proc/self/fd"))
        {
            string? target = null;
            try
            {
                target = new FileInfo(link).LinkTarget;
            }
            catch (IOException)
            {
                continue; // closed meanwhile
            }
            if (target?.StartsWith(Start, StringComparison.Ordinal) == true
                && long.TryParse(target.AsSpan(Start.Length).TrimEnd(']'), NumberStyles.None, CultureInfo.InvariantCulture, out long inode)
                && int.TryParse(Path.GetFileName(link), NumberStyles.None, CultureInfo.InvariantCulture, out int descriptor))
                found[inode] = descriptor;
        }
        return found;
    }
}
