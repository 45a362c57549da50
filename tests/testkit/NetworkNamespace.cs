using System.Diagnostics;
using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace VibePN.Testkit;

/// <summary>A network namespace of Linux that a test made for itself. Needs root and the ip tool.</summary>
/// <remarks>
/// Names are unique and hold the process's id. Dispose removes the namespace; the end of the process removes what
/// was not disposed; and the next process that makes one removes what a killed process left behind.
/// All members from any thread.
/// </remarks>
public sealed partial class NetworkNamespace : IDisposable
{
    private const string Directory = "/run/netns";
    private const string Prefix = "vpt-";
    private const int CloneNewNet = 0x4000_0000;
    private const int ReadOnlyCloseOnExec = 0x80000;
    private static readonly TimeSpan CommandLimit = TimeSpan.FromSeconds(30);

    private static readonly Lock Gate = new();
    private static readonly HashSet<string> Live = [];
    private static int _lastNumber;

    private NetworkNamespace(string name) => Name = name;

    /// <summary>The name, as <c>ip netns</c> knows it.</summary>
    public string Name { get; }

    /// <summary>Makes a namespace whose loopback is up.</summary>
    /// <param name="label">A few letters that tell namespaces of one test apart.</param>
    /// <exception cref="InvalidOperationException">It cannot be made; the message carries the ip tool's words.</exception>
    public static NetworkNamespace Create(string label = "n")
    {
        string name;
        lock (Gate)
        {
            if (_lastNumber == 0)
            {
                RemoveLeftovers();
                AppDomain.CurrentDomain.ProcessExit += (_, _) => RemoveLive();
            }
            _lastNumber++;
            name = string.Create(
                CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-{_lastNumber}-{label}");
            RunTool("ip", ["netns", "add", name]);
            Live.Add(name);
        }
        var created = new NetworkNamespace(name);
        created.Exec("ip", "link", "set", "lo", "up");
        return created;
    }

    /// <summary>Joins two namespaces by a pair of virtual Ethernet interfaces that are up.</summary>
    /// <param name="first">One side, with the interface and its address, such as <c>10.0.0.1/24</c>.</param>
    /// <param name="second">The other side.</param>
    public static void Join(
        (NetworkNamespace Namespace, string Device, string Address) first,
        (NetworkNamespace Namespace, string Device, string Address) second)
    {
        first.Namespace.Exec("ip", "link", "add", first.Device, "type", "veth",
            "peer", "name", second.Device, "netns", second.Namespace.Name);
        foreach ((NetworkNamespace side, string device, string address) in new[] { first, second })
        {
            if (address.Contains(':', StringComparison.Ordinal))
                side.Exec("ip", "addr", "add", address, "dev", device, "nodad");
            else
                side.Exec("ip", "addr", "add", address, "dev", device);
            side.Exec("ip", "link", "set", device, "up");
        }
    }

    /// <summary>Runs code on a thread of its own inside the namespace and waits for its end.</summary>
    /// <remarks>Descriptors and processes that the code makes stay bound to the namespace.</remarks>
    public void Run(Action action) => Run(() =>
    {
        action();
        return true;
    });

    /// <summary>Runs code on a thread of its own inside the namespace and returns what it returns.</summary>
    public T Run<T>(Func<T> function)
    {
        T result = default!;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                Enter();
                result = function();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e); // the caller's to see, whatever it is
            }
        })
        { IsBackground = true, Name = Name };
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result;
    }

    /// <summary>Runs a tool inside the namespace to its end.</summary>
    /// <returns>What it wrote to its standard output.</returns>
    /// <exception cref="InvalidOperationException">It failed, in its own words, or took more than 30 s.</exception>
    public string Exec(string tool, params string[] arguments) =>
        RunTool("ip", ["netns", "exec", Name, tool, .. arguments]);

    /// <summary>Starts a program inside the namespace; the caller ends it.</summary>
    /// <param name="start">What to start; file name and arguments are moved behind <c>ip netns exec</c>.</param>
    public Process Start(ProcessStartInfo start)
    {
        string[] arguments = ["netns", "exec", Name, start.FileName, .. start.ArgumentList];
        start.FileName = "ip";
        start.ArgumentList.Clear();
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        return Process.Start(start)
            ?? throw new InvalidOperationException($"'{arguments[3]}' did not start in {Name}.");
    }

    /// <summary>Removes the namespace. Interfaces in it go when their last user goes.</summary>
    public void Dispose()
    {
        lock (Gate)
            if (Live.Remove(Name))
                RunTool("ip", ["netns", "delete", Name]);
    }

    private void Enter()
    {
        int fd = open($"{Directory}/{Name}", ReadOnlyCloseOnExec);
        if (fd < 0)
            throw new InvalidOperationException(
                $"Namespace {Name} cannot be opened: {Marshal.GetLastPInvokeErrorMessage()}.");
        int result = setns(fd, CloneNewNet);
        string message = Marshal.GetLastPInvokeErrorMessage();
        _ = close(fd);
        if (result < 0)
            throw new InvalidOperationException($"Namespace {Name} cannot be entered: {message}.");
    }

    private static void RemoveLive()
    {
        lock (Gate)
            foreach (string name in Live)
                TryRemove(name);
    }

    // The process whose id stands in the name is gone, so nobody else will remove it.
    private static void RemoveLeftovers()
    {
        if (!System.IO.Directory.Exists(Directory))
            return;
        foreach (string path in System.IO.Directory.EnumerateFiles(Directory, Prefix + "*"))
        {
            string name = Path.GetFileName(path);
            string owner = name[Prefix.Length..].Split('-')[0];
            if (!System.IO.Directory.Exists($"/proc/{owner}"))
                TryRemove(name);
        }
    }

    private static void TryRemove(string name)
    {
        try
        {
            RunTool("ip", ["netns", "delete", name]);
        }
        catch (InvalidOperationException)
        {
            // Another process that cleans up was faster, or the next one will be.
        }
    }

    private static string RunTool(string tool, string[] arguments)
    {
        string line = $"{tool} {string.Join(' ', arguments)}";
        var start = new ProcessStartInfo(tool, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"'{line}' did not start.");
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(CommandLimit))
        {
            process.Kill(entireProcessTree: true);
            throw new InvalidOperationException($"'{line}' did not end within {CommandLimit.TotalSeconds} s.");
        }
        return process.ExitCode == 0
            ? output.GetAwaiter().GetResult()
            : throw new InvalidOperationException(
                $"'{line}' ended with {process.ExitCode}: {error.GetAwaiter().GetResult().Trim()}");
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string pathname, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(int fd, int nstype);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int fd);
}
