using System.Collections.Immutable;
using VibePN.Contracts;
using VibePN.Engine.Configuration;

namespace VibePN.Host.Configuration;

/// <summary>Reads the <c>[[peers]]</c> tables.</summary>
/// <param name="errors">Where errors go.</param>
/// <param name="isBroken">Whether the document has syntax errors.</param>
/// <param name="networks">Names of the configured networks.</param>
/// <param name="self">Our own fingerprint, or null when the identity could not be read.</param>
internal sealed class PeerReader(ConfigErrors errors, bool isBroken, HashSet<string> networks, Fingerprint? self)
{
    private const int MaxNameLength = 64;
    private const int MaxAddresses = 8;

    private readonly Dictionary<string, SourcePosition> _names = [];
    private readonly Dictionary<Fingerprint, string> _fingerprints = [];

    /// <summary>All peers in the file's order.</summary>
    public ImmutableArray<PeerConfiguration> ReadAll(IReadOnlyList<TomlTable> tables) =>
        [.. tables.Select(Read).OfType<PeerConfiguration>()];

    private PeerConfiguration? Read(TomlTable table)
    {
        var reader = new TableReader(table, "[[peers]]", errors, isBroken);
        string? name = ReadName(reader);
        ImmutableArray<string> addresses = ReadAddresses(reader);
        Fingerprint? fingerprint = ReadFingerprint(reader, name);
        ImmutableArray<string> member = ReadNetworks(reader);
        reader.RejectUnknown();
        return name is null
            ? null
            : new PeerConfiguration { Name = name, Addresses = addresses, Fingerprint = fingerprint, Networks = member };
    }

    private string? ReadName(TableReader reader)
    {
        TomlText? name = reader.Text("name");
        if (name is null)
        {
            reader.Missing("name", "a label for this peer, such as name = \"node2\".");
            return null;
        }

        if (name.Value.Length is 0 or > MaxNameLength || name.Value.Any(c => c is < '!' or > '~'))
        {
            errors.Add(name.Position, ErrorCodes.BadValue,
                $"a peer's name is 1 to {MaxNameLength} printable ASCII characters without blanks.");
            return null;
        }

        if (!_names.TryAdd(name.Value, name.Position))
            errors.Add(name.Position, ErrorCodes.DuplicatePeer,
                $"there are two peers named '{name.Value}' (the first in line {_names[name.Value].Line}): "
                + "give each its own name, or remove one.");
        return name.Value;
    }

    private ImmutableArray<string> ReadAddresses(TableReader reader)
    {
        var addresses = ImmutableArray.CreateBuilder<string>();
        IReadOnlyList<TomlText> texts = reader.TextOrTexts("address") ?? [];
        if (texts is [{ Value.Length: 0 }])
            return []; // as absent: this peer dials us
        foreach (TomlText address in texts)
        {
            if (!EndPointText.IsDialable(address.Value))
                errors.Add(address.Position, ErrorCodes.BadValue,
                    $"'{address.Value}' is no address to dial: write host:port with a port from 1 to 65535, such as "
                    + "\"203.0.113.42:51820\", \"[2001:db8::1]:51820\" or \"vpn.example.net:51820\".");
            else if (addresses.Contains(address.Value))
                errors.Add(address.Position, ErrorCodes.BadValue, $"{address.Value} is listed twice: remove one.");
            else if (addresses.Count == MaxAddresses)
                errors.Add(address.Position, ErrorCodes.BadValue,
                    $"a peer has at most {MaxAddresses} addresses: remove some, or use a name that stands for several.");
            else
                addresses.Add(address.Value);
        }

        return addresses.ToImmutable();
    }

    private Fingerprint? ReadFingerprint(TableReader reader, string? name)
    {
        TomlText? text = reader.Text("fingerprint");
        if (IdentityReader.Pin(text, errors) is not { } fingerprint)
            return null;
        if (fingerprint == self)
            errors.Add(text!.Position, ErrorCodes.OwnFingerprint,
                "this is our own fingerprint: a node is not its own peer. Put the peer's fingerprint here, "
                + "or remove the peer.");
        else if (!_fingerprints.TryAdd(fingerprint, name ?? ""))
            errors.Add(text!.Position, ErrorCodes.DuplicatePeer,
                $"this is also the fingerprint of peer '{_fingerprints[fingerprint]}': one peer is one certificate. "
                + "Correct it, or remove one of the two.");
        return fingerprint;
    }

    private ImmutableArray<string> ReadNetworks(TableReader reader)
    {
        var member = ImmutableArray.CreateBuilder<string>();
        foreach (TomlText network in reader.Texts("networks") ?? [])
        {
            if (!networks.Contains(network.Value))
                errors.Add(network.Position, ErrorCodes.UnknownNetwork,
                    $"there is no network '{network.Value}' in this file: add [networks.{network.Value}], or correct "
                    + $"the name{Suggestion.For(network.Value, networks)}");
            else if (member.Contains(network.Value))
                errors.Add(network.Position, ErrorCodes.BadValue,
                    $"network '{network.Value}' is listed twice: remove one.");
            else
                member.Add(network.Value);
        }

        return member.ToImmutable();
    }
}
