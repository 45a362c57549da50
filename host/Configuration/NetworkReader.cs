using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Addressing;
using VibePN.Engine.Configuration;

namespace VibePN.Host.Configuration;

/// <summary>Reads the <c>[networks.NAME]</c> tables.</summary>
/// <param name="errors">Where errors go.</param>
/// <param name="isBroken">Whether the document has syntax errors.</param>
/// <param name="self">Our own fingerprint, from which automatic addresses follow; null when the identity could not be read.</param>
internal sealed class NetworkReader(ConfigErrors errors, bool isBroken, Fingerprint? self)
{
    private const int DefaultMtu = 1380;
    private const int SmallestMtu = 576;

    // RFC 8200 §5: IPv6 does not run on a link with less.
    private const int SmallestMtuWithIpv6 = 1280;

    /// <summary>All networks, sorted by name.</summary>
    public ImmutableArray<NetworkConfiguration> ReadAll(TomlTable? tables)
    {
        var networks = new List<NetworkConfiguration>();
        foreach (TomlEntry entry in tables?.Entries ?? [])
        {
            if (entry.Value is not TomlTable table)
                errors.Add(entry.Value.Position, ErrorCodes.WrongType,
                    $"'{entry.Key}' in [networks] must be a table: write [networks.{entry.Key}].");
            else if (Read(entry, table) is { } network)
                networks.Add(network);
        }

        return [.. networks.OrderBy(network => network.Name, StringComparer.Ordinal)];
    }

    private NetworkConfiguration? Read(TomlEntry entry, TomlTable table)
    {
        string name = entry.Key;
        if (name.Length is 0 or > 32 || name.Any(c => c is not ((>= 'a' and <= 'z') or (>= '0' and <= '9') or '.' or '_' or '-')))
            errors.Add(entry.KeyPosition, ErrorCodes.BadValue,
                $"'{name}' is no network name: use 1 to 32 of a-z, 0-9, '.', '_' and '-'.");
        var reader = new TableReader(table, $"[networks.{name}]", errors, isBroken);
        IpPrefix? prefix = ReadSubnet(reader, "prefix", IpFamily.V4);
        IpPrefix? prefix6 = ReadSubnet(reader, "prefix6", IpFamily.V6);
        bool hasOnlyIpv6 = table.Find("prefix6") is not null || table.Find("address6") is not null;
        if (prefix is null && !hasOnlyIpv6)
            reader.Missing("prefix", "the subnet all members share, such as prefix = \"10.42.0.0/24\" (or prefix6).");
        IpAddress? address = ReadAddress(reader, name, "address", "prefix", prefix, out bool isAuto);
        IpAddress? address6 = ReadAddress(reader, name, "address6", "prefix6", prefix6, out bool isAuto6);
        bool export = reader.Boolean("export")?.Value ?? false;
        var policy = new PolicyReader(name, errors, isBroken);
        (ImmutableArray<IpPrefix> originate, ImmutableArray<OriginateDetail> details) =
            new OriginateReader(name, errors, isBroken).Read(reader, policy);
        NetworkRules rules = policy.ReadRules(reader);
        RouteLimits limits = policy.ReadLimits(reader);
        bool damping = policy.ReadDamping(reader);
        int maxPaths = policy.ReadMaxPaths(reader);
        int mtu = ReadMtu(reader, hasIpv6: prefix6 is not null);
        bool mssClamp = reader.Boolean("mss_clamp")?.Value ?? true;
        OverlapRule overlap = ReadOverlap(reader);
        reader.RejectUnknown();
        return new NetworkConfiguration
        {
            Name = name,
            Prefix = prefix,
            Prefix6 = prefix6,
            Address = address,
            Address6 = address6,
            AddressIsAuto = isAuto,
            Address6IsAuto = isAuto6,
            Overlap = overlap,
            Export = export,
            Originate = originate,
            OriginateDetails = details,
            Rules = rules,
            Limits = limits,
            Damping = damping,
            MaxPaths = maxPaths,
            Mtu = mtu,
            MssClamp = mssClamp,
        };
    }

