using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace VibePN.Host.Running;

/// <summary>Tells the service manager how the daemon is doing, as sd_notify(3) does; silent where there is none.</summary>
/// <remarks>Any thread. A manager that does not listen changes nothing: what cannot be told is not told.</remarks>
internal sealed class ServiceManager : IDisposable
{
    private const int MaxStatusCharacters = 256;

    // A manager that has stopped reading must not hold up the daemon.
    private const int SendTimeoutMs = 500;

    private readonly Socket? _socket;
    private readonly UnixDomainSocketEndPoint? _manager;

    private ServiceManager()
    {
    }

    private ServiceManager(UnixDomainSocketEndPoint manager)
    {
        _manager = manager;
        _socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { SendTimeout = SendTimeoutMs };
    }

    /// <summary>Nobody is told anything.</summary>
    public static ServiceManager None { get; } = new();

    /// <summary>Whether there is a manager to tell.</summary>
    public bool IsPresent => _socket is not null;

    /// <summary>The manager ends the daemon when it hears no <see cref="Alive"/> for this long; null when it does not.</summary>
    public TimeSpan? Watchdog { get; private init; }

    /// <summary>Reads what the manager left in the environment (NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID).</summary>
    /// <param name="read">Gives a variable's value, or null.</param>
    public static ServiceManager FromEnvironment(Func<string, string?> read)
    {
        // A path, or a name of Linux' own without a file, written with an @. Others, such as vsock, are not ours to reach.
        string? address = read("NOTIFY_SOCKET");
        if (string.IsNullOrEmpty(address) || address.Length < 2 || address[0] is not ('/' or '@'))
            return None;
        if (address[0] == '@')
            address = '\0' + address[1..];
        try
        {
            return new ServiceManager(new UnixDomainSocketEndPoint(address)) { Watchdog = WatchdogOf(read) };
        }
        catch (Exception exception) when (exception is ArgumentException or SocketException)
        {
            return None; // longer than an address can be
        }
    }

    /// <summary>The daemon carries traffic.</summary>
    public void Ready(string status) => Send($"READY=1\nSTATUS={Line(status)}");

    /// <summary>A reload begins; <see cref="Ready"/> ends it, whatever came of it.</summary>
    public void Reloading() => Send(string.Create(
        CultureInfo.InvariantCulture,
        $"RELOADING=1\nMONOTONIC_USEC={(long)Stopwatch.GetElapsedTime(0).TotalMicroseconds}"));

    /// <summary>The end begins.</summary>
    public void Stopping() => Send("STOPPING=1\nSTATUS=Saying goodbye to peers.");

    /// <summary>The daemon does its work. Only who has seen it do some says so.</summary>
    /// <param name="status">How it is.</param>
    public void Alive(string status) => Send($"STATUS={Line(status)}" + (Watchdog is null ? "" : "\nWATCHDOG=1"));

    /// <inheritdoc/>
    public void Dispose() => _socket?.Dispose();

    private static TimeSpan? WatchdogOf(Func<string, string?> read)
    {
        string? pid = read("WATCHDOG_PID");
        bool isOurs = string.IsNullOrEmpty(pid) || pid == Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        return isOurs
            && long.TryParse(read("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out long microseconds)
            && microseconds is > 0 and <= long.MaxValue / TimeSpan.TicksPerMicrosecond
                ? TimeSpan.FromTicks(microseconds * TimeSpan.TicksPerMicrosecond)
                : null;
    }

    // One line each: a line break would begin another word to the manager.
    private static string Line(string status)
    {
        string line = string.Concat(status.Select(c => char.IsControl(c) ? ' ' : c));
        return line.Length <= MaxStatusCharacters ? line : line[..MaxStatusCharacters];
    }

    private void Send(string message)
    {
        try
        {
            _socket?.SendTo(Encoding.UTF8.GetBytes(message), _manager!);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Nobody listens there, or not fast enough. The daemon's work does not depend on it.
        }
    }
}
