using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;

namespace VibePN.Structure.Tests;

/// <summary>The repository this test was built in, as files.</summary>
internal static class Repository
{
    public const string Solution = "VibePN.Modular.sln";

    private static readonly string[] NotOurs = ["bin", "obj", "dist", "artifacts", "TestResults"];

    /// <summary>The folder that holds the solution, found from the test's own place upwards.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Every source file's path below the root, with slashes, sorted.</summary>
    public static string[] Files { get; } = [.. Walk(Root).Select(Relative).Order(StringComparer.Ordinal)];

    /// <summary>Project files of what is shipped: everything but the tests.</summary>
    public static string[] ShippedProjects { get; } =
        [.. Files.Where(file => file.EndsWith(".csproj", StringComparison.Ordinal) && !file.StartsWith("tests/", StringComparison.Ordinal))];

    public static string[] Plugins { get; } = [.. ShippedProjects.Where(file => file.StartsWith("plugins/", StringComparison.Ordinal))];

    public static string Absolute(string file) => Path.Combine(Root, file);

    public static string Read(string file) => File.ReadAllText(Path.Combine(Root, file));

    /// <summary>The projects that a project file refers to itself, as paths below the root.</summary>
    public static string[] ProjectReferences(string project)
    {
        string folder = Path.GetDirectoryName(Path.Combine(Root, project))!;
        return
        [
            .. XDocument.Parse(Read(project)).Descendants("ProjectReference")
                .Select(reference => Relative(Path.GetFullPath(Path.Combine(folder, reference.Attribute("Include")!.Value)))),
        ];
    }

    /// <summary>Where a project's build output lies, for the configuration this test was built in.</summary>
    public static string OutputOf(string project)
    {
        // tests/structure/bin/CONFIGURATION/FRAMEWORK
        var own = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        return Path.Combine(Root, Path.GetDirectoryName(project)!, "bin", own.Parent!.Name, own.Name);
    }

    /// <summary>The names of the assemblies that a project's assembly refers to, read without loading it.</summary>
    public static string[] AssemblyReferences(string project)
    {
        using FileStream file = File.OpenRead(Path.Combine(OutputOf(project), Path.GetFileNameWithoutExtension(project) + ".dll"));
        using var image = new PEReader(file);
        MetadataReader metadata = image.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name))];
    }

    private static string Relative(string path) => Path.GetRelativePath(Root, path).Replace('\\', '/');

    private static IEnumerable<string> Walk(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder))
            yield return file;
        foreach (string inner in Directory.EnumerateDirectories(folder))
        {
            string name = Path.GetFileName(inner);
            if (NotOurs.Contains(name) || name == ".git")
                continue;
            foreach (string file in Walk(inner))
                yield return file;
        }
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, Solution)))
                return at.FullName;
        }
        throw new InvalidOperationException($"No {Solution} above {AppContext.BaseDirectory}.");
    }
}
