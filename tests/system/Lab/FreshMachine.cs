using System.Diagnostics;
using System.Globalization;

namespace VibePN.System.Tests.Lab;

/// <summary>A node of a lab that looks like a machine with the programs installed and nothing else: all default paths are its own.</summary>
/// <remarks>Its /etc is a copy; /run, /var/lib and /var/log are empty; the programs are in /opt. Gone with its last process.</remarks>
internal sealed class FreshMachine : IDisposable
{
    private const string Script = """
        set -e
        mkdir "$1" && cp -a /etc "$1/etc" && rm -rf "$1/etc/vibepn" && mkdir "$1/lib" "$1/log"
        mount --bind "$1/etc" /etc && mount --bind "$1/lib" /var/lib && mount --bind "$1/log" /var/log
        mount --bind "$2" /opt && mount -t tmpfs -o mode=755 tmpfs /run
        echo ready && exec sleep 600
        """;

    private readonly Process _holder;

    private FreshMachine(Node node, Process holder) => (Node, _holder) = (node, holder);

    /// <summary>Where it is in the lab.</summary>
    public Node Node { get; }

    /// <summary>Makes a machine of a node whose daemon has never run.</summary>
    public static FreshMachine Of(Node node, Distribution distribution)
    {
        var start = new ProcessStartInfo("unshare",
            ["--mount", "--propagation", "private", "sh", "-c", Script, "sh", Path.Combine(node.Folder, "machine"), distribution.Folder])
        {
            RedirectStandardOutput = true,
        };
        Process holder = node.Namespace.Start(start);
        Assert.Equal("ready", holder.StandardOutput.ReadLine());
        return new FreshMachine(node, holder);
    }

    /// <summary>Runs a command as its operator does.</summary>
    public Task<ToolResult> RunAsync(params string[] command)
    {
        string program = command[0] == "vpnctl" ? "/opt/bin/vpnctl" : command[0];
        return Tool.RunAsync(TimeSpan.FromSeconds(40), "nsenter",
            ["--target", _holder.Id.ToString(CultureInfo.InvariantCulture), "--mount", "--net", program, .. command[1..]]);
    }

    /// <summary>What the daemon's log holds.</summary>
    public string Log
    {
        get
        {
            string path = Path.Combine(Node.Folder, "machine", "log", "vibepnd.log");
            return File.Exists(path) ? File.ReadAllText(path) : "";
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // A machine whose daemon never ran has none to stop.
        _ = RunAsync("vpnctl", "shutdown").GetAwaiter().GetResult();
        if (!_holder.HasExited)
        {
            _holder.Kill();
            _holder.WaitForExit();
        }
        _holder.Dispose();
    }
}
