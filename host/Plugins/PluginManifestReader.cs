using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Host.Configuration;

namespace VibePN.Host.Plugins;

/// <summary>Reads plugins.toml: which plugin fills which role, or every error the file has.</summary>
internal sealed class PluginManifestReader
{
    /// <summary>Where plugins.toml is unless the command line says otherwise.</summary>
    public const string DefaultPath = "/etc/vibepn/plugins.toml";

    private const int Schema = 1;

    private readonly ConfigErrors _errors;
    private readonly TomlDocument _document;
    private readonly string _folder;

    private PluginManifestReader(TomlDocument document, string folder, ConfigErrors errors)
    {
        _document = document;
        _folder = folder;
        _errors = errors;
    }

    /// <summary>Reads the file.</summary>
    /// <returns>The manifest; null when <paramref name="errors"/> has any.</returns>
    public static PluginManifest? ReadFile(string path, out IReadOnlyList<ConfigError> errors)
    {
        var found = new ConfigErrors(path);
        string? text = OperatorFile.Read(path, "Copy the sample plugins.toml, or name another with --plugins.", found);
        PluginManifest? manifest = text is null ? null : Read(text, Path.GetDirectoryName(Path.GetFullPath(path))!, found);
        errors = found.Sorted;
        return manifest;
    }

    /// <summary>Reads a text.</summary>
    /// <param name="text">The text of a plugins.toml.</param>
    /// <param name="folder">What relative paths in it are relative to.</param>
    /// <param name="errors">Where errors go.</param>
    /// <returns>The manifest; null when there are errors.</returns>
    public static PluginManifest? Read(string text, string folder, ConfigErrors errors)
    {
        TomlDocument document = TomlDocument.Parse(text, errors);
        PluginManifest manifest = new PluginManifestReader(document, folder, errors).Read();
        return errors.IsEmpty ? manifest : null;
    }

    private PluginManifest Read()
    {
        var root = new TableReader(_document.Root, "the top level", _errors, _document.IsBroken);
        ReadSchema(root);
        List<PluginEntry> entries = [.. root.Tables("plugin").Select(ReadEntry).OfType<PluginEntry>()];
        root.RejectUnknown();
        CheckNames(entries);
        if (!_document.IsBroken)
            CheckRoles(entries);
        return new PluginManifest([.. entries.OrderBy(entry => entry.Role)]);
    }

    private void ReadSchema(TableReader root)
    {
        if (root.Integer("schema") is not { } schema)
            root.Missing("schema", $"write schema = {Schema} as the first line.");
        else if (schema.Value != Schema)
            _errors.Add(schema.Position, ErrorCodes.BadSchema,
                $"this daemon reads schema {Schema} of plugins.toml, not {schema.Value}. "
                + "Use the plugins.toml that belongs to this version.");
    }

    private PluginEntry? ReadEntry(TomlTable table)
    {
        var reader = new TableReader(table, "[[plugin]]", _errors, _document.IsBroken);
        string? name = ReadName(reader);
        (PluginRole Role, SourcePosition Position)? role = ReadRole(reader);
        string? path = ReadPath(reader);
        ImmutableArray<string> hashes = ReadHashes(reader);
        TomlBoolean? optional = reader.Boolean("optional");
        TomlBoolean? standby = reader.Boolean("standby");
        TomlTable? settings = reader.Table("settings");
        reader.RejectUnknown();
        if (name is null || role is not { } filled || path is null)
            return null;
        if (optional is { Value: true } && filled.Role == PluginRole.Trust)
            _errors.Add(optional.Position, ErrorCodes.BadValue,
                "a trust plugin is never optional: the daemon must not go on with fewer checks than were asked for.");
        if (standby is { Value: true } && !PluginRoles.IsSwappable(filled.Role))
            _errors.Add(standby.Position, ErrorCodes.BadValue,
                $"a {PluginRoles.NameOf(filled.Role)} plugin cannot stand by: only the roles trust and routing can be swapped.");
        return new PluginEntry
        {
            Name = name,
            Role = filled.Role,
            Path = path,
            Folder = Path.GetFullPath(path, _folder),
            Hashes = hashes,
            Optional = optional?.Value ?? false,
            Standby = standby?.Value ?? false,
            Settings = settings,
            Position = table.Position,
            RolePosition = filled.Position,
        };
    }

