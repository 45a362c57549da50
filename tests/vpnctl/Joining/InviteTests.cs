using System.Text.Json;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Tests.Joining;

public sealed class InviteTests : IDisposable
{
    private const string Answer =
        """{"addresses":["198.51.100.20:51820"],"fingerprint":"ab","guessed":true,"id":"0f","invite":"vibepn-invite-abc","network":"corp","not_after":"2026-12-01T12:15:00Z"}""";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("vpn-invite-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task The_predecessors_line_asks_the_daemon()
    {
        await using FakeDaemon daemon = Daemon();
        Outcome outcome = daemon.Vpnctl(
            "invite", "-config", "/etc/vibepn/config.toml", "-network", "corp", "-address", "198.51.100.20:51820", "-name", "node1", "-out", "-");
        Assert.Equal((0, "vibepn-invite-abc\n"), (outcome.ExitCode, outcome.Out));
        using JsonDocument request = JsonDocument.Parse(Assert.Single(daemon.Requests));
        JsonElement root = request.RootElement;
        Assert.Equal("corp", root.GetProperty("network").GetString());
        Assert.Equal("198.51.100.20:51820", root.GetProperty("addresses")[0].GetString());
        Assert.Equal("node1", root.GetProperty("name").GetString());
        Assert.Equal(900, root.GetProperty("expires_s").GetInt32());
    }

    [Fact]
    public async Task A_guessed_address_is_called_a_guess()
    {
        await using FakeDaemon daemon = Daemon();
        Outcome outcome = daemon.Vpnctl("invite");
        Assert.Equal("vibepn-invite-abc\n", outcome.Out);
        Assert.Contains("until 2026-12-01T12:15:00Z, into corp. It dials 198.51.100.20:51820 (guessed;", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_is_readable_by_its_owner_only()
    {
        await using FakeDaemon daemon = Daemon();
        string path = Path.Combine(_folder.FullName, "invite");
        Assert.Equal($"Wrote invite payload to {path}\n", daemon.Vpnctl("invite", "--out", path, "--network", "corp").Out);
        Assert.Equal("vibepn-invite-abc\n", File.ReadAllText(path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }

    [Theory]
    [InlineData("--expires", "8d", "lasts from 1s to 7d")]
    [InlineData("--expires", "0s", "lasts from 1s to 7d")]
    [InlineData("--expires", "soon", "must be a time such as")]
    [InlineData("--address", "nowhere", "host:port")]
    [InlineData("--name", "a b", "without blanks")]
    public void A_wrong_value_is_explained(string option, string value, string message)
    {
        Outcome outcome = Outcome.Of("invite", option, value, "--socket", "/run/none");
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains(message, outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Invites_are_listed_and_revoked()
    {
        await using FakeDaemon daemon = new(request => request.Contains("invite.list", StringComparison.Ordinal)
            ? """{"status":"ok","output":[{"bad_proofs":1,"created":"2026-12-01T12:00:00Z","id":"0f0f","network":"corp","not_after":"2026-12-01T12:15:00Z","state":"open","used_by":null}]}""" + "\n"
            : """{"status":"ok","output":{"message":"revoked invite 0f0f"}}""" + "\n");
        Assert.Contains("0f0f  corp     open", daemon.Vpnctl("invite", "list").Out, StringComparison.Ordinal);
        Assert.Equal("revoked invite 0f0f\n", daemon.Vpnctl("invite", "revoke", "0f0f").Out);
        Assert.Equal("revoked invite 0f0f\n", daemon.Vpnctl("remove-peer", "node2").Out);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_code_is_drawn_square_by_square(bool colour)
    {
        string text = "vibepn-invite-" + string.Join('-', Enumerable.Repeat("abcdefg2", 54));
        bool[][] squares = QrView.Squares(text);
        using var output = new StringWriter { NewLine = "\n" };
        QrView.Render(text, new Terminal(output, TextWriter.Null, 200, colour));
        string[] lines = output.ToString().TrimEnd('\n').Replace("\e[30;107m", "", StringComparison.Ordinal).Replace("\e[0m", "", StringComparison.Ordinal).Split('\n');
        Assert.Equal((squares.Length + 1) / 2, lines.Length);
        for (int row = 0; row < squares.Length; row++)
        {
            for (int column = 0; column < squares[row].Length; column++)
            {
                bool isDrawn = lines[row / 2][column] is '█' || lines[row / 2][column] == (row % 2 == 0 ? '▀' : '▄');
                Assert.Equal(squares[row][column] == colour, isDrawn);
            }
        }
        Assert.InRange(squares.Length, 60, 100); // fits a terminal
    }

    [Fact]
    public void A_narrow_terminal_gets_a_sentence_instead()
    {
        using var error = new StringWriter();
        QrView.Render("vibepn-invite-abc", new Terminal(TextWriter.Null, error, 20, false));
        Assert.Contains("this terminal has 20", error.ToString(), StringComparison.Ordinal);
    }

    private static FakeDaemon Daemon() => new(_ => $$"""{"status":"ok","output":{{Answer}}}""" + "\n");
}
