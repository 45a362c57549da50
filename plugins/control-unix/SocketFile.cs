using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using VibePN.Contracts;
using VibePN.Plugins.ControlUnix.Native;

namespace VibePN.Plugins.ControlUnix;

/// <summary>The socket's place in the file system, from appearing to vanishing.</summary>
/// <remarks>
/// The socket is bound in a directory only this process may enter, given its mode, made to listen, and then linked
/// to its path. So the path never shows a socket with a wrong mode or one that does not answer yet, and linking
/// never replaces anything: two daemons that start at once cannot both win.
/// </remarks>
internal sealed class SocketFile
{
    // struct sockaddr_un holds 108 bytes, the last of them zero.
    private const int MaxPathBytes = 107;
    private const int Backlog = 128;
    private const UnixFileMode Private =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode RuntimeDirectory = Private | UnixFileMode.GroupRead | UnixFileMode.GroupExecute;

    private readonly string _path;
    private readonly FileIdentity _identity;

    private SocketFile(string path, FileIdentity identity, Socket listener)
    {
        _path = path;
        _identity = identity;
        Listener = listener;
    }

    /// <summary>Listening. Owned by the caller.</summary>
    public Socket Listener { get; }

    /// <summary>Makes the socket appear at a path, with its mode and group from the first moment.</summary>
    /// <param name="path">Absolute. Its directory is made, mode 0750, when it is missing.</param>
    /// <param name="mode">The socket's permission bits.</param>
    /// <param name="group">The socket's group; null leaves the process's.</param>
    /// <exception cref="PluginException">Something else is there, or a system call failed.</exception>
    public static SocketFile Create(string path, UnixFileMode mode, uint? group)
    {
        CheckPath(path);
        string directory = Path.GetDirectoryName(path)!;
        PrepareDirectory(directory, path, group);
        string workshop = MakeWorkshop(directory, path);
        try
        {
            return CreateIn(workshop, path, mode, group);
        }
        catch (Exception error) when (error is SocketException or IOException or UnauthorizedAccessException)
        {
            throw Failure(path, error.Message, "Check the directory's owner, mode and free space.", error);
        }
        finally
        {
            RemoveWorkshop(workshop);
        }
    }

    /// <summary>Removes the path, if it is still the socket made here.</summary>
    public void Remove()
    {
        if (FileIdentity.Of(_path) == _identity)
            LibC.unlink(_path);
    }

    private static SocketFile CreateIn(string workshop, string path, UnixFileMode mode, uint? group)
    {
        string bound = Path.Combine(workshop, "s");
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            listener.Bind(new UnixDomainSocketEndPoint(bound));
            SetGroup(bound, group, path);
            File.SetUnixFileMode(bound, mode);
            listener.Listen(Backlog);
            FileIdentity identity = FileIdentity.Of(bound)
                ?? throw Failure(path, "it vanished while being made", "Start the daemon again.");
            Publish(bound, workshop, path);
            return new SocketFile(path, identity, listener);
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    private static void SetGroup(string file, uint? group, string path)
    {
        if (group is uint gid && LibC.chown(file, LibC.Unchanged, gid) != 0)
            throw Failure(path, $"its group could not be set to {gid}: {FileIdentity.LastErrorText()}",
                "Run as a member of that group, or remove 'socket_gid'.");
    }

    private static void Publish(string bound, string workshop, string path)
    {
        if (LibC.link(bound, path) == 0)
            return;
        if (Marshal.GetLastPInvokeError() == LibC.EEXIST)
        {
            RemoveStale(workshop, path);
            if (LibC.link(bound, path) == 0)
                return;
            if (Marshal.GetLastPInvokeError() == LibC.EEXIST)
                throw InUse(path);
        }
        throw Failure(path, $"link returned {FileIdentity.LastErrorText()}",
            "Check the directory's owner and mode, and that its file system knows hard links.");
    }

    /// <summary>Takes away a socket that a daemon left behind when it died, and nothing else.</summary>
    private static void RemoveStale(string workshop, string path)
    {
        if (FileIdentity.Of(path) is not FileIdentity found)
            return;
        if (!found.IsSocket)
            throw Failure(path, "something that is not a socket is there",
                "Move it away, or set another path as control.socket.");
        if (found.Owner != LibC.geteuid())
            throw Failure(path, $"a socket of uid {found.Owner} is there",
                "Remove it as its owner, or set another path as control.socket.");
        if (!RefusesConnections(path))
            throw InUse(path);

        // Between the look and the removal another daemon may have put its own socket there. Moving it first
        // shows what was really taken, and it can be put back.
        string taken = Path.Combine(workshop, "old");
        if (LibC.rename(path, taken) != 0)
            return;
        if (FileIdentity.Of(taken) == found)
        {
            LibC.unlink(taken);
            return;
        }
        LibC.link(taken, path);
        LibC.unlink(taken);
        throw InUse(path);
    }

    private static bool RefusesConnections(string path)
    {
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        // A living daemon with a full backlog would block a blocking connect.
        probe.Blocking = false;
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
            return false;
        }
        catch (SocketException error)
        {
            return error.SocketErrorCode == SocketError.ConnectionRefused;
        }
    }

