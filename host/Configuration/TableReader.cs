using VibePN.Contracts;

namespace VibePN.Host.Configuration;

/// <summary>Reads one table key by key, reporting wrong types, and at the end the keys nobody asked for.</summary>
/// <param name="table">The table.</param>
/// <param name="name">What messages call it, such as <c>[identity]</c>.</param>
/// <param name="errors">Where errors go.</param>
/// <param name="isBroken">Whether the document has syntax errors, so that absence proves nothing.</param>
internal sealed class TableReader(TomlTable table, string name, ConfigErrors errors, bool isBroken)
{
    private readonly HashSet<string> _asked = [];

    /// <summary>Where the table begins.</summary>
    public SourcePosition Position => table.Position;

    /// <summary>A string with its place, or null when absent.</summary>
    public TomlText? Text(string key) =>
        Take<TomlText>(key, "a string", $"{key} = \"...\"") is { } text && IsPlain(key, text) ? text : null;

    /// <summary>An integer with its place, or null when absent.</summary>
    public TomlInteger? Integer(string key) => Take<TomlInteger>(key, "an integer", $"{key} = 1");

    /// <summary>A boolean with its place, or null when absent.</summary>
    public TomlBoolean? Boolean(string key) => Take<TomlBoolean>(key, "a boolean", $"{key} = true");

    /// <summary>The strings of an array with their places; null when absent. Items that are no strings are reported and left out.</summary>
    public IReadOnlyList<TomlText>? Texts(string key)
    {
        if (Take<TomlArray>(key, "an array of strings", $"{key} = [\"...\"]") is not { } array)
            return null;
        var texts = new List<TomlText>();
        foreach (TomlNode item in array.Items)
        {
            if (item is not TomlText text)
                errors.Add(item.Position, ErrorCodes.WrongType,
                    $"'{key}' in {name} holds strings only, not {item.Kind}.");
            else if (IsPlain(key, text))
                texts.Add(text);
        }

        return texts;
    }

    /// <summary>One string or an array of them, as a list; null when absent.</summary>
    public IReadOnlyList<TomlText>? TextOrTexts(string key)
    {
        if (table.Find(key)?.Value is not TomlText)
            return Texts(key);
        return Text(key) is { } text ? [text] : [];
    }

    /// <summary>The strings of an array, or the tables of an <c>[[array]]</c>; empty when absent. Other items are reported and left out.</summary>
    public IReadOnlyList<TomlNode> TextsOrTables(string key)
    {
        if (Take<TomlArray>(key, "an array of strings, or of tables", $"{key} = [\"...\"], or [[{key}]]") is not { } array)
            return [];
        var nodes = new List<TomlNode>();
        foreach (TomlNode item in array.Items)
        {
            if (item is not (TomlText or TomlTable))
                errors.Add(item.Position, ErrorCodes.WrongType, $"'{key}' in {name} holds strings or tables, not {item.Kind}.");
            else if (item is not TomlText text || IsPlain(key, text))
                nodes.Add(item);
        }

        return nodes;
    }

    /// <summary>A table, or null when absent.</summary>
    public TomlTable? Table(string key) => Take<TomlTable>(key, "a table", $"[{key}]");

    /// <summary>The tables of an <c>[[array]]</c>; empty when absent.</summary>
    public IReadOnlyList<TomlTable> Tables(string key)
    {
        if (Take<TomlArray>(key, "an array of tables", $"[[{key}]]") is not { } array)
            return [];
        foreach (TomlNode item in array.Items)
        {
            if (item is not TomlTable)
                errors.Add(item.Position, ErrorCodes.WrongType, $"'{key}' holds tables, not {item.Kind}: write [[{key}]].");
        }

        return [.. array.Items.OfType<TomlTable>()];
    }

    /// <summary>Reports that a key is needed and absent.</summary>
    public void Missing(string key, string remedy)
    {
        if (isBroken || table.Find(key) is not null)
            return; // absence proves nothing, or the value was wrong and has been reported
        SourcePosition position = table.Position.Line == 0 ? new SourcePosition(errors.File, 1, 1) : table.Position;
        errors.Add(position, ErrorCodes.MissingKey, $"{name} needs '{key}': {remedy}");
    }

    /// <summary>Reports every key that was never asked for.</summary>
    public void RejectUnknown()
    {
        foreach (TomlEntry entry in table.Entries)
        {
            if (!_asked.Contains(entry.Key))
                errors.Add(entry.KeyPosition, ErrorCodes.UnknownKey,
                    $"unknown key '{entry.Key}' in {name}{Suggestion.For(entry.Key, _asked)}");
        }
    }

    // Names and paths: a line break or a null character in one is a slip, and dangerous further on.
    private bool IsPlain(string key, TomlText text)
    {
        if (!text.Value.Any(char.IsControl))
            return true;
        errors.Add(text.Position, ErrorCodes.BadValue, $"'{key}' in {name} contains a control character: remove it.");
        return false;
    }

    private T? Take<T>(string key, string expected, string sample)
        where T : TomlNode
    {
        _asked.Add(key);
        if (table.Find(key) is not { } entry)
            return null;
        if (entry.Value is T value)
            return value;
        errors.Add(entry.Value.Position, ErrorCodes.WrongType,
            $"'{key}' in {name} must be {expected}, not {entry.Value.Kind}: write {sample}.");
        return null;
    }
}
