using System.Collections.Immutable;
using System.Globalization;
using VibePN.Contracts;
using VibePN.Engine.Configuration;

namespace VibePN.Host.Configuration;

/// <summary>Reads what one network's table says of routing: rules, limits, damping and multipath.</summary>
/// <param name="network">The network's name.</param>
/// <param name="errors">Where errors go.</param>
/// <param name="isBroken">Whether the document has syntax errors.</param>
internal sealed class PolicyReader(string network, ConfigErrors errors, bool isBroken)
{
    private const int MostRules = 256;
    private const int MostItems = 64;
    private const int MostTags = 8;
    private const int LargestPreference = 65_535;

    /// <summary>The <c>policy</c> table.</summary>
    public NetworkRules ReadRules(TableReader reader)
    {
        if (reader.Table("policy") is not { } table)
            return NetworkRules.None;
        TableReader policy = Reader(table, $"[networks.{network}.policy]");
        IReadOnlyList<TomlTable> import = policy.Tables("import");
        IReadOnlyList<TomlTable> export = policy.Tables("export");
        policy.RejectUnknown();
        return new NetworkRules
        {
            Import = [.. AtMost(import, "import").Select(ReadImport)],
            Export = table.Find("export") is null ? null : [.. AtMost(export, "export").Select(ReadExport)],
        };
    }

    /// <summary>The <c>limits</c> table.</summary>
    public RouteLimits ReadLimits(TableReader reader)
    {
        RouteLimits standard = RouteLimits.Standard;
        if (reader.Table("limits") is not { } table)
            return standard;
        TableReader limits = Reader(table, $"[networks.{network}.limits]");
        int perPeer = ReadNumber(limits.Integer("per_peer"), "per_peer", 1, 100_000) ?? standard.PerPeer;
        int total = ReadNumber(limits.Integer("total"), "total", 1, 1_000_000) ?? standard.Total;
        LimitAction action = ReadWord(limits.Text("on_limit"), "on_limit", ["reject", "teardown"]) == "teardown"
            ? LimitAction.Teardown
            : LimitAction.Reject;
        limits.RejectUnknown();
        return new RouteLimits(perPeer, total, action);
    }

    /// <summary>The <c>damping</c> table: whether it is on.</summary>
    public bool ReadDamping(TableReader reader)
    {
        if (reader.Table("damping") is not { } table)
            return true;
        TableReader damping = Reader(table, $"[networks.{network}.damping]");
        bool enabled = damping.Boolean("enabled")?.Value ?? true;
        damping.RejectUnknown();
        return enabled;
    }

    /// <summary>The <c>multipath</c> table: most next hops at once.</summary>
    public int ReadMaxPaths(TableReader reader)
    {
        if (reader.Table("multipath") is not { } table)
            return 1;
        TableReader multipath = Reader(table, $"[networks.{network}.multipath]");
        int max = ReadNumber(multipath.Integer("max"), "max", 1, 8) ?? 1;
        ReadWord(multipath.Text("hash"), "hash", ["flow"]);
        multipath.RejectUnknown();
        return max;
    }