    private static void CheckPath(string path)
    {
        if (!Path.IsPathRooted(path) || path.Contains('\0', StringComparison.Ordinal) || path.EndsWith('/'))
            throw Failure(path, "the path is not an absolute file path",
                "Set control.socket to a path such as /run/vibepn/vibepn.sock.", fault: PluginFault.Configuration);
        // The workshop's path is what gets bound, and may be the longer one.
        int longest = Math.Max(
            Encoding.UTF8.GetByteCount(path),
            Encoding.UTF8.GetByteCount(WorkshopPath(Path.GetDirectoryName(path)!)) + 2);
        if (longest > MaxPathBytes)
            throw Failure(path, $"the path is too long: the kernel takes {MaxPathBytes} bytes, this needs {longest}",
                "Set a shorter path as control.socket.", fault: PluginFault.Configuration);
    }

    private static void PrepareDirectory(string directory, string path, uint? group)
    {
        try
        {
            if (!Directory.Exists(directory))
            {
                Directory.CreateDirectory(Path.GetDirectoryName(directory)!);
                Directory.CreateDirectory(directory, RuntimeDirectory);
                SetGroup(directory, group, path);
                // The umask may have taken from the mode what the socket's group needs.
                File.SetUnixFileMode(directory, RuntimeDirectory);
            }
            UnixFileMode mode = File.GetUnixFileMode(directory);
            if ((mode & (UnixFileMode.OtherWrite | UnixFileMode.StickyBit)) == UnixFileMode.OtherWrite)
                throw Failure(path, $"anyone may write to {directory}, and so replace the socket",
                    $"Run: chmod o-w {directory}", fault: PluginFault.Configuration);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Failure(path, error.Message,
                $"Create {directory} for the daemon's user, or set another path as control.socket.", error);
        }
    }

    private static string MakeWorkshop(string directory, string path)
    {
        string workshop = WorkshopPath(directory);
        if (LibC.mkdir(workshop, (uint)Private) == 0)
            return workshop;
        throw Failure(path, $"mkdir in {directory} returned {FileIdentity.LastErrorText()}",
            $"Give the daemon's user write access to {directory}, or set another path as control.socket.");
    }

    private static string WorkshopPath(string directory) =>
        Path.Combine(directory, ".c" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4)));

    private static void RemoveWorkshop(string workshop)
    {
        try
        {
            Directory.Delete(workshop, recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // An empty private directory left behind harms nobody, and the socket itself works.
        }
    }

    private static PluginException InUse(string path) =>
        Failure(path, "another daemon answers there",
            "Stop it (vpnctl shutdown), or set another path as control.socket.");

    private static PluginException Failure(
        string path,
        string cause,
        string remedy,
        Exception? inner = null,
        PluginFault? fault = null)
    {
        bool denied = inner is UnauthorizedAccessException
            || inner is SocketException { SocketErrorCode: SocketError.AccessDenied }
            || (inner is null && Marshal.GetLastPInvokeError() is LibC.EACCES or LibC.EPERM);
        string message = $"Control socket '{path}' could not be opened: {cause.TrimEnd('.')}. {remedy}";
        fault ??= denied ? PluginFault.Privilege : PluginFault.Unavailable;
        return inner is null
            ? new PluginException(message) { Fault = fault.Value }
            : new PluginException(message, inner) { Fault = fault.Value };
    }
}
