using System.Collections.Immutable;
using System.Globalization;
using VibePN.Contracts;
using VibePN.Engine.Configuration;
using VibePN.Host.Configuration;

namespace VibePN.Host.Plugins;

/// <summary>A plugin's settings, checked against what its class declares before any of its code runs.</summary>
internal sealed class PluginSettings : IPluginSettings
{
    private readonly Dictionary<string, Setting> _settings = [];

    /// <summary>Checks <c>[plugin.settings]</c>; errors are added, and defaults fill in what is absent.</summary>
    public static PluginSettings Read(PluginEntry entry, PluginExport export, List<ConfigError> errors)
    {
        var settings = new PluginSettings();
        foreach (PluginSettingAttribute declared in export.Settings)
            settings.ReadOne(declared, entry, errors);
        foreach (TomlEntry given in entry.Settings?.Entries ?? [])
        {
            if (!export.Settings.Any(declared => declared.Name == given.Key))
                errors.Add(new ConfigError(given.KeyPosition, ErrorCodes.UnknownKey,
                    $"plugin '{entry.Name}' has no setting '{given.Key}'"
                    + Suggestion.For(given.Key, export.Settings.Select(declared => declared.Name))));
        }

        return settings;
    }

    /// <inheritdoc/>
    public string GetString(string name) => (string)Get(name, SettingType.Text);

    /// <inheritdoc/>
    public long GetInteger(string name) => (long)Get(name, SettingType.Number);

    /// <inheritdoc/>
    public bool GetBoolean(string name) => (bool)Get(name, SettingType.Boolean);

    /// <inheritdoc/>
    public TimeSpan GetDuration(string name) => (TimeSpan)Get(name, SettingType.Duration);

    /// <inheritdoc/>
    public IReadOnlyList<string> GetStrings(string name) => (IReadOnlyList<string>)Get(name, SettingType.StringList);

    /// <inheritdoc/>
    public SourcePosition PositionOf(string name) => _settings.TryGetValue(name, out Setting? setting)
        ? setting.Position
        : throw Undeclared(name);

    /// <summary>Every setting as text, defaults included; by name.</summary>
    public ImmutableSortedDictionary<string, string> Texts => _settings.ToImmutableSortedDictionary(
        pair => pair.Key, pair => ConfigurationText.Of(pair.Value.Value), StringComparer.Ordinal);

    private object Get(string name, SettingType type)
    {
        if (!_settings.TryGetValue(name, out Setting? setting))
            throw Undeclared(name);
        return setting.Type == type
            ? setting.Value
            : throw new InvalidOperationException($"Setting '{name}' is declared as {setting.Type}, not {type}.");
    }

    private static InvalidOperationException Undeclared(string name) =>
        new($"Setting '{name}' is not declared with [PluginSetting].");

    private void ReadOne(PluginSettingAttribute declared, PluginEntry entry, List<ConfigError> errors)
    {
        TomlNode? node = entry.Settings?.Find(declared.Name)?.Value;
        object? value;
        string? problem;
        SourcePosition position;
        if (node is not null)
        {
            position = node.Position;
            value = FromToml(declared, node, out problem);
        }
        else if (declared.Default is null)
        {
            position = entry.Settings?.Position ?? entry.Position;
            value = null;
            problem = "is required and absent";
        }
        else
        {
            position = new SourcePosition(entry.Position.File, 0, 0);
            value = FromDefault(declared, out problem);
        }

        if (value is not null)
            problem = Limit(declared, value);
        if (problem is null)
            _settings[declared.Name] = new Setting(declared.Type, value!, position);
        else
            errors.Add(new ConfigError(node is null && declared.Default is not null ? entry.Position : position,
                ErrorCodes.Setting, $"setting '{declared.Name}' of plugin '{entry.Name}' {problem}.{HelpOf(declared)}"));
    }

    private static object? FromToml(PluginSettingAttribute declared, TomlNode node, out string? problem)
    {
        problem = null;
        switch (declared.Type, node)
        {
            case (SettingType.Text, TomlText text):
                return text.Value;
            case (SettingType.Number, TomlInteger number):
                return number.Value;
            case (SettingType.Boolean, TomlBoolean boolean):
                return boolean.Value;
            case (SettingType.Duration, TomlText text) when Duration.TryParse(text.Value, out TimeSpan duration):
                return duration;
            case (SettingType.StringList, TomlArray array) when array.Items.TrueForAll(item => item is TomlText):
                return array.Items.Cast<TomlText>().Select(text => text.Value).ToArray();
            default:
                problem = $"must be {Expected(declared.Type)}, not {(node is TomlText text2 ? $"\"{text2.Value}\"" : node.Kind)}";
                return null;
        }
    }

    // A default is TOML text without quotes; that of a list is its items, separated by commas.
    private static object? FromDefault(PluginSettingAttribute declared, out string? problem)
    {
        string text = declared.Default!;
        object? value = declared.Type switch
        {
            SettingType.Text => text,
            SettingType.Number => long.TryParse(text.Replace("_", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign,
                CultureInfo.InvariantCulture, out long number) ? number : null,
            SettingType.Boolean => text switch { "true" => true, "false" => false, _ => null },
            SettingType.Duration => Duration.TryParse(text, out TimeSpan duration) ? duration : null,
            SettingType.StringList => ListOf(text),
            _ => null,
        };
        problem = value is null ? $"has a default that is not {Expected(declared.Type)}: '{text}' (the author's mistake)" : null;
        return value;
    }

    private static string[] ListOf(string text) =>
    [
        .. text.Trim('[', ']').Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(item => item.Trim('"')),
    ];

    private static string? Limit(PluginSettingAttribute declared, object value)
    {
        if (value is long number && (number < declared.Minimum || number > declared.Maximum))
            return $"is {number}, outside {Range(declared)}";
        if (declared.Choices.Length == 0)
            return null;
        string[] choices = declared.Choices.Split('|');
        IEnumerable<string> given = value as IReadOnlyList<string> ?? (value is string text ? [text] : []);
        string? wrong = given.FirstOrDefault(item => !choices.Contains(item));
        return wrong is null ? null : $"is '{wrong}', not one of {string.Join(", ", choices)}";
    }

    private static string Range(PluginSettingAttribute declared) => (declared.Minimum, declared.Maximum) switch
    {
        (long.MinValue, var most) => $"the range up to {most}",
        (var least, long.MaxValue) => $"the range from {least}",
        var (least, most) => $"{least} to {most}",
    };

    private static string Expected(SettingType type) => type switch
    {
        SettingType.Text => "a string",
        SettingType.Number => "an integer",
        SettingType.Boolean => "true or false",
        SettingType.Duration => "a duration such as \"250ms\", \"5s\", \"2m\" or \"1h\"",
        _ => "an array of strings",
    };

    private static string HelpOf(PluginSettingAttribute declared) =>
        declared.Help.Length == 0 ? "" : $" What it is: {declared.Help}";

    private sealed record Setting(SettingType Type, object Value, SourcePosition Position);
}