    /// <summary>A tag.</summary>
    public string? ReadTag(TomlText? text)
    {
        if (text is null)
            return null;
        if (text.Value.Length is >= 1 and <= 32 && text.Value.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'))
            return text.Value;
        errors.Add(text.Position, ErrorCodes.BadValue,
            $"'{text.Value}' is no tag: use 1 to 32 letters, digits, '.', '_' and '-'.");
        return null;
    }

    private ImportRule ReadImport(TomlTable table)
    {
        TableReader rule = Reader(table, $"[[networks.{network}.policy.import]]");
        ImmutableArray<string> peers = ReadPeers(rule, "peer");
        bool hasAllow = table.Find("allow") is not null;
        IReadOnlyList<TomlText>? allow = rule.TextOrTexts("allow");
        IReadOnlyList<TomlText>? deny = rule.TextOrTexts("deny");
        if (hasAllow && table.Find("deny") is { } both)
            errors.Add(both.KeyPosition, ErrorCodes.BadValue,
                "a rule has 'allow' or 'deny', not both: write two rules; the first that matches decides.");
        else if (!hasAllow && table.Find("deny") is null)
            rule.Missing("allow", "the prefixes it is about, such as allow = [\"192.168.0.0/16 le 24\"], or deny = [...].");
        bool outside = rule.Boolean("outside")?.Value ?? false;
        RuleChanges changes = ReadSet(rule, forImport: true);
        rule.RejectUnknown();
        if (deny is not null && changes != RuleChanges.None)
            errors.Add(table.Find("set")!.KeyPosition, ErrorCodes.BadValue,
                "a rule that denies sets nothing: remove 'set'.");
        return new ImportRule
        {
            Peers = peers,
            Prefixes = ReadRanges(allow ?? deny),
            Deny = allow is null && deny is not null,
            Outside = outside,
            Set = changes,
            Position = table.Position,
        };
    }

    private ExportRule ReadExport(TomlTable table)
    {
        TableReader rule = Reader(table, $"[[networks.{network}.policy.export]]");
        ImmutableArray<string> to = ReadPeers(rule, "to");
        string? tag = null;
        ImmutableArray<PrefixRange> ranges = [];
        if (rule.Table("match") is { } match)
        {
            TableReader matched = Reader(match, $"'match' of [[networks.{network}.policy.export]]");
            tag = ReadTag(matched.Text("tag"));
            IReadOnlyList<TomlText>? prefixes = matched.TextOrTexts("prefix");
            ranges = ReadRanges(prefixes);
            if (prefixes is { Count: 0 })
                errors.Add(match.Find("prefix")!.KeyPosition, ErrorCodes.BadValue,
                    "'prefix' lists nothing: name prefixes, or remove it for all.");
            matched.RejectUnknown();
        }

        bool deny = rule.Boolean("deny")?.Value ?? false;
        RuleChanges changes = ReadSet(rule, forImport: false);
        rule.RejectUnknown();
        if (deny && changes != RuleChanges.None)
            errors.Add(table.Find("set")!.KeyPosition, ErrorCodes.BadValue,
                "a rule that denies sets nothing: remove 'set'.");
        return new ExportRule { To = to, Tag = tag, Prefixes = ranges, Deny = deny, Set = changes, Position = table.Position };
    }

    private RuleChanges ReadSet(TableReader rule, bool forImport)
    {
        if (rule.Table("set") is not { } table)
            return RuleChanges.None;
        TableReader set = Reader(table, "'set' of a rule");
        MetricChange? metric = ReadMetric(set, table);
        int? preference = null;
        ImmutableArray<string> tags = [];
        if (forImport)
        {
            preference = ReadNumber(set.Integer("preference"), "preference", 0, LargestPreference);
            IReadOnlyList<TomlText> texts = set.TextOrTexts("tag") ?? [];
            tags = [.. texts.Select(ReadTag).OfType<string>().Distinct()];
            if (tags.Length > MostTags)
                errors.Add(table.Find("tag")!.Value.Position, ErrorCodes.BadValue,
                    $"a route carries at most {MostTags} tags: remove some.");
        }

        set.RejectUnknown();
        return new RuleChanges { Preference = preference, Metric = metric, Tags = tags };
    }

    // 10 in place of the metric, "+10" on top of it.
    private MetricChange? ReadMetric(TableReader set, TomlTable table)
    {
        if (table.Find("metric")?.Value is not TomlText)
        {
            return ReadNumber(set.Integer("metric"), "metric", 0, int.MaxValue) is { } number
                ? new MetricChange((uint)number, IsAdded: false)
                : null;
        }

        TomlText? text = set.Text("metric");
        if (text?.Value is ['+', .. var digits]
            && uint.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out uint added) && added <= int.MaxValue)
            return new MetricChange(added, IsAdded: true);
        if (text is not null)
            errors.Add(text.Position, ErrorCodes.BadValue,
                $"'{text.Value}' is no metric: write a number, such as 10, or \"+10\" to add to the announced one.");
        return null;
    }

    private ImmutableArray<string> ReadPeers(TableReader rule, string key)
    {
        if (rule.TextOrTexts(key) is not { } texts)
            return ["*"];
        foreach (TomlText text in texts)
        {
            if (text.Value.Length is 0 or > 64 || text.Value.Any(c => c is < '!' or > '~'))
                errors.Add(text.Position, ErrorCodes.BadValue,
                    $"'{text.Value}' matches no peer: write a peer's name, or a pattern such as \"branch-*\".");
        }

        if (texts.Count is 0 or > MostItems)
            errors.Add(rule.Position, ErrorCodes.BadValue, $"'{key}' names 1 to {MostItems} peers or patterns; without it all are meant.");
        return [.. texts.Select(text => text.Value)];
    }

    private ImmutableArray<PrefixRange> ReadRanges(IReadOnlyList<TomlText>? texts)
    {
        var ranges = ImmutableArray.CreateBuilder<PrefixRange>();
        foreach (TomlText text in texts ?? [])
        {
            if (PrefixRangeText.Parse(text.Value, out PrefixRange range) is { } wrong)
                errors.Add(text.Position, ErrorCodes.BadPrefix, wrong);
            else if (ranges.Count == MostItems)
                errors.Add(text.Position, ErrorCodes.BadValue, $"a rule has at most {MostItems} prefixes: write a second rule.");
            else
                ranges.Add(range);
        }

        return ranges.ToImmutable();
    }

    private IReadOnlyList<TomlTable> AtMost(IReadOnlyList<TomlTable> rules, string kind)
    {
        if (rules.Count > MostRules)
            errors.Add(rules[MostRules].Position, ErrorCodes.BadValue,
                $"network '{network}' has more than {MostRules} {kind} rules: join some.");
        return [.. rules.Take(MostRules)];
    }

    private int? ReadNumber(TomlInteger? number, string key, int smallest, int largest)
    {
        if (number is null)
            return null;
        if (number.Value >= smallest && number.Value <= largest)
            return (int)number.Value;
        errors.Add(number.Position, ErrorCodes.BadValue, $"'{key}' is {number.Value}: use {smallest} to {largest}.");
        return null;
    }

    private string? ReadWord(TomlText? text, string key, string[] words)
    {
        if (text is null || words.Contains(text.Value))
            return text?.Value;
        errors.Add(text.Position, ErrorCodes.BadValue,
            $"'{text.Value}' is no value of '{key}': use {string.Join(" or ", words)}{Suggestion.For(text.Value, words)}");
        return null;
    }

    private TableReader Reader(TomlTable table, string name) => new(table, name, errors, isBroken);
}
