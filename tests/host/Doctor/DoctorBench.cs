using System.Collections.Immutable;
using System.Diagnostics;
using VibePN.Host.Doctor;
using VibePN.Host.Plugins;
using VibePN.Host.Running;
using VibePN.Testkit;

namespace VibePN.Host.Tests.Doctor;

/// <summary>A healthy node's files on disk, in a network namespace of its own, where faults are planted.</summary>
internal sealed class DoctorBench : IDisposable
{
    public const string Corp = "prefix = \"10.42.0.0/24\"\naddress = \"10.42.0.7\"";

    private readonly List<IDisposable> _planted = [];
    private readonly Stack<(string File, string Text)> _edits = [];

    public DoctorBench()
    {
        Renew(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(200));
        Directory.CreateDirectory(Scratch.At("state"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Scratch.Install("fakes");
        string hash = PluginPackage.Read(Scratch.At("fakes")).Hash;
        Scratch.Write("plugins.toml", "schema = 1\n" + string.Concat(new[] { "trust", "routing", "tun", "transport", "control" }.Select(role => $"""
            [[plugin]]
            name = "fake-{role}"
            role = "{role}"
            path = "fakes"
            sha256 = ["{hash}"]

            """)));
        Machine = new Machine
        {
            UnitFolders = [Scratch.At("units")],
            UsersPath = Scratch.At("passwd"),
            IsClockSynchronised = () => true,
        };
    }

    public Scratch Scratch { get; } = new();

    public NetworkNamespace Namespace { get; } = NetworkNamespace.Create("doctor");

    public Machine Machine { get; set; }

    public Identity Identity { get; private set; } = null!;

    public string ConfigPath => Scratch.At("config.toml");

    public CommandLine Line => new(ConfigPath, Scratch.At("plugins.toml"), CommandAction.Doctor);

    /// <summary>Runs the checks as the daemon's program does.</summary>
    public ImmutableArray<Check> Examine() => Namespace.Run(() => Checkup.Run(Line, Machine));

    /// <summary>Puts a new identity into the files.</summary>
    public void Renew(DateTimeOffset from, DateTimeOffset to)
    {
        Identity = Identity.Make(from, to);
        Identity.WriteTo(Scratch);
        Scratch.Write("config.toml", $"""
            listen = ["127.0.0.1:51820"]
            state = "state"
            [identity]
            cert = "node.crt"
            key = "node.key"
            fingerprint = "{Identity.Fingerprint}"
            [[peers]]
            name = "node2"
            address = "203.0.113.2:51820"
            fingerprint = "{new string('2', 64)}"
            networks = ["corp", "lab"]
            [[peers]]
            name = "node3"
            fingerprint = "{new string('3', 64)}"
            networks = ["corp"]
            [networks.corp]
            {Corp}
            export = true
            [networks.lab]
            prefix = "10.43.0.0/24"
            export = true

            """);
    }

    public void Edit(string from, string to) => EditFile("config.toml", from, to);

    public void EditFile(string file, string from, string to)
    {
        string text = File.ReadAllText(Scratch.At(file));
        Assert.Contains(from, text, StringComparison.Ordinal);
        _edits.Push((file, text));
        Scratch.Write(file, text.Replace(from, to, StringComparison.Ordinal));
    }

    /// <summary>Takes the last edit back, as somebody does who follows a remedy that names the line.</summary>
    public void Undo()
    {
        (string file, string text) = _edits.Pop();
        Scratch.Write(file, text);
    }

    /// <summary>Writes systemd's unit.</summary>
    public void WriteUnit(string user, string more) => Scratch.Write("units/vibepn.service", $"""
        [Service]
        ExecStart=/usr/lib/vibepn/vibepnd --config {ConfigPath}
        User={user}
        {more}
        """);

    /// <summary>Keeps something until the fault is mended or the test ends.</summary>
    public void Hold(IDisposable planted) => _planted.Add(planted);

    public void Release()
    {
        _planted.ForEach(planted => planted.Dispose());
        _planted.Clear();
    }

    /// <summary>Runs a remedy as an operator would type it.</summary>
    public static void Type(string command)
    {
        using Process shell = Process.Start("sh", ["-c", command]);
        shell.WaitForExit();
        Assert.Equal(0, shell.ExitCode);
    }

    public void Dispose()
    {
        Release();
        Namespace.Dispose();
        Scratch.Dispose();
    }
}
