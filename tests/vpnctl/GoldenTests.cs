using System.Text;
using System.Text.RegularExpressions;
using VibePN.Vpnctl.CommandLine;
using VibePN.Vpnctl.Commands;
using VibePN.Vpnctl.Joining;

namespace VibePN.Vpnctl.Tests;

/// <summary>
/// Every command, in every way that it commonly goes, compared with what is written down in <c>golden/COMMAND/*.txt</c>.
/// <c>tools/update-golden.sh</c> writes that anew; what has changed is then read in the diff.
/// </summary>
public sealed partial class GoldenTests : IDisposable
{
    private const int ScreenWidth = 100;
    private const string ShownSocket = "/run/vibepn/vibepn.sock";

    private static readonly bool Rewrites = Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("vpn-golden-");

    public static TheoryData<string> Commands => [.. CommandTable.All.Select(command => command.Name)];

    /// <summary>Commands that ask no daemon cannot miss one, nor be refused by it.</summary>
    public static TheoryData<string> DaemonCommands =>
        [.. CommandTable.All.Where(AsksDaemon).Select(command => command.Name)];

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Commands))]
    public void Help_is_as_written_down_and_fits_the_screen(string name)
    {
        Command command = Find(name);
        Outcome outcome = Outcome.Of([.. name.Split(' '), "--help"]);
        AssertFits(outcome.Out);
        Compare(command, "help", [Show(command, $"vpnctl {name} --help", outcome)]);
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task Json_is_as_written_down(string name) => await CompareAnswerAsync(name, "json", "--json");

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task Text_is_as_written_down(string name) => await CompareAnswerAsync(name, "text");

    [Theory]
    [MemberData(nameof(Commands))]
    public void A_wrong_argument_is_a_usage_error(string name)
    {
        Command command = Find(name);
        Outcome outcome = Outcome.Of([.. name.Split(' '), "--no-such-option"]);
        Assert.Equal(ExitCode.Usage, outcome.ExitCode);
        Compare(command, "wrong-argument", [Show(command, $"vpnctl {name} --no-such-option", outcome)]);
    }

    [Theory]
    [MemberData(nameof(DaemonCommands))]
    public void Without_a_daemon_it_says_so(string name)
    {
        Command command = Find(name);
        string[] words = Prepare(command);
        string socket = Path.Combine(_folder.FullName, "s");
        Outcome outcome = Outcome.Of([.. words, "--socket", socket]);
        Compare(command, "daemon-down", [Show(command, Line(words), outcome, socket)]);
    }

    [Theory]
    [MemberData(nameof(DaemonCommands))]
    public async Task Who_may_not_is_told_by_the_daemon_and_by_the_socket(string name)
    {
        Command command = Find(name);
        string[] words = Prepare(command);
        await using FakeDaemon denying = GoldenDaemon.Denying();
        string denied = Show(command, Line(words), denying.Vpnctl(words), denying.Socket);
        File.SetUnixFileMode(denying.Socket, UnixFileMode.None);
        string parent = Path.GetDirectoryName(denying.Socket)!;
        File.SetUnixFileMode(parent, File.GetUnixFileMode(parent) | UnixFileMode.OtherExecute);
        Outcome closed = UnprivilegedThread.Run(() => denying.Vpnctl(words));
        Compare(command, "not-authorised",
            ["The daemon refuses:\n" + denied, "The socket's mode refuses:\n" + Show(command, Line(words), closed, denying.Socket)]);
    }

    [Fact]
    public void The_overview_fits_the_screen() => AssertFits(Outcome.Of("help").Out);

    private async Task CompareAnswerAsync(string name, string what, params string[] options)
    {
        Command command = Find(name);
        string[] words = Prepare(command);
        GoldenSample sample = GoldenSample.Of(command);
        await using FakeDaemon daemon = GoldenDaemon.Answering(sample);
        Compare(command, what, [.. sample.More(_folder.FullName).Prepend(words).Select(run =>
        {
            string[] all = AsksDaemon(command) ? [.. run, .. options, "--socket", daemon.Socket] : [.. run, .. options];
            return Show(command, Line([.. run, .. options]), Outcome.Of(ScreenWidth, colour: false, all), daemon.Socket);
        })]);
    }

    private string[] Prepare(Command command)
    {
        GoldenSample sample = GoldenSample.Of(command);
        sample.WriteFiles(_folder.FullName);
        return sample.Arguments(command, _folder.FullName);
    }

    /// <summary>A run as it looks in a terminal, without what differs from run to run.</summary>
    private string Show(Command command, string line, Outcome outcome, string? socket = null)
    {
        var text = new StringBuilder($"$ {line}\n").Append(outcome.Out);
        if (outcome.Error.Length > 0)
            text.Append("-- standard error\n").Append(outcome.Error);
        text.Append($"-- exit code {outcome.ExitCode}\n");
        if (socket is not null)
            text.Replace(socket, ShownSocket);
        text.Replace(_folder.FullName, "{dir}").Replace(VersionCommand.Client, "{version}");
        // A local command makes keys: another fingerprint each time.
        return AsksDaemon(command) ? text.ToString() : Fingerprints().Replace(text.ToString(), "{fingerprint}");
    }

    private static void Compare(Command command, string what, string[] parts)
    {
        string folder = GoldenSample.Of(command).Folder;
        string file = Path.Combine(folder, what + ".txt");
        string actual = string.Join('\n', parts);
        if (Rewrites)
            File.WriteAllText(file, actual);
        Assert.True(File.Exists(file), $"{file} is missing: tools/update-golden.sh writes it.");
        Assert.Equal(File.ReadAllText(file), actual);
    }

    private static void AssertFits(string text) =>
        Assert.All(text.Split('\n'), line => Assert.True(line.Length <= ScreenWidth, $"longer than {ScreenWidth} columns: {line}"));

    private static string Line(string[] words) =>
        "vpnctl " + string.Join(' ', words.Select(word => word.AsSpan().ContainsAny(" *'") ? $"'{word}'" : word));

    private static Command Find(string name) => CommandTable.All.Single(command => command.Name == name);

    // Those that write files ask a daemon only in the end, or when told to: their own tests have that.
    private static bool AsksDaemon(Command command) => command.OptionsType.IsAssignableTo(typeof(DaemonOptions))
        && !command.OptionsType.IsAssignableTo(typeof(StartOptions)) && command.OptionsType != typeof(AddPeerOptions);

    [GeneratedRegex("[0-9a-f]{64}")]
    private static partial Regex Fingerprints();
}
