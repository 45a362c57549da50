using System.Reflection;

namespace VibePN.Host.Tests;

/// <summary>A directory of one test's own, and the fixture plugins.</summary>
internal sealed class Scratch : IDisposable
{
    /// <summary>Makes the directory.</summary>
    public Scratch() => Path = Directory.CreateTempSubdirectory("vibepnd-test-").FullName;

    /// <summary>The directory.</summary>
    public string Path { get; }

    /// <summary>The build output of a fixture plugin.</summary>
    public static string FixtureOutput(string name) =>
        System.IO.Path.Combine(Metadata("Fixtures"), name, Metadata("FixtureOutput"));

    /// <summary>The build output of one of our own plugins.</summary>
    public static string PluginOutput(string name) =>
        System.IO.Path.Combine(Metadata("Fixtures"), "../../plugins", name, Metadata("FixtureOutput"));

    /// <summary>A file of the repository.</summary>
    public static string InRepository(string relative) => System.IO.Path.Combine(Metadata("Fixtures"), "../..", relative);

    /// <summary>A path inside the directory.</summary>
    public string At(string relative) => System.IO.Path.Combine(Path, relative);

    /// <summary>Writes a text file, readable by the owner only.</summary>
    public string Write(string relative, string text)
    {
        string path = At(relative);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return path;
    }

    /// <summary>Copies a fixture plugin into the directory, as an operator would install it.</summary>
    public string Install(string fixture, string? folder = null)
    {
        string target = At(folder ?? fixture);
        Directory.CreateDirectory(target);
        foreach (string file in Directory.EnumerateFiles(FixtureOutput(fixture)))
        {
            string copy = System.IO.Path.Combine(target, System.IO.Path.GetFileName(file));
            File.Copy(file, copy, overwrite: true);
            File.SetUnixFileMode(copy, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        return target;
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Path, recursive: true);

    private static string Metadata(string key) => typeof(Scratch).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value!;
}
