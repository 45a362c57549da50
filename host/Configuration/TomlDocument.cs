using Tomlyn.Parsing;
using Tomlyn.Syntax;
using VibePN.Contracts;

namespace VibePN.Host.Configuration;

/// <summary>A parsed TOML file as values with positions.</summary>
/// <remarks>
/// Deserialising with the library would lose the positions and pass over unknown keys, so the first pass is its
/// syntax parser, which finds all syntax errors and duplicates, and the second is this walk of the syntax tree.
/// </remarks>
internal sealed class TomlDocument
{
    private readonly ConfigErrors _errors;
    private readonly HashSet<int> _brokenLines = [];

    private TomlDocument(ConfigErrors errors)
    {
        _errors = errors;
        Root = new TomlTable(new SourcePosition(errors.File, 0, 0));
    }

    /// <summary>The top-level table.</summary>
    public TomlTable Root { get; }

    /// <summary>True when the syntax is broken somewhere, so that a key may be missing only because its line is unreadable.</summary>
    public bool IsBroken => _brokenLines.Count > 0;

    /// <summary>Parses a text; what is wrong goes to <paramref name="errors"/> and the rest is still usable.</summary>
    public static TomlDocument Parse(string text, ConfigErrors errors)
    {
        var document = new TomlDocument(errors);
        DocumentSyntax syntax = SyntaxParser.Parse(text, errors.File, validate: true);
        foreach (DiagnosticMessage message in syntax.Diagnostics)
        {
            if (message.Kind != DiagnosticMessageKind.Error)
                continue;
            // The parser stumbles on: what follows on the same line is the same mistake.
            SourcePosition position = document.PositionOf(message.Span);
            if (document._brokenLines.Add(position.Line))
                errors.Add(position, ErrorCodes.Syntax, Sentence(message.Message));
        }

        document.Walk(syntax);
        return document;
    }

    private void Walk(DocumentSyntax syntax)
    {
        AddAll(Root, syntax.KeyValues);
        foreach (TableSyntaxBase header in syntax.Tables)
        {
            if (header.Name is not { } name || IsOnBrokenLine(name))
                continue;
            TomlTable? table = Open(name, isArray: header is TableArraySyntax);
            if (table is not null)
                AddAll(table, header.Items);
        }
    }

    private void AddAll(TomlTable table, SyntaxList<KeyValueSyntax> items)
    {
        foreach (KeyValueSyntax item in items)
            AddOne(table, item);
    }

    private void AddOne(TomlTable table, KeyValueSyntax item)
    {
        if (item.Key is null || item.Value is null || IsOnBrokenLine(item.Key))
            return;
        List<(string Name, SourcePosition Position)> parts = Parts(item.Key);
        for (int i = 0; i < parts.Count - 1; i++)
        {
            if (Descend(table, parts[i].Name, parts[i].Position) is not { } inner)
                return;
            table = inner;
        }

        if (parts.Count > 0 && Value(item.Value) is { } value)
            table.Add(new TomlEntry(parts[^1].Name, parts[^1].Position, value));
    }

    // Opens the table of a [header] or a new one of an [[array]].
    private TomlTable? Open(KeySyntax name, bool isArray)
    {
        TomlTable table = Root;
        List<(string Name, SourcePosition Position)> parts = Parts(name);
        for (int i = 0; i < parts.Count; i++)
        {
            bool isLast = i == parts.Count - 1;
            TomlTable? inner = isLast && isArray
                ? Append(table, parts[i].Name, parts[i].Position)
                : Descend(table, parts[i].Name, parts[i].Position);
            if (inner is null)
                return null;
            table = inner;
        }

        return table;
    }

    private static TomlTable? Append(TomlTable table, string name, SourcePosition position)
    {
        if (table.Find(name) is null)
            table.Add(new TomlEntry(name, position, new TomlArray(position, [])));
        if (table.Find(name)!.Value is not TomlArray array)
            return null; // the parser has reported the clash
        var element = new TomlTable(position);
        array.Items.Add(element);
        return element;
    }

    private static TomlTable? Descend(TomlTable table, string name, SourcePosition position)
    {
        if (table.Find(name) is not { } entry)
        {
            var inner = new TomlTable(position);
            table.Add(new TomlEntry(name, position, inner));
            return inner;
        }

        return entry.Value switch
        {
            TomlTable existing => existing,
            TomlArray { Items: [.., TomlTable last] } => last,
            _ => null, // the parser has reported the clash
        };
    }

    private TomlNode? Value(ValueSyntax value)
    {
        SourcePosition position = PositionOf(value.Span);
        switch (value)
        {
            case StringValueSyntax text:
                return new TomlText(position, text.Value ?? "");
            case IntegerValueSyntax integer:
                return new TomlInteger(position, integer.Value);
            case BooleanValueSyntax boolean:
                return new TomlBoolean(position, boolean.Value);
            case ArraySyntax array:
                var items = new List<TomlNode>();
                foreach (ArrayItemSyntax item in array.Items)
                {
                    if (item.Value is not null && Value(item.Value) is { } node)
                        items.Add(node);
                }

                return new TomlArray(position, items);
            case InlineTableSyntax inline:
                var table = new TomlTable(position);
                foreach (InlineTableItemSyntax item in inline.Items)
                {
                    if (item.KeyValue is not null)
                        AddOne(table, item.KeyValue);
                }

                return table;
            case FloatValueSyntax:
                return new TomlOther(position, "a floating-point number");
            case DateTimeValueSyntax:
                return new TomlOther(position, "a date or time");
            default:
                return null;
        }
    }

    private List<(string Name, SourcePosition Position)> Parts(KeySyntax key)
    {
        var parts = new List<(string, SourcePosition)>();
        Take(key.Key);
        foreach (DottedKeyItemSyntax dotted in key.DotKeys)
            Take(dotted.Key);
        return parts;

        void Take(BareKeyOrStringValueSyntax? part)
        {
            if (part is null)
                return;
            string? name = part is BareKeySyntax bare ? bare.Key?.Text : (part as StringValueSyntax)?.Value;
            if (name is not null)
                parts.Add((name, PositionOf(part.Span)));
        }
    }

    private bool IsOnBrokenLine(KeySyntax key) => _brokenLines.Contains(PositionOf(key.Span).Line);

    private SourcePosition PositionOf(SourceSpan span) =>
        new(_errors.File, span.Start.Line + 1, span.Start.Column + 1);

    private static string Sentence(string message) =>
        message.Length == 0 || message.EndsWith('.') ? message : message + ".";
}
