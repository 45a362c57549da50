using VibePN.Contracts;

namespace VibePN.Host.Configuration;

/// <summary>A value of a TOML file with the place where it stands.</summary>
/// <param name="Position">The value's first character; of a table its header or key.</param>
internal abstract record TomlNode(SourcePosition Position)
{
    /// <summary>What it is, for messages: <c>a string</c>.</summary>
    public abstract string Kind { get; }
}

/// <summary>A string.</summary>
internal sealed record TomlText(SourcePosition Position, string Value) : TomlNode(Position)
{
    public override string Kind => "a string";
}

/// <summary>An integer.</summary>
internal sealed record TomlInteger(SourcePosition Position, long Value) : TomlNode(Position)
{
    public override string Kind => "an integer";
}

/// <summary>A boolean.</summary>
internal sealed record TomlBoolean(SourcePosition Position, bool Value) : TomlNode(Position)
{
    public override string Kind => "a boolean";
}

/// <summary>A kind of value that no setting of ours has: a float or a date.</summary>
internal sealed record TomlOther(SourcePosition Position, string Name) : TomlNode(Position)
{
    public override string Kind => Name;
}

/// <summary>An array of values, or of tables when written with double brackets.</summary>
internal sealed record TomlArray(SourcePosition Position, List<TomlNode> Items) : TomlNode(Position)
{
    public override string Kind => "an array";
}

/// <summary>A table, its keys in the file's order.</summary>
internal sealed record TomlTable(SourcePosition Position) : TomlNode(Position)
{
    private readonly List<TomlEntry> _entries = [];

    public override string Kind => "a table";

    /// <summary>The keys with their values, in the file's order.</summary>
    public IReadOnlyList<TomlEntry> Entries => _entries;

    /// <summary>The entry of a key, or null.</summary>
    public TomlEntry? Find(string key) => _entries.Find(entry => entry.Key == key);

    /// <summary>Adds a key; of two equal ones the first stands, and the parser has reported the second.</summary>
    public void Add(TomlEntry entry)
    {
        if (Find(entry.Key) is null)
            _entries.Add(entry);
    }
}

/// <summary>A key and its value.</summary>
/// <param name="Key">The key, unquoted.</param>
/// <param name="KeyPosition">Where the key stands.</param>
/// <param name="Value">The value.</param>
internal sealed record TomlEntry(string Key, SourcePosition KeyPosition, TomlNode Value);
