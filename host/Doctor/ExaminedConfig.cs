using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Host.Configuration;

namespace VibePN.Host.Doctor;

/// <summary>A config.toml with whatever is wrong in it, each mistake under the key it is about.</summary>
/// <param name="Path">The path as the operator gave it.</param>
/// <param name="Root">The file's tables; empty when it cannot be read.</param>
/// <param name="Draft">What could be read of it.</param>
/// <param name="Problems">The mistakes, in the file's order.</param>
/// <param name="IsLegible">Whether it is a TOML file at all.</param>
internal sealed record ExaminedConfig(
    string Path, TomlTable Root, ConfigDraft Draft, ImmutableArray<ConfigProblem> Problems, bool IsLegible)
{
    /// <summary>What relative paths in it are relative to.</summary>
    public string Folder => System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!;

    /// <summary>Reads the file, also when others may have written it: nothing is done because of what it says.</summary>
    public static ExaminedConfig Read(string path)
    {
        var errors = new ConfigErrors(path);
        string? text = null;
        if (File.Exists(path))
            text = OperatorFile.ReadUnguarded(path, errors);
        else
            errors.Add(ErrorCodes.FileUnreadable, "there is no such file");
        TomlDocument document = TomlDocument.Parse(text ?? "", errors);
        bool isLegible = text is not null && !document.IsBroken;
        string folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
        // What an unreadable file lacks is no further mistake.
        var found = isLegible ? errors : new ConfigErrors(path);
        ConfigDraft draft = ConfigReader.Draft(document, folder, found);
        var keys = new KeyPlaces(document.Root);
        return new ExaminedConfig(path, document.Root, draft,
            [.. errors.Sorted.Select(error => ConfigProblem.Of(error, keys.KeyAt(error.Position)))], isLegible);
    }

    /// <summary>The problems that one check is about.</summary>
    public IEnumerable<ConfigProblem> Of(int check) => Problems.Where(problem => problem.Check == check);

    /// <summary>A string of the file by table and key, or null.</summary>
    public string? Text(string table, string key) =>
        (Root.Find(table)?.Value as TomlTable)?.Find(key)?.Value is TomlText text ? text.Value : null;
}

/// <summary>One mistake in config.toml.</summary>
/// <param name="Error">The daemon's own words for it.</param>
/// <param name="Key">The key it is about, such as <c>peers[1].address</c>; empty for the file as a whole.</param>
/// <param name="Check">The number of the check it belongs to.</param>
internal sealed record ConfigProblem(ConfigError Error, string Key, int Check)
{
    /// <summary>Finds the check that a mistake belongs to.</summary>
    public static ConfigProblem Of(ConfigError error, string key)
    {
        bool isPeer = key.StartsWith("peers[", StringComparison.Ordinal);
        bool isNetwork = key.StartsWith("networks", StringComparison.Ordinal);
        string last = key[(key.LastIndexOf('.') + 1)..].Split('[')[0];
        int check = error.Code switch
        {
            ErrorCodes.FileUnreadable or ErrorCodes.Syntax or ErrorCodes.WrongType or ErrorCodes.UnknownKey => 1,
            ErrorCodes.MissingKey => isPeer ? 6 : isNetwork ? 4 : 2,
            ErrorCodes.IdentityMismatch or ErrorCodes.IdentityUnreadable => 3,
            ErrorCodes.KeyExposed => 13,
            ErrorCodes.BadPrefix => last is "prefix" or "prefix6" ? 4 : 1,
            ErrorCodes.AddressOutsidePrefix => 10,
            ErrorCodes.DuplicatePeer or ErrorCodes.OwnFingerprint => 16,
            ErrorCodes.BadFingerprint => isPeer ? 8 : 3,
            ErrorCodes.UnknownNetwork => 9,
            ErrorCodes.BadValue when key.StartsWith("identity", StringComparison.Ordinal) => 2,
            ErrorCodes.BadValue when isNetwork && last is "address" or "address6" => 5,
            ErrorCodes.BadValue when isPeer => last switch { "name" => 6, "address" => 7, "networks" => 9, _ => 1 },
            _ => 1,
        };
        return new ConfigProblem(error, key, check);
    }

    /// <summary>What is wrong, with its place.</summary>
    public string Detail => Error.Position.Line == 0 ? $"{Error.Position.File}: {Error.Text}" : $"{Error.Position}: {Error.Text}";

    /// <summary>The edit that mends it.</summary>
    public string Remedy
    {
        get
        {
            string place = Error.Position.Line == 0 ? Error.Position.File : $"{Error.Position.File}, line {Error.Position.Line}";
            string what = Key.Length == 0 ? "" : $" ({Key})";
            return $"edit {place}{what}: {Hint()}";
        }
    }

    private string Hint()
    {
        string text = Error.Text;
        switch (Error.Code)
        {
            case ErrorCodes.UnknownKey:
                return $"remove the line, or correct the key: {text}";
            case ErrorCodes.Syntax:
                return $"mend the line: {text}";
            case ErrorCodes.MissingKey:
                return text;
            default:
                return Advice.In(text);
        }
    }
}

/// <summary>The keys of a TOML file by their places.</summary>
internal sealed class KeyPlaces
{
    private readonly Dictionary<(int Line, int Column), string> _keys = [];

    /// <summary>Walks through a file's tables.</summary>
    public KeyPlaces(TomlTable root) => Add(root, "");

    /// <summary>The key that stands there, or whose value does; empty when none does.</summary>
    public string KeyAt(SourcePosition position) => _keys.GetValueOrDefault((position.Line, position.Column), "");

    private void Add(TomlNode node, string key)
    {
        if (key.Length > 0)
            _keys.TryAdd((node.Position.Line, node.Position.Column), key);
        if (node is TomlArray array)
        {
            for (int i = 0; i < array.Items.Count; i++)
                Add(array.Items[i], $"{key}[{i}]");
        }
        if (node is not TomlTable table)
            return;
        foreach (TomlEntry entry in table.Entries)
        {
            string name = key.Length == 0 ? entry.Key : $"{key}.{entry.Key}";
            Add(entry.Value, name);
            _keys.TryAdd((entry.KeyPosition.Line, entry.KeyPosition.Column), name);
        }
    }
}
