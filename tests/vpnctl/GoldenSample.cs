using System.Text.Json;
using VibePN.Vpnctl.Commands;

namespace VibePN.Vpnctl.Tests;

/// <summary>
/// What a command is tried with: <c>golden/COMMAND/sample.json</c>. Its members, all optional: <c>arguments</c>, the words
/// after <c>vpnctl</c> (by default those of the command's example, where <c>{dir}</c> is a folder of the run's own); <c>more</c>, a list of such lists;
/// <c>answers</c>, by method what the daemon answers; <c>events</c>, by streaming method the list of what it tells; <c>files</c>, by name what stands in
/// that folder; one that begins with <c>#!</c> can be run.
/// </summary>
internal sealed class GoldenSample
{
    private readonly JsonElement _root;

    private GoldenSample(string folder, JsonElement root) => (Folder, _root) = (folder, root);

    /// <summary>Where the command's files are.</summary>
    public string Folder { get; }

    public static GoldenSample Of(Command command)
    {
        string folder = Path.Combine(Root(), "tests", "vpnctl", "golden", command.Name.Replace(' ', '-'));
        string file = Path.Combine(folder, "sample.json");
        Assert.True(File.Exists(file),
            $"tests/vpnctl/golden/{Path.GetFileName(folder)}/sample.json is missing: write there what the daemon answers to "
            + $"'{command.Name}' (GoldenSample.cs says how), then run tools/update-golden.sh.");
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(file));
        return new GoldenSample(folder, document.RootElement.Clone());
    }

    /// <summary>The words after <c>vpnctl</c>.</summary>
    public string[] Arguments(Command command, string folder) => _root.TryGetProperty("arguments", out JsonElement given)
        ? Words(given, folder)
        : [.. Split(command.Example).Skip(1).Select(word => InFolder(word, folder))];

    /// <summary>Other ways to run it, whose outputs stand below.</summary>
    public IEnumerable<string[]> More(string folder) =>
        _root.TryGetProperty("more", out JsonElement more) ? more.EnumerateArray().Select(words => Words(words, folder)) : [];

    /// <summary>What the daemon answers to a method, or null.</summary>
    public JsonElement? Answer(string method) =>
        _root.TryGetProperty("answers", out JsonElement answers) && answers.TryGetProperty(method, out JsonElement answer) ? answer : null;

    /// <summary>What a streaming method tells, or null.</summary>
    public JsonElement[]? Events(string method) =>
        _root.TryGetProperty("events", out JsonElement events) && events.TryGetProperty(method, out JsonElement told)
            ? [.. told.EnumerateArray()]
            : null;

    /// <summary>Writes the files that the command finds.</summary>
    public void WriteFiles(string folder)
    {
        if (!_root.TryGetProperty("files", out JsonElement files))
            return;
        foreach (JsonProperty file in files.EnumerateObject())
        {
            string path = Path.Combine(folder, file.Name);
            string text = file.Value.GetString()!;
            File.WriteAllText(path, text);
            if (text.StartsWith("#!", StringComparison.Ordinal))
                AllowToRun(path, folder);
        }
    }

    // Also for the ordinary user that some runs stand for.
    private static void AllowToRun(string path, string folder)
    {
        const UnixFileMode All = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        File.SetUnixFileMode(path, File.GetUnixFileMode(path) | All);
        File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | All);
    }

    private static string[] Words(JsonElement words, string folder) =>
        [.. words.EnumerateArray().Select(word => InFolder(word.GetString()!, folder))];

    private static string InFolder(string word, string folder) => word.Replace("{dir}", folder, StringComparison.Ordinal);

    // As a shell would, as far as examples go: blanks, and single quotes.
    private static IEnumerable<string> Split(string line) => line.Split('\'')
        .SelectMany((part, i) => i % 2 == 1 ? [part] : part.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    private static string Root()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "VibePN.Modular.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("These tests run inside the repository.");
    }
}
