using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using VibePN.Contracts;
using VibePN.Host.Control;
using VibePN.Host.Native;

namespace VibePN.Host.Tests.Control;

public sealed class AuditLogTests : IDisposable
{
    private const int ENOSPC = 28;

    private readonly Scratch _scratch = new();
    private readonly FullDisk _disk = new();
    private readonly AuditLog _log;

    public AuditLogTests() => _log = new AuditLog(_scratch.Path, TimeProvider.System, NullLogger.Instance, _disk);

    private string Path => _scratch.At(AuditLog.FileName);

    [Fact]
    public void A_line_says_who_did_what_and_what_became_of_it()
    {
        _log.Write(Line("trust.deny", [KeyValuePair.Create("subject", "node2")]));
        JsonElement line = JsonElement.Parse(Assert.Single(File.ReadAllLines(Path)));
        Assert.Equal(["time", "principal", "method", "parameters", "outcome", "message"], line.EnumerateObject().Select(member => member.Name));
        Assert.Equal("uid 0 pid 7", line.GetProperty("principal").GetString());
        Assert.Equal("node2", line.GetProperty("parameters").GetProperty("subject").GetString());
        Assert.True(line.GetProperty("time").GetDateTimeOffset() > DateTimeOffset.UtcNow.AddMinutes(-1));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path));
    }

    [Fact]
    public void What_others_wrote_cannot_forge_a_line_or_steer_a_terminal()
    {
        _log.Write(new AuditLine("uid 0\npid 7", "x\e[31m", [KeyValuePair.Create("subject", AuditLine.Shorten("a\n{\"b\":1}\u202e"))], "ok", "\r\n"));
        string line = Assert.Single(File.ReadAllLines(Path));
        Assert.All(line, c => Assert.InRange(c, ' ', '~'));
        Assert.Equal(@"a\n{""b"":1}\u202E", JsonElement.Parse(line).GetProperty("parameters").GetProperty("subject").GetString());
    }

    [Fact]
    public void Secrets_unknown_parameters_and_long_texts_stay_out()
    {
        var method = new ControlMethod("invite.redeem", "", ControlRole.Admin)
        {
            Parameters =
            [
                new("token", ControlValueKind.String, "") { Secret = true },
                new("name", ControlValueKind.String, ""),
                new("names", ControlValueKind.Strings, ""),
            ],
        };
        string given = $$"""{"token":"hush","unknown":"hush","name":"{{new string('x', 5_000)}}","names":["a","b"]}""";
        AuditLine line = AuditLine.Of(method, new ControlCall(method.Name, JsonElement.Parse(given), new ControlPrincipal(ControlRole.Admin, "uid 0")), null);
        _log.Write(line);
        string text = File.ReadAllText(Path);
        Assert.DoesNotContain("hush", text, StringComparison.Ordinal);
        Assert.DoesNotContain("unknown", text, StringComparison.Ordinal);
        Assert.InRange(text.Length, 500, 1_000);
        Assert.Contains("(secret)", text, StringComparison.Ordinal);
        Assert.Equal("cancelled", line.Outcome);
    }

    [Fact]
    public void The_file_is_rotated_and_four_old_ones_are_kept()
    {
        for (int i = 1; i <= 6; i++)
        {
            File.WriteAllText(Path, $"{i}".PadRight(AuditLog.MaxBytes - 1) + "\n");
            File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            _log.Write(Line("reload"));
        }
        Assert.Null(_log.Fault);
        Assert.Equal(["audit.log", "audit.log.1", "audit.log.2", "audit.log.3", "audit.log.4"],
            Directory.GetFiles(_scratch.Path).Select(file => System.IO.Path.GetFileName(file)).Order(StringComparer.Ordinal));
        Assert.Equal(['6', '5', '4', '3'], Enumerable.Range(1, 4).Select(i => (char)File.ReadAllBytes($"{Path}.{i}")[0]));
        Assert.Single(File.ReadAllLines(Path));
    }

    [Fact]
    public void A_full_disk_is_said_and_what_is_missing_is_counted_when_there_is_room()
    {
        _disk.Room = 20; // the line is cut short
        _log.Write(Line("one"));
        Assert.Contains("No space left on device", _log.Fault, StringComparison.Ordinal);
        _disk.Room = 0;
        _log.Write(Line("two"));
        _disk.Room = int.MaxValue;
        _log.Write(Line("three"));
        Assert.Null(_log.Fault);
        string[] lines = File.ReadAllLines(Path);
        Assert.Equal(2, lines.Length); // the torn one is a line of its own
        JsonElement last = JsonElement.Parse(lines[1]);
        Assert.Equal(("three", 2), (last.GetProperty("method").GetString(), last.GetProperty("missing_before").GetInt32()));
        _log.Write(Line("four"));
        Assert.DoesNotContain("missing_before", File.ReadAllLines(Path)[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_a_directory_or_an_exposed_file_in_its_place_is_not_written_to()
    {
        string elsewhere = _scratch.Write("elsewhere", "");
        File.CreateSymbolicLink(Path, elsewhere);
        _log.Write(Line("one"));
        Assert.Contains("no regular file", _log.Fault, StringComparison.Ordinal);
        Assert.Equal("", File.ReadAllText(elsewhere));
        File.Delete(Path);
        Directory.CreateDirectory(Path);
        _log.Write(Line("two"));
        Assert.Contains("no regular file", _log.Fault, StringComparison.Ordinal);
        Directory.Delete(Path);
        File.SetUnixFileMode(_scratch.Write(AuditLog.FileName, ""), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        _log.Write(Line("three"));
        Assert.Contains("chmod 0600", _log.Fault, StringComparison.Ordinal);
    }

    public void Dispose() => _scratch.Dispose();

    private static AuditLine Line(string method, IReadOnlyList<KeyValuePair<string, string>>? parameters = null) =>
        new("uid 0 pid 7", method, parameters ?? [], "ok", "");

    /// <summary>The real file system, on which only so many bytes can be written.</summary>
    private sealed class FullDisk : IFileCalls
    {
        private static KernelFiles Real => KernelFiles.Instance;

        public int Room { get; set; } = int.MaxValue;

        public int TryAppend(string path, out IFileHandle? file)
        {
            int result = Real.TryAppend(path, out file);
            if (file is not null)
                file = new Handle(this, file);
            return result;
        }

        public int TryCreate(string path, out IFileHandle? file) => Real.TryCreate(path, out file);

        public int TryOpen(string path, out IFileHandle? file) => Real.TryOpen(path, out file);

        public int TryOpenDirectory(string path, out IFileHandle? directory) => Real.TryOpenDirectory(path, out directory);

        public int Rename(string from, string to) => Real.Rename(from, to);

        public int Unlink(string path) => Real.Unlink(path);

        public int MakeDirectory(string path) => Real.MakeDirectory(path);

        public int TryStat(string path, bool followLinks, out FileFacts facts) => Real.TryStat(path, followLinks, out facts);

        private sealed class Handle(FullDisk disk, IFileHandle file) : IFileHandle
        {
            public int Write(ReadOnlySpan<byte> bytes)
            {
                if (disk.Room == 0)
                    return -ENOSPC;
                int written = file.Write(bytes[..Math.Min(bytes.Length, disk.Room)]);
                disk.Room -= written;
                return written;
            }

            public int Read(Span<byte> bytes) => file.Read(bytes);

            public int Sync() => file.Sync();

            public void Dispose() => file.Dispose();
        }
    }
}
