using Tomlyn.Syntax;
using VibePN.Vpnctl.Identity;

namespace VibePN.Vpnctl.Configuration;

/// <summary>A <c>[[peers]]</c> entry.</summary>
/// <param name="Name">Its label.</param>
/// <param name="Addresses">Where to dial it; none when it dials us.</param>
/// <param name="Fingerprint">Its pin, or null.</param>
/// <param name="Networks">What it is a member of.</param>
internal sealed record PeerEntry(string Name, IReadOnlyList<string> Addresses, string? Fingerprint, IReadOnlyList<string> Networks);

/// <summary>A <c>[networks.NAME]</c> table.</summary>
internal sealed record NetworkEntry(string Name, string? Prefix, string? Prefix6, string Address, bool Export);

/// <summary>Adds to the text of a config.toml: what is inserted is new, and every other byte stays what it was.</summary>
/// <remarks>
/// Whoever asks gets a result that was read again and holds exactly the old values and the new ones, or an exception with
/// the lines to add by hand: a text of a form that nobody thought of is never spoilt.
/// </remarks>
internal sealed class ConfigEditor
{
    private readonly string _path;

    /// <summary>Takes a text.</summary>
    /// <param name="path">For messages.</param>
    /// <param name="text">The text.</param>
    /// <exception cref="CommandException">It is no TOML.</exception>
    public ConfigEditor(string path, string text)
    {
        _path = path;
        Text = text;
        Tree = TomlTree.Parse(text, out string error)
            ?? throw new CommandException($"{path} is no TOML: {error} Correct it first ('vibepnd --check' shows all of it).", ExitCode.CheckFailed);
    }

    /// <summary>The text so far.</summary>
    public string Text { get; private set; }

    /// <summary>Its values.</summary>
    public TomlTree Tree { get; private set; }

    /// <summary>Names of its networks.</summary>
    public IReadOnlyCollection<string> Networks => TomlTree.Table(Tree.Root, "networks")?.Keys ?? (IReadOnlyCollection<string>)[];

    /// <summary>A network's table, or null.</summary>
    public Dictionary<string, object>? Network(string name) => TomlTree.Table(TomlTree.Table(Tree.Root, "networks"), name);

    /// <summary>Its peers.</summary>
    public IEnumerable<Dictionary<string, object>> Peers =>
        (Tree.Root.GetValueOrDefault("peers") as List<object>)?.OfType<Dictionary<string, object>>() ?? [];

    /// <summary>A name that no peer has yet: the one wished for, or that with a number.</summary>
    public string FreeName(string wished)
    {
        string name = wished;
        for (int number = 2; Peers.Any(peer => TomlTree.Text(peer, "name") == name); number++)
            name = $"{wished[..Math.Min(wished.Length, 60)]}-{number}";
        return name;
    }

    /// <summary>Adds a peer at the end.</summary>
    public void AddPeer(PeerEntry peer)
    {
        string[] lines = PeerLines(peer);
        var value = new Dictionary<string, object>(StringComparer.Ordinal) { ["name"] = peer.Name };
        if (peer.Addresses.Count > 0)
            value["address"] = peer.Addresses.Count == 1 ? peer.Addresses[0] : peer.Addresses.Cast<object>().ToList();
        if (peer.Fingerprint is { } fingerprint)
            value["fingerprint"] = fingerprint;
        value["networks"] = peer.Networks.Cast<object>().ToList();
        string edited = TopLevel("peers") is ArraySyntax array
            ? InsertInto(array, $"{{ {string.Join(", ", lines)} }}")
            : Append(["[[peers]]", .. lines]);
        Accept(edited, ["[[peers]]", .. lines], root =>
        {
            if (!root.TryGetValue("peers", out object? list))
                root["peers"] = list = new List<object>();
            (list as List<object>)?.Add(value);
        });
    }

    /// <summary>Adds a network at the end.</summary>
    public void AddNetwork(NetworkEntry network)
    {
        string[] lines = NetworkLines(network);
        string header = $"[networks.{ConfigurationText.TableKey(network.Name)}]";
        var value = new Dictionary<string, object>(StringComparer.Ordinal);
        if (network.Prefix is { } prefix)
            (value["prefix"], value["address"]) = (prefix, network.Address);
        if (network.Prefix6 is { } prefix6)
            (value["prefix6"], value["address6"]) = (prefix6, "auto");
        value["export"] = network.Export;
        string edited = TopLevel("networks") is InlineTableSyntax inline
            ? InsertInto(inline, $"{ConfigurationText.TableKey(network.Name)} = {{ {string.Join(", ", lines)} }}")
            : Append([header, .. lines]);
        Accept(edited, [header, .. lines], root =>
        {
            if (!root.TryGetValue("networks", out object? tables))
                root["networks"] = tables = new Dictionary<string, object>(StringComparer.Ordinal);
            if (tables is Dictionary<string, object> table)
                table[network.Name] = value;
        });
    }

