using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace VibePN.Structure.Tests;

/// <summary>The tree is where CONTRIBUTING.md says it is.</summary>
public sealed partial class LayoutTests
{
    private const string SolutionFolder = "{2150E333-8FDC-42A3-9474-1A3956D46DE8}";

    public static TheoryData<string> Plugins => [.. Repository.Plugins];

    [Fact]
    public void Every_project_is_in_the_solution_and_solution_folders_are_the_disks()
    {
        string solution = Repository.Read(Repository.Solution);
        List<Match> entries = [.. SolutionEntry().Matches(solution).Cast<Match>()];
        Dictionary<string, string> parents = NestedIn().Matches(solution).ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value);
        Dictionary<string, string> names = entries.ToDictionary(m => m.Groups["id"].Value, m => m.Groups["name"].Value);

        var projects = entries.Where(m => m.Groups["kind"].Value != SolutionFolder)
            .ToDictionary(m => m.Groups["path"].Value.Replace('\\', '/'), m => m.Groups["id"].Value);
        Assert.Equal(
            Repository.Files.Where(file => file.EndsWith(".csproj", StringComparison.Ordinal)),
            projects.Keys.Order(StringComparer.Ordinal));
        foreach ((string path, string id) in projects)
        {
            string folder = "";
            for (string? at = parents.GetValueOrDefault(id); at is not null; at = parents.GetValueOrDefault(at))
                folder = folder.Length == 0 ? names[at] : names[at] + "/" + folder;
            // A project's own folder would hold nothing else, so it is left out.
            Assert.Equal(Path.GetDirectoryName(Path.GetDirectoryName(path)), folder);
        }
    }

    [Fact]
    public void Namespace_is_the_folder()
    {
        var wrong = new List<string>();
        foreach (string project in Repository.ShippedProjects)
        {
            string folder = Path.GetDirectoryName(project)! + "/";
            string root = XDocument.Parse(Repository.Read(project)).Descendants("RootNamespace").FirstOrDefault()?.Value
                ?? Path.GetFileNameWithoutExtension(project);
            foreach (string file in Repository.Files.Where(file =>
                file.StartsWith(folder, StringComparison.Ordinal) && file.EndsWith(".cs", StringComparison.Ordinal)))
            {
                Match declared = Namespace().Match(Repository.Read(file));
                string[] inner = Path.GetDirectoryName(file[folder.Length..])!.Split('/', StringSplitOptions.RemoveEmptyEntries);
                string expected = string.Join('.', [root, .. inner]);
                if (declared.Success && declared.Groups[1].Value != expected)
                    wrong.Add($"{file} is in {declared.Groups[1].Value}, not {expected}");
            }
        }
        Assert.Empty(wrong);
    }

    [Theory]
    [MemberData(nameof(Plugins))]
    public void Plugin_has_a_readme_and_tests(string project)
    {
        string folder = Path.GetDirectoryName(project)!;
        Assert.Contains($"{folder}/README.md", Repository.Files);
        string readme = Repository.Read($"{folder}/README.md");
        Assert.StartsWith($"# {Path.GetFileName(folder)}\n", readme, StringComparison.Ordinal);
        Assert.Contains(Repository.Files, file => file.StartsWith($"tests/{folder}/", StringComparison.Ordinal));
    }

    [Fact]
    public void Native_code_is_met_in_Native_folders_only() =>
        Assert.DoesNotContain(
            Sources("LibraryImport(", "DllImport(", "UnmanagedCallersOnly"),
            file => !file.Contains("/Native/", StringComparison.Ordinal));

    [Fact]
    public void Engine_owns_threads_only_in_Runtime() =>
        Assert.DoesNotContain(
            Sources("new Thread(", "TimeProvider.System", "DateTime.UtcNow", "Random.Shared"),
            file => file.StartsWith("engine/", StringComparison.Ordinal)
                && !file.StartsWith("engine/Runtime/", StringComparison.Ordinal));

    [Fact]
    public void Versions_of_packages_stand_in_one_place()
    {
        foreach (string project in Repository.Files.Where(file => file.EndsWith(".csproj", StringComparison.Ordinal)))
        {
            Assert.All(
                XDocument.Parse(Repository.Read(project)).Descendants("PackageReference"),
                package => Assert.Null(package.Attribute("Version")));
        }
    }

    [Fact]
    public void Text_has_line_feeds_and_ends_with_one()
    {
        string[] kinds = [".cs", ".csproj", ".props", ".md", ".sh", ".toml", ".yml"];
        foreach (string file in Repository.Files.Where(file => kinds.Contains(Path.GetExtension(file))))
        {
            string text = Repository.Read(file);
            Assert.False(text.Contains('\r', StringComparison.Ordinal), $"{file} holds a carriage return.");
            Assert.True(text.Length == 0 || text.EndsWith('\n'), $"{file} lacks its final newline.");
        }
    }

    private static IEnumerable<string> Sources(params string[] holding) => Repository.Files
        .Where(file => file.EndsWith(".cs", StringComparison.Ordinal) && !file.StartsWith("tests/", StringComparison.Ordinal))
        .Where(file => holding.Any(text => Repository.Read(file).Contains(text, StringComparison.Ordinal)));

    [GeneratedRegex("""Project\("(?<kind>[^"]+)"\) = "(?<name>[^"]+)", "(?<path>[^"]+)", "(?<id>[^"]+)"\r?\n""")]
    private static partial Regex SolutionEntry();

    [GeneratedRegex("""^\t\t(\{[0-9A-F-]+\}) = (\{[0-9A-F-]+\})\r?$""", RegexOptions.Multiline)]
    private static partial Regex NestedIn();

    [GeneratedRegex("""^namespace ([\w.]+)""", RegexOptions.Multiline)]
    private static partial Regex Namespace();
}
