using System.Net.Sockets;
using System.Text;
using VibePN.Host.Running;

namespace VibePN.Host.Tests.Running;

/// <summary>The service manager's end: a datagram socket that the daemon is told of by its environment.</summary>
internal sealed class NotifySocket : IDisposable
{
    private const int PatienceMs = 30_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("vibepnd-notify-").FullName;
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

    public NotifySocket(bool isAbstract = false)
    {
        string path = Path.Combine(_folder, "notify");
        Address = (isAbstract ? "@" : "") + path;
        _socket.Bind(new UnixDomainSocketEndPoint((isAbstract ? "\0" : "") + path));
        _socket.ReceiveTimeout = PatienceMs;
    }

    /// <summary>What stands in NOTIFY_SOCKET.</summary>
    public string Address { get; }

    /// <summary>The daemon's end.</summary>
    public ServiceManager Open(TimeSpan? watchdog = null) => ServiceManager.FromEnvironment(name => name switch
    {
        "NOTIFY_SOCKET" => Address,
        "WATCHDOG_USEC" when watchdog is { } span => ((long)span.TotalMicroseconds).ToString(System.Globalization.CultureInfo.InvariantCulture),
        _ => null,
    });

    /// <summary>The next message, line by line; fails the test when none comes.</summary>
    public string[] Next()
    {
        var buffer = new byte[4096];
        int length = _socket.Receive(buffer);
        return Encoding.UTF8.GetString(buffer, 0, length).Split('\n');
    }

    /// <summary>The next message with such a line.</summary>
    public string[] NextWith(string line)
    {
        while (true)
        {
            if (Next() is { } message && message.Contains(line))
                return message;
        }
    }

    public void Dispose()
    {
        _socket.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