    private string? ReadName(TableReader reader)
    {
        if (reader.Text("name") is not { } name)
        {
            reader.Missing("name", "the name the plugin exports, such as name = \"routing-lpm\".");
            return null;
        }

        if (IsName(name.Value))
            return name.Value;
        _errors.Add(name.Position, ErrorCodes.BadValue,
            $"'{name.Value}' is no plugin name: use 1 to 64 of a-z, 0-9 and '-', a letter first.");
        return null;
    }

    // The name is also the name of the plugin's directory under the state directory.
    private static bool IsName(string name) =>
        name.Length is > 0 and <= 64 && name[0] is >= 'a' and <= 'z'
        && name.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-')
        && name is not (StateFolders.Engine or StateFolders.Cache or StateFolders.Enrolment or StateFolders.Lock);

    private (PluginRole Role, SourcePosition Position)? ReadRole(TableReader reader)
    {
        if (reader.Text("role") is not { } text)
        {
            reader.Missing("role", $"one of {RoleNames}.");
            return null;
        }

        foreach (PluginRole role in PluginRoles.All)
        {
            if (PluginRoles.NameOf(role) == text.Value)
                return (role, text.Position);
        }

        _errors.Add(text.Position, ErrorCodes.BadValue,
            $"'{text.Value}' is no role: use one of {RoleNames}"
            + Suggestion.For(text.Value, PluginRoles.All.Select(PluginRoles.NameOf)));
        return null;
    }

    private static string RoleNames => string.Join(", ", PluginRoles.All.Select(PluginRoles.NameOf));

    private string? ReadPath(TableReader reader)
    {
        if (reader.Text("path") is not { } path)
        {
            reader.Missing("path", "the plugin's folder, relative to this file, such as path = \"plugins/routing-lpm\".");
            return null;
        }

        if (path.Value.Length > 0)
        {
            string folder = Path.GetFullPath(path.Value, _folder);
            if (Directory.Exists(folder))
                return path.Value;
            _errors.Add(path.Position, ErrorCodes.PluginFolder,
                $"there is no folder {folder}: install the plugin there, or correct 'path'.");
            return null;
        }

        _errors.Add(path.Position, ErrorCodes.BadValue, "this path is empty: name the plugin's folder.");
        return null;
    }

    private ImmutableArray<string> ReadHashes(TableReader reader)
    {
        if (reader.Texts("sha256") is not { } texts)
            return [];
        var hashes = ImmutableArray.CreateBuilder<string>();
        foreach (TomlText text in texts)
        {
            if (Fingerprint.TryParse(text.Value, out Fingerprint hash))
                hashes.Add(hash.ToString());
            else
                _errors.Add(text.Position, ErrorCodes.BadFingerprint,
                    "a plugin's sha256 is 64 hexadecimal digits; 'vibepnd --check' names the present one.");
        }

        return hashes.ToImmutable();
    }

    private void CheckNames(List<PluginEntry> entries)
    {
        foreach (IGrouping<string, PluginEntry> group in entries.GroupBy(entry => entry.Name).Where(g => g.Count() > 1))
        {
            foreach (PluginEntry again in group.Skip(1))
                _errors.Add(again.Position, ErrorCodes.DuplicatePlugin,
                    $"plugin '{again.Name}' is listed twice (first in line {group.First().Position.Line}): remove one.");
        }
    }

    private void CheckRoles(List<PluginEntry> entries)
    {
        foreach (PluginRole role in PluginRoles.All)
        {
            List<PluginEntry> filling = entries.FindAll(entry => entry.Role == role && !entry.Standby);
            string name = PluginRoles.NameOf(role);
            if (filling.Count == 0)
                _errors.Add(new SourcePosition(_errors.File, 1, 1), ErrorCodes.RoleNotFilled,
                    $"no usable plugin fills the role '{name}': add a [[plugin]] with role = \"{name}\".");
            if (filling.Count > 1 && !PluginRoles.TakesSeveral(role))
                foreach (PluginEntry surplus in filling.Skip(1))
                    _errors.Add(surplus.RolePosition, ErrorCodes.RoleNotFilled,
                        $"'{surplus.Name}' and '{filling[0].Name}' both fill the role '{name}', which takes one: remove one, or let one stand by with standby = true.");
        }
    }
}
