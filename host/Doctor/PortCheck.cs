using System.Globalization;
using System.Net;
using System.Net.Sockets;
using VibePN.Host.Plugins;

namespace VibePN.Host.Doctor;

/// <summary>Check 15: whether the daemon can have, or has, the UDP ports it is to listen on.</summary>
internal static class PortCheck
{
    /// <summary>Runs it.</summary>
    public static Check Run(ExaminedConfig config)
    {
        var found = new CheckFindings(15, "listen port free");
        var words = new List<string>();
        foreach (IPEndPoint listen in config.Draft.Listen.Where(listen => listen.Port != 0))
        {
            SocketError error = TryBind(listen);
            if (error == SocketError.Success)
                words.Add($"{listen} is free");
            else if (error == SocketError.AddressAlreadyInUse)
                Taken(config, listen, words, found);
            else
                Impossible(config, listen, error, found);
        }
        return found.Build(words.Count == 0 ? "nothing to listen on" : string.Join(", ", words));
    }

    private static void Taken(ExaminedConfig config, IPEndPoint listen, List<string> words, CheckFindings found)
    {
        string lockPath = Path.Combine(config.Draft.Host.StateDirectory, StateFolders.Lock);
        HashSet<long> inodes = [.. ProcNet.UdpSockets()
            .Where(socket => socket.Local.Port == listen.Port && Meets(socket.Local.Address, listen.Address)).Select(socket => socket.Inode)];
        if (SocketHolder.Find(inodes, lockPath) is not { } holder)
        {
            found.Fail($"{listen} is taken, by a process that this user may not see",
                $"run this as root to learn which (or: sudo ss -lunp 'sport = :{listen.Port}'), or edit {config.Path}: listen on another port");
            return;
        }
        if (holder.HoldsState)
        {
            words.Add($"{listen} is held by this configuration's own daemon, {holder.Name} (pid {holder.Pid})");
            return;
        }
        found.Fail($"{listen} is held by {holder.Name} (pid {holder.Pid}), which is not this configuration's daemon",
            $"stop process {holder.Pid} ({holder.Name}), or edit {config.Path}: listen = [\"{WithPort(listen, listen.Port + 1)}\"], and tell the peers");
    }

    private static void Impossible(ExaminedConfig config, IPEndPoint listen, SocketError error, CheckFindings found)
    {
        string any = listen.AddressFamily == AddressFamily.InterNetwork ? "0.0.0.0" : "[::]";
        string remedy = error switch
        {
            SocketError.AddressNotAvailable => $"edit {config.Path}: listen = [\"{any}:{listen.Port}\"], or an address that this machine has (ip addr)",
            SocketError.AccessDenied => $"edit {config.Path}: listen on a port from 1024 on, or give the daemon CAP_NET_BIND_SERVICE",
            SocketError.AddressFamilyNotSupported => $"edit {config.Path}: remove {listen} from listen, or let the kernel have that family",
            _ => $"edit {config.Path}: listen on another address",
        };
        found.Fail($"{listen} cannot be listened on: {new SocketException((int)error).Message}", remedy);
    }

    private static SocketError TryBind(IPEndPoint listen)
    {
        try
        {
            using var socket = new Socket(listen.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            if (listen.AddressFamily == AddressFamily.InterNetworkV6)
                socket.DualMode = false;
            socket.ExclusiveAddressUse = true;
            socket.Bind(listen);
            return SocketError.Success;
        }
        catch (SocketException exception)
        {
            return exception.SocketErrorCode;
        }
    }

    // A socket on all addresses of both families keeps a port from every other.
    private static bool Meets(IPAddress held, IPAddress wanted) =>
        held.Equals(wanted) || held.Equals(IPAddress.IPv6Any)
        || (held.AddressFamily == wanted.AddressFamily && (IsAny(held) || IsAny(wanted)))
        || (held.IsIPv4MappedToIPv6 && held.MapToIPv4().Equals(wanted));

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    private static string WithPort(IPEndPoint listen, int port) =>
        new IPEndPoint(listen.Address, Math.Min(port, IPEndPoint.MaxPort)).ToString();
}

/// <summary>The process that has a socket.</summary>
/// <param name="Pid">Its number.</param>
/// <param name="Name">Its name, as the kernel has it.</param>
/// <param name="HoldsState">Whether it holds the state directory: whether it is the daemon of the configuration in question.</param>
internal sealed record SocketHolder(int Pid, string Name, bool HoldsState)
{
    /// <summary>Looks through all processes that this user may look at.</summary>
    /// <param name="inodes">The sockets.</param>
    /// <param name="lockPath">The file that a daemon of the configuration has open.</param>
    /// <returns>The first that has one of them; null when none shows.</returns>
    public static SocketHolder? Find(IReadOnlySet<long> inodes, string lockPath)
    {
        foreach (string process in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(process), NumberStyles.None, CultureInfo.InvariantCulture, out int pid))
                continue;
            List<string> targets = [.. Targets(process)];
            if (targets.Exists(target => IsOneOf(target, inodes)))
                return new SocketHolder(pid, NameOf(process), targets.Contains(Path.GetFullPath(lockPath)));
        }
        return null;
    }

    private static bool IsOneOf(string target, IReadOnlySet<long> inodes) =>
        target.StartsWith("socket:[", StringComparison.Ordinal)
        && long.TryParse(target.AsSpan(8, target.Length - 9), NumberStyles.None, CultureInfo.InvariantCulture, out long inode)
        && inodes.Contains(inode);

    // Processes come and go while we look, and others' are closed to an ordinary user.
    private static IEnumerable<string> Targets(string process)
    {
        string[] links;
        try
        {
            links = Directory.GetFileSystemEntries(Path.Combine(process, "fd"));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            yield break;
        }
        foreach (string link in links)
        {
            string? target = null;
            try
            {
                target = new FileInfo(link).LinkTarget;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                continue;
            }
            if (target is not null)
                yield return target;
        }
    }

    private static string NameOf(string process)
    {
        try
        {
            return Logging.LogText.Escape(File.ReadAllText(Path.Combine(process, "comm")).TrimEnd('\n'));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "a process";
        }
    }
}