    /// <summary>Makes a peer that is there a member of one more network.</summary>
    /// <param name="index">Its place among <see cref="Peers"/>.</param>
    /// <param name="network">The network.</param>
    public void AddMembership(int index, string network)
    {
        string quoted = ConfigurationText.Quote(network);
        string remedy = $"networks = [..., {quoted}]";
        TableArraySyntax[] tables = [.. Tree.Syntax.Tables.OfType<TableArraySyntax>()
            .Where(table => TomlTree.Parts(table.Name!) is ["peers"])];
        KeyValueSyntax? list = index < tables.Length
            ? tables[index].Items.FirstOrDefault(item => TomlTree.Parts(item.Key!) is ["networks"])
            : null;
        if (list?.Value is not ArraySyntax array)
            throw ByHand([remedy]);
        Accept(InsertInto(array, quoted), [remedy], root =>
        {
            var peer = (Dictionary<string, object>)((List<object>)root["peers"])[index];
            ((List<object>)peer["networks"]).Add(network);
        });
    }

    private static string[] PeerLines(PeerEntry peer)
    {
        List<string> lines = [$"name = {ConfigurationText.Quote(peer.Name)}"];
        if (peer.Addresses.Count == 1)
            lines.Add($"address = {ConfigurationText.Quote(peer.Addresses[0])}");
        else if (peer.Addresses.Count > 1)
            lines.Add($"address = [{string.Join(", ", peer.Addresses.Select(ConfigurationText.Quote))}]");
        if (peer.Fingerprint is { } fingerprint)
            lines.Add($"fingerprint = {ConfigurationText.Quote(fingerprint)}");
        lines.Add($"networks = [{string.Join(", ", peer.Networks.Select(ConfigurationText.Quote))}]");
        return [.. lines];
    }

    private static string[] NetworkLines(NetworkEntry network)
    {
        List<string> lines = [];
        if (network.Prefix is { } prefix)
        {
            lines.Add($"prefix = {ConfigurationText.Quote(prefix)}");
            lines.Add($"address = {ConfigurationText.Quote(network.Address)}");
        }
        if (network.Prefix6 is { } prefix6)
        {
            lines.Add($"prefix6 = {ConfigurationText.Quote(prefix6)}");
            lines.Add("address6 = \"auto\"");
        }
        lines.Add($"export = {(network.Export ? "true" : "false")}");
        return [.. lines];
    }

    private ValueSyntax? TopLevel(string key) =>
        Tree.Syntax.KeyValues.FirstOrDefault(item => TomlTree.Parts(item.Key!) is [var name] && name == key)?.Value;

    private string Append(string[] lines)
    {
        string newline = Text.Contains("\r\n", StringComparison.Ordinal) ? "\r\n" : "\n";
        bool endsLine = Text.Length == 0 || Text.EndsWith('\n') || Text == "\uFEFF";
        bool isEmpty = Text.Length == 0 || Text == "\uFEFF";
        return Text + (endsLine ? "" : newline) + (isEmpty ? "" : newline) + string.Join(newline, lines) + newline;
    }

    private string InsertInto(ArraySyntax array, string item)
    {
        ArrayItemSyntax? last = array.Items.LastOrDefault();
        string lead = last is null ? "" : last.Comma is null ? ", " : " ";
        return Text.Insert(OffsetOf(array.CloseBracket!), lead + item);
    }

    private string InsertInto(InlineTableSyntax table, string item)
    {
        InlineTableItemSyntax? last = table.Items.LastOrDefault();
        string lead = last is null ? " " : last.Comma is null ? ", " : " ";
        return Text.Insert(OffsetOf(table.CloseBrace!), $"{lead}{item} ");
    }

    // The parser counts from behind a byte order mark.
    private int OffsetOf(SyntaxToken token) => token.Span.Start.Offset + (Text.StartsWith('\uFEFF') ? 1 : 0);

    // The proof of every edit: the old values and the addition, nothing more and nothing less.
    private void Accept(string edited, string[] lines, Action<Dictionary<string, object>> addTo)
    {
        TomlTree expected = TomlTree.Parse(Text, out _)!;
        addTo(expected.Root);
        if (TomlTree.Parse(edited, out _) is not { } tree || !TomlTree.AreSame(expected.Root, tree.Root))
            throw ByHand(lines);
        (Text, Tree) = (edited, tree);
    }

    private CommandException ByHand(string[] lines) => new(
        $"{_path} has a form that vpnctl does not edit; nothing was changed. Add this by hand, then run 'vpnctl reload':\n  "
        + string.Join("\n  ", lines));
}
