using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Configuration;

namespace VibePN.Host.Configuration;

/// <summary>Reads what lies behind this node: <c>originate = ["..."]</c>, or <c>[[networks.NAME.originate]]</c> tables.</summary>
/// <param name="network">The network's name.</param>
/// <param name="errors">Where errors go.</param>
/// <param name="isBroken">Whether the document has syntax errors.</param>
internal sealed class OriginateReader(string network, ConfigErrors errors, bool isBroken)
{
    private readonly ImmutableArray<IpPrefix>.Builder _prefixes = ImmutableArray.CreateBuilder<IpPrefix>();
    private readonly List<OriginateDetail> _details = [];

    /// <summary>The prefixes in the file's order, and the details of those that have some.</summary>
    public (ImmutableArray<IpPrefix> Prefixes, ImmutableArray<OriginateDetail> Details) Read(
        TableReader reader, PolicyReader policy)
    {
        foreach (TomlNode item in reader.TextsOrTables("originate"))
        {
            if (item is TomlTable table)
                ReadTable(table, policy);
            else
                TryAdd((TomlText)item, out _);
        }

        return (_prefixes.ToImmutable(), [.. _details.OrderBy(detail => detail.Prefix)]);
    }

    private void ReadTable(TomlTable table, PolicyReader policy)
    {
        var reader = new TableReader(table, $"[[networks.{network}.originate]]", errors, isBroken);
        TomlText? text = reader.Text("prefix");
        if (text is null)
            reader.Missing("prefix", "what lies behind this node, such as prefix = \"192.168.7.0/24\".");
        TomlInteger? metric = reader.Integer("metric");
        if (metric is { Value: < 0 or > int.MaxValue })
            errors.Add(metric.Position, ErrorCodes.BadValue, $"'metric' is {metric.Value}: use 0 to {int.MaxValue}.");
        string? tag = policy.ReadTag(reader.Text("tag"));
        reader.RejectUnknown();
        if (text is not null && TryAdd(text, out IpPrefix prefix) && (metric is not null || tag is not null))
            _details.Add(new OriginateDetail(prefix, (uint)Math.Clamp(metric?.Value ?? 0, 0, int.MaxValue), tag));
    }

    private bool TryAdd(TomlText text, out IpPrefix prefix)
    {
        if (!IpPrefix.TryParse(text.Value, out prefix, out bool hadHostBits))
            errors.Add(text.Position, ErrorCodes.BadPrefix,
                $"'{text.Value}' is no prefix: write one in CIDR form, such as \"192.168.7.0/24\".");
        else if (hadHostBits)
            errors.Add(text.Position, ErrorCodes.BadPrefix,
                $"{text.Value} has bits set beyond its length: write \"{prefix}\".");
        else if (_prefixes.Contains(prefix))
            errors.Add(text.Position, ErrorCodes.BadPrefix, $"{text.Value} is listed twice: remove one.");
        else
        {
            _prefixes.Add(prefix);
            return true;
        }

        return false;
    }
}