    private IpPrefix? ReadSubnet(TableReader reader, string key, IpFamily family)
    {
        string sample = family == IpFamily.V4 ? "10.42.0.0/24" : "fd5a:1c3e:77::/64";
        int longest = family == IpFamily.V4 ? AutoAddress.MaxLengthV4 : AutoAddress.MaxLengthV6;
        if (reader.Text(key) is not { } text)
            return null;
        if (!IpPrefix.TryParse(text.Value, out IpPrefix prefix, out _) || prefix.Family != family)
        {
            string kind = family == IpFamily.V4 ? "IPv4" : "IPv6";
            string elsewhere = prefix.Family == IpFamily.V6 ? " An IPv6 subnet goes to 'prefix6'." : "";
            errors.Add(text.Position, ErrorCodes.BadPrefix,
                $"'{text.Value}' is no {kind} subnet: write one in CIDR form, such as \"{sample}\".{elsewhere}");
            return null;
        }

        if (prefix.Length >= 1 && prefix.Length <= longest)
            return prefix;
        errors.Add(text.Position, ErrorCodes.BadPrefix,
            $"the subnet {text.Value} cannot hold members: use a length from /1 to /{longest}, such as \"{sample}\".");
        return null;
    }

    private OverlapRule ReadOverlap(TableReader reader)
    {
        if (reader.Text("overlap") is not { } overlap)
            return OverlapRule.Refuse;
        if (overlap.Value is not ("refuse" or "allow"))
            errors.Add(overlap.Position, ErrorCodes.BadValue,
                $"'{overlap.Value}' says nothing about overlaps with this machine's networks: write \"refuse\" or \"allow\".");
        return overlap.Value == "allow" ? OverlapRule.Allow : OverlapRule.Refuse;
    }

    private IpAddress? ReadAddress(
        TableReader reader, string network, string key, string prefixKey, IpPrefix? prefix, out bool isAuto)
    {
        TomlText? text = reader.Text(key);
        isAuto = prefix is not null && text is not { Value: not ("auto" or "") };
        if (prefix is not { } subnet)
        {
            if (text is not null)
                reader.Missing(prefixKey, $"'{key}' is given, so the subnet it lies in must be too.");
            return null;
        }

        if (text is null || text.Value is "auto" or "")
            return self is { } fingerprint ? AutoAddressOf(network, fingerprint, subnet) : null;
        if (!IpAddress.TryParse(text.Value, out IpAddress address))
            errors.Add(text.Position, ErrorCodes.BadValue,
                $"'{text.Value}' is no IP address: write \"auto\" or an address inside {subnet}.");
        else if (!subnet.Contains(address))
            errors.Add(text.Position, ErrorCodes.AddressOutsidePrefix,
                $"{address} does not lie in {subnet}, the {prefixKey} of network '{network}': "
                + "write \"auto\" or an address inside it.");
        else if (subnet.Family == IpFamily.V4 && (address == subnet.Address || address == subnet.Last))
            errors.Add(text.Position, ErrorCodes.AddressOutsidePrefix,
                $"{address} is the {(address == subnet.Address ? "network" : "broadcast")} address of {subnet}: "
                + "write \"auto\" or another address inside it.");
        return address;
    }

    private int ReadMtu(TableReader reader, bool hasIpv6)
    {
        if (reader.Integer("mtu") is not { } mtu)
            return DefaultMtu;
        int smallest = hasIpv6 ? SmallestMtuWithIpv6 : SmallestMtu;
        if (mtu.Value >= smallest && mtu.Value <= PacketBatch.MaxPacketSize)
            return (int)mtu.Value;
        errors.Add(mtu.Position, ErrorCodes.BadValue,
            $"an MTU of {mtu.Value} bytes cannot work here: use {smallest} to {PacketBatch.MaxPacketSize}, "
            + $"such as {DefaultMtu}.");
        return DefaultMtu;
    }

    private static IpAddress AutoAddressOf(string network, Fingerprint self, IpPrefix subnet) =>
        AutoAddress.First(network, self.ToString(), subnet);
}
