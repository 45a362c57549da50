using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace VibePN.Invites;

/// <summary>The binary body that is signed: one form for one content (docs/wire-format.md §10).</summary>
internal static class InviteBody
{
    public const int MaxNetwork = 32;
    public const int MaxName = 64;
    public const int MaxAddress = 128;
    public const int MaxAddresses = 4;

    // 9999-12-31: what DateTimeOffset can hold.
    private const ulong LastSecond = 253_402_300_799;

    public static byte[] Write(Invite invite)
    {
        var body = new List<byte> { Invite.Version };
        body.AddRange(Convert.FromHexString(invite.Id));
        AddText(body, invite.Network);
        AddPrefix(body, invite.Prefix);
        AddPrefix(body, invite.Prefix6);
        AddText(body, invite.InviterName);
        body.AddRange(Convert.FromHexString(invite.InviterFingerprint));
        body.Add((byte)invite.Addresses.Count);
        foreach (string address in invite.Addresses)
            AddText(body, address);
        body.Add((byte)invite.Grants);
        Span<byte> time = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(time, (ulong)invite.NotAfter.ToUnixTimeSeconds());
        body.AddRange(time);
        body.AddRange(invite.Secret.Span);
        body.Add(invite.Key.Curve);
        body.AddRange(invite.Key.Point);
        byte[] bytes = [.. body];
        // What could not be read again must not leave the house.
        return Read(bytes, out int length) is not null && length == bytes.Length
            ? bytes
            : throw new ArgumentException("The invite has a value that no reader takes.", nameof(invite));
    }

    /// <summary>Reads a body; what follows it is the signature.</summary>
    /// <param name="bytes">Hostile until an invite is returned.</param>
    /// <param name="length">Bytes of the body.</param>
    public static Invite? Read(ReadOnlySpan<byte> bytes, out int length)
    {
        var reader = new Cursor(bytes);
        length = 0;
        if (reader.Byte() != Invite.Version)
            return null;
        string id = Convert.ToHexStringLower(reader.Bytes(Invite.SecretBytes));
        string network = reader.Text(MaxNetwork, IsNetworkLetter);
        IPNetwork? prefix = reader.Prefix(AddressFamily.InterNetwork);
        IPNetwork? prefix6 = reader.Prefix(AddressFamily.InterNetworkV6);
        string name = reader.Text(MaxName, IsPrintable);
        string fingerprint = Convert.ToHexStringLower(reader.Bytes(32));
        int count = reader.Byte();
        var addresses = new List<string>();
        for (int i = 0; i < count && count <= MaxAddresses; i++)
            addresses.Add(reader.Text(MaxAddress, IsPrintable));
        var grants = (InviteGrants)reader.Byte();
        ulong notAfter = reader.UInt64();
        byte[] secret = reader.Bytes(Invite.SecretBytes).ToArray();
        InviteKey? key = InviteKey.FromPoint(reader.Bytes(InviteKey.PointLength(reader.Byte())));
        if (reader.Failed || key is null || count is 0 or > MaxAddresses || grants != InviteGrants.Member
            || notAfter > LastSecond || (prefix is null && prefix6 is null) || !addresses.TrueForAll(IsDialable))
            return null;
        length = reader.Position;
        return new Invite
        {
            Id = id,
            Network = network,
            Prefix = prefix,
            Prefix6 = prefix6,
            InviterName = name,
            InviterFingerprint = fingerprint,
            Addresses = addresses,
            Grants = grants,
            NotAfter = DateTimeOffset.FromUnixTimeSeconds((long)notAfter),
            Secret = secret,
            Key = key,
        };
    }

    /// <summary>Whether a text is <c>host:port</c>; an IPv6 literal has brackets.</summary>
    public static bool IsDialable(string text)
    {
        int colon = text.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(text.AsSpan(colon + 1), System.Globalization.NumberStyles.None, null, out ushort port) || port == 0)
            return false;
        string host = text[..colon];
        if (host.StartsWith('[') && host.EndsWith(']'))
            return Uri.CheckHostName(host[1..^1]) == UriHostNameType.IPv6;
        return Uri.CheckHostName(host) is UriHostNameType.Dns or UriHostNameType.IPv4;
    }

    private static bool IsNetworkLetter(char letter) => letter is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '.' or '_' or '-';

    private static bool IsPrintable(char letter) => letter is >= '!' and <= '~';

    private static void AddText(List<byte> body, string text)
    {
        body.Add((byte)text.Length);
        body.AddRange(Encoding.ASCII.GetBytes(text));
    }

    private static void AddPrefix(List<byte> body, IPNetwork? prefix)
    {
        body.Add((byte)(prefix?.PrefixLength ?? 0));
        if (prefix is { } network)
            body.AddRange(network.BaseAddress.GetAddressBytes().AsSpan(0, (network.PrefixLength + 7) / 8));
    }

    /// <summary>Reads on; after a failure everything is empty.</summary>
    private ref struct Cursor(ReadOnlySpan<byte> bytes)
    {
        private readonly ReadOnlySpan<byte> _bytes = bytes;

        public int Position { get; private set; }

        public bool Failed { get; private set; }

        public ReadOnlySpan<byte> Bytes(int count)
        {
            if (Failed || count > _bytes.Length - Position)
            {
                Failed = true;
                return new byte[count];
            }
            Position += count;
            return _bytes.Slice(Position - count, count);
        }

        public byte Byte() => Bytes(1)[0];

        public ulong UInt64() => BinaryPrimitives.ReadUInt64BigEndian(Bytes(8));

        public string Text(int longest, Func<char, bool> allowed)
        {
            int length = Byte();
            if (length == 0 || length > longest)
                Failed = true;
            string text = Encoding.Latin1.GetString(Bytes(Failed ? 0 : length));
            Failed |= !text.All(allowed);
            return text;
        }

        public IPNetwork? Prefix(AddressFamily family)
        {
            int whole = family == AddressFamily.InterNetwork ? 4 : 16;
            int length = Byte();
            if (length == 0)
                return null;
            if (length > (whole * 8) - 2)
            {
                Failed = true; // a subnet has room for two hosts
                return null;
            }
            byte[] address = new byte[whole];
            Bytes((length + 7) / 8).CopyTo(address);
            if (length % 8 != 0 && (address[length / 8] & (0xFF >> (length % 8))) != 0)
            {
                Failed = true; // bits behind the prefix: a second form of the same subnet
                return null;
            }
            return new IPNetwork(new IPAddress(address), length);
        }
    }
}
