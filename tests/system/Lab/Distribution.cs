using System.Globalization;

namespace VibePN.System.Tests.Lab;

/// <summary>What build.sh published, copied to where only root can write.</summary>
/// <remarks>A daemon takes plugins only from such a folder, and a test may spoil its own copy.</remarks>
internal sealed class Distribution
{
    private Distribution(string folder) => Folder = folder;

    /// <summary>The copy: bin/, plugins/, plugins.toml.</summary>
    public string Folder { get; }

    /// <summary>The daemon.</summary>
    public string Daemon => Path.Combine(Folder, "bin", "vibepnd");

    /// <summary>The client.</summary>
    public string Client => Path.Combine(Folder, "bin", "vpnctl");

    /// <summary>Which plugin fills which role.</summary>
    public string Manifest => Path.Combine(Folder, "plugins.toml");

    /// <summary>Copies dist/ into a new folder.</summary>
    public static Distribution CopyTo(string folder)
    {
        string source = Path.Combine(Repository(), "dist");
        Assert.True(File.Exists(Path.Combine(source, "bin", "vibepnd")), $"{source} holds no daemon: run ./build.sh first.");
        Directory.CreateDirectory(folder);
        foreach (string directory in Directory.EnumerateDirectories(source, "*", SearchOption.AllDirectories))
            Directory.CreateDirectory(Path.Combine(folder, Path.GetRelativePath(source, directory)));
        foreach (string file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
            File.Copy(file, Path.Combine(folder, Path.GetRelativePath(source, file)));
        return new Distribution(folder);
    }

    /// <summary>The folder that holds the solution.</summary>
    public static string Repository()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "VibePN.Modular.sln")))
                return at.FullName;
        }
        throw new InvalidOperationException(string.Create(
            CultureInfo.InvariantCulture, $"No solution above {AppContext.BaseDirectory}: run the tests from the repository."));
    }
}
