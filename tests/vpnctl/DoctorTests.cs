using VibePN.Vpnctl.Diagnosis;

namespace VibePN.Vpnctl.Tests;

/// <summary><c>doctor</c> shows what the daemon's program found; here a script stands for that program.</summary>
public sealed class DoctorTests : IDisposable
{
    private const string Report = """
        {"checks":[
          {"detail":"/x","number":1,"remedies":[],"title":"config parse/load","verdict":"pass"},
          {"detail":"no peers configured","number":6,"remedies":["vpnctl add-peer"],"title":"peer name/address non-empty","verdict":"warn"},
          {"detail":"x\u001b[2J","number":15,"remedies":["stop process 7","or listen elsewhere"],"title":"listen port free","verdict":"VERDICT"}],
         "control_socket":"/nowhere/s"}
        """;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("vpn-doctor-");

    public DoctorTests()
    {
        File.WriteAllText(Program, "#!/bin/sh\n[ \"$1 $2 $4\" = \"--doctor --config --plugins\" ] && cat \"$3.report\"\n");
        File.SetUnixFileMode(Program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private string Config => Path.Combine(_folder.FullName, "config.toml");

    private string Program => Path.Combine(_folder.FullName, "vibepnd");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("-config")]
    [InlineData("--config")]
    public void Findings_have_the_predecessors_form_and_a_remedy_below(string flag)
    {
        Write("fail");
        Outcome outcome = Outcome.Of("doctor", "--vibepnd", Program, flag, Config);
        Assert.Equal($"""
            PASS 1) config parse/load: /x
            WARN 6) peer name/address non-empty: no peers configured
              -> vpnctl add-peer
            FAIL 15) listen port free: x\x1b[2J
              -> stop process 7
              -> or listen elsewhere
            PASS 20) peers reachable: not asked; 'vpnctl doctor --config {Config} --online' asks the running daemon
            Summary: PASS=2 WARN=1 FAIL=1

            """, outcome.Out);
        Assert.Equal((1, ""), (outcome.ExitCode, outcome.Error));
    }

    [Fact]
    public void Warnings_alone_are_no_failure()
    {
        Write("warn");
        Assert.Equal(0, Outcome.Of("doctor", "--vibepnd", Program, "--config", Config).ExitCode);
    }

    [Fact]
    public void Json_has_the_documented_members()
    {
        Write("pass");
        Outcome outcome = Outcome.Of("doctor", "--vibepnd", Program, "--json", "--config", Config);
        Assert.StartsWith("""
            {
              "checks": [
                {
                  "detail": "/x",
                  "number": 1,
                  "remedies": [],
                  "title": "config parse/load",
                  "verdict": "pass"
                },
            """, outcome.Out, StringComparison.Ordinal);
        Assert.EndsWith($$"""
              ],
              "config": "{{Config}}",
              "fail": 0,
              "pass": 3,
              "warn": 1
            }

            """, outcome.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void A_daemon_that_is_not_there_fails_check_20_with_a_remedy()
    {
        Write("pass");
        Outcome outcome = Outcome.Of("doctor", "--vibepnd", Program, "--online", "--config", Config);
        Assert.Contains("FAIL 20) peers reachable: the daemon was not asked: vibepnd cannot be reached: there is no socket /nowhere/s.", outcome.Out, StringComparison.Ordinal);
        Assert.Contains($"  -> start the daemon: systemctl start vibepn, or vibepnd --config {Config}; or name its socket with --socket", outcome.Out, StringComparison.Ordinal);
        Assert.Equal(1, outcome.ExitCode);
    }

    [Fact]
    public async Task Check_20_is_the_daemons()
    {
        Write("pass");
        await using FakeDaemon daemon = FakeDaemon.Answering("doctor.online",
            """{"detail":"peer 'node2' is waiting","number":20,"remedies":["see that vibepnd runs on node2"],"title":"peers reachable","verdict":"fail"}""");
        Outcome outcome = daemon.Vpnctl("doctor", "--vibepnd", Program, "--online", "--config", Config);
        Assert.Contains("FAIL 20) peers reachable: peer 'node2' is waiting\n  -> see that vibepnd runs on node2\n", outcome.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_cannot_be_read_ends_it_after_check_1()
    {
        File.WriteAllText(Config + ".report", """{"checks":[{"detail":"no","number":1,"remedies":["vpnctl init"],"title":"config parse/load","verdict":"fail"}],"control_socket":"s"}""");
        Assert.Equal("FAIL 1) config parse/load: no\n  -> vpnctl init\nSummary: PASS=0 WARN=0 FAIL=1\n", Outcome.Of("doctor", "--vibepnd", Program, "--online", "--config", Config).Out);
    }

    [Fact]
    public void Without_a_daemon_a_bundle_holds_the_files()
    {
        File.WriteAllText(Program, "#!/bin/sh\necho '[{\"name\":\"about.txt\",\"text\":\"'\"$*\"'\"}]'\n");
        string path = Path.Combine(_folder.FullName, "b.tar.gz");
        Outcome outcome = Outcome.Of("bundle", "--vibepnd", Program, "--redact", "--socket", "/nowhere/s", "--config", "/c", "--plugins", "/p", "--out", path);
        Assert.StartsWith($"Wrote {path} (1 files).", outcome.Out, StringComparison.Ordinal);
        Assert.Contains("The bundle holds the files and the doctor's findings, no state and no log.", outcome.Error, StringComparison.Ordinal);
        using var zip = new System.IO.Compression.GZipStream(File.OpenRead(path), System.IO.Compression.CompressionMode.Decompress);
        using var tar = new System.Formats.Tar.TarReader(zip);
        Assert.Equal("--bundle=redact --config /c --plugins /p", new StreamReader(tar.GetNextEntry()!.DataStream!).ReadToEnd());
    }

    [Fact]
    public void A_missing_or_foreign_program_is_said_so()
    {
        CommandException missing = Assert.Throws<CommandException>(() => DaemonProgram.Find(["/nowhere"]));
        Assert.Contains("there is no vibepnd beside vpnctl", missing.Message, StringComparison.Ordinal);
        Outcome nowhere = Outcome.Of("doctor", "--vibepnd", "/nowhere/vibepnd");
        Assert.Equal((2, "Error: there is no /nowhere/vibepnd. Name the daemon's program with --vibepnd.\n"), (nowhere.ExitCode, nowhere.Error));
        File.WriteAllText(Config + ".report", "vibepnd 0.0.1");
        Assert.Contains("does not know what this vpnctl asks", Outcome.Of("doctor", "--vibepnd", Program, "--config", Config).Error, StringComparison.Ordinal);
        File.Delete(Config + ".report");
        Assert.Contains("vibepnd ended with 1", Outcome.Of("doctor", "--vibepnd", Program, "--config", Config).Error, StringComparison.Ordinal);
    }

    private void Write(string verdict) => File.WriteAllText(Config + ".report", Report.Replace("VERDICT", verdict, StringComparison.Ordinal));
}
