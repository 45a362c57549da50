using Tomlyn.Parsing;
using Tomlyn.Syntax;

namespace VibePN.Vpnctl.Configuration;

/// <summary>A TOML text as plain values: tables are dictionaries, arrays are lists, the rest is text, bool or its source.</summary>
/// <remarks>The daemon judges what the values mean; here it only matters what is there, and that an edit keeps it.</remarks>
internal sealed class TomlTree
{
    private TomlTree(DocumentSyntax syntax) => Syntax = syntax;

    /// <summary>The parsed text, for its positions.</summary>
    public DocumentSyntax Syntax { get; }

    /// <summary>The top-level table.</summary>
    public Dictionary<string, object> Root { get; } = new(StringComparer.Ordinal);

    /// <summary>Parses a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="error">The first thing that is wrong, with its line.</param>
    /// <returns>Null when something is wrong.</returns>
    public static TomlTree? Parse(string text, out string error)
    {
        error = "";
        DocumentSyntax syntax = SyntaxParser.Parse(text, "", validate: true);
        foreach (DiagnosticMessage message in syntax.Diagnostics)
        {
            if (message.Kind != DiagnosticMessageKind.Error)
                continue;
            error = $"line {message.Span.Start.Line + 1}: {message.Message}";
            return null;
        }
        var tree = new TomlTree(syntax);
        AddAll(tree.Root, syntax.KeyValues);
        foreach (TableSyntaxBase table in syntax.Tables)
            AddAll(Open(tree.Root, Parts(table.Name!), table is TableArraySyntax), table.Items);
        return tree;
    }

    /// <summary>Whether two values are equal, whatever the order of keys.</summary>
    public static bool AreSame(object left, object right) => (left, right) switch
    {
        (Dictionary<string, object> a, Dictionary<string, object> b) =>
            a.Count == b.Count && a.All(pair => b.TryGetValue(pair.Key, out object? other) && AreSame(pair.Value, other)),
        (List<object> a, List<object> b) => a.Count == b.Count && a.Zip(b).All(pair => AreSame(pair.First, pair.Second)),
        _ => left.Equals(right),
    };

    /// <summary>A table in a table, or null.</summary>
    public static Dictionary<string, object>? Table(Dictionary<string, object>? table, string key) =>
        table?.GetValueOrDefault(key) as Dictionary<string, object>;

    /// <summary>A text in a table, or null.</summary>
    public static string? Text(Dictionary<string, object>? table, string key) => table?.GetValueOrDefault(key) as string;

    /// <summary>The parts of a key or of a table's name.</summary>
    public static List<string> Parts(KeySyntax key)
    {
        List<string> parts = [Part(key.Key)];
        foreach (DottedKeyItemSyntax dotted in key.DotKeys)
            parts.Add(Part(dotted.Key));
        return parts;
    }

    private static string Part(BareKeyOrStringValueSyntax? part) =>
        (part is BareKeySyntax bare ? bare.Key?.Text : (part as StringValueSyntax)?.Value) ?? "";

    private static void AddAll(Dictionary<string, object> table, SyntaxList<KeyValueSyntax> items)
    {
        foreach (KeyValueSyntax item in items)
            AddOne(table, item);
    }

    private static void AddOne(Dictionary<string, object> table, KeyValueSyntax item)
    {
        List<string> parts = Parts(item.Key!);
        Open(table, parts[..^1], isArray: false)[parts[^1]] = Value(item.Value!);
    }

    private static Dictionary<string, object> Open(Dictionary<string, object> table, List<string> parts, bool isArray)
    {
        for (int i = 0; i < parts.Count; i++)
        {
            bool appends = isArray && i == parts.Count - 1;
            if (!table.TryGetValue(parts[i], out object? value))
                table[parts[i]] = value = appends ? new List<object>() : new Dictionary<string, object>(StringComparer.Ordinal);
            if (appends && value is List<object> list)
                list.Add(new Dictionary<string, object>(StringComparer.Ordinal));
            table = value as Dictionary<string, object>
                ?? (value as List<object>)?.LastOrDefault() as Dictionary<string, object>
                ?? new Dictionary<string, object>(StringComparer.Ordinal);
        }
        return table;
    }

    private static object Value(ValueSyntax value)
    {
        switch (value)
        {
            case StringValueSyntax text:
                return text.Value ?? "";
            case BooleanValueSyntax boolean:
                return boolean.Value;
            case ArraySyntax array:
                return array.Items.Where(item => item.Value is not null).Select(item => Value(item.Value!)).ToList();
            case InlineTableSyntax inline:
                var table = new Dictionary<string, object>(StringComparer.Ordinal);
                foreach (InlineTableItemSyntax item in inline.Items)
                {
                    if (item.KeyValue is { } pair)
                        AddOne(table, pair);
                }
                return table;
            default:
                return (value.GetType().Name, value.ToString()?.Trim());
        }
    }
}
