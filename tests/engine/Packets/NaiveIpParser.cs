using System.Net;
using VibePN.Contracts;

namespace VibePN.Engine.Tests.Packets;

/// <summary>The rules of docs/wire-format.md §6.3 once more, byte by byte, to compare the fast parser with.</summary>
internal static class NaiveIpParser
{
    internal sealed record Result(PacketKey Key, string Fragment, bool DontFragment, int TransportOffset);

    public static Result? Parse(byte[] packet)
    {
        try
        {
            int version = packet[0] / 16;
            return version == 4 ? ParseV4(packet) : version == 6 ? ParseV6(packet) : null;
        }
        catch (Exception e) when (e is IndexOutOfRangeException or ArgumentException)
        {
            return null; // it ends too early
        }
    }

    private static Result? ParseV4(byte[] p)
    {
        int header = p[0] % 16 * 4;
        int total = (p[2] * 256) + p[3];
        if (header < 20 || total != p.Length || header > total)
            return null;
        bool dontFragment = (p[6] & 64) != 0;
        bool more = (p[6] & 32) != 0;
        int offset = (((p[6] % 32) * 256) + p[7]) * 8;
        return IsBadFragment(p.Length - header, more, offset)
            ? null
            : Finish(p, p[12..16], p[16..20], p[1], p[9], header, more, offset, dontFragment);
    }

    private static Result? ParseV6(byte[] p)
    {
        if (p.Length != 40 + (p[4] * 256) + p[5])
            return null;
        if (new IPAddress(p[8..24]).IsIPv4MappedToIPv6 || new IPAddress(p[24..40]).IsIPv4MappedToIPv6)
            return null;
        int trafficClass = ((p[0] % 16) * 16) + (p[1] / 16);
        int next = p[6];
        int at = 40;
        int headers = 0;
        bool fragmented = false;
        bool more = false;
        int offset = 0;
        while (Array.IndexOf([0, 43, 44, 51, 60, 135, 139, 140], next) >= 0 && offset == 0)
        {
            int size = next == 44 ? 8 : next == 51 ? (p[at + 1] * 4) + 8 : (p[at + 1] * 8) + 8;
            _ = p[at + 7];
            _ = p[at + size - 1];
            if (++headers > 8 || at + size > 40 + 256)
                return null;
            if (next == 0 && headers != 1)
                return null;
            if (next == 43 && p[at + 3] != 0)
                return null;
            if (next == 44)
            {
                if (fragmented)
                    return null;
                fragmented = true;
                more = p[at + 3] % 2 == 1;
                offset = (((p[at + 2] * 256) + p[at + 3]) / 8) * 8;
            }
            if (next == 44 && IsBadFragment(p.Length - at - size, more, offset))
                return null;
            next = p[at];
            at += size;
        }
        return Finish(p, p[8..24], p[24..40], trafficClass, next, at, more, offset, true);
    }

    private static bool IsBadFragment(int payload, bool more, int offset) =>
        (more || offset > 0) && (payload == 0 || offset + payload > 65_535 || (more && payload % 8 != 0));

    private static Result? Finish(
        byte[] p, byte[] from, byte[] to, int trafficClass, int protocol, int at, bool more, int offset,
        bool dontFragment)
    {
        int payload = p.Length - at;
        string fragment = offset > 0 ? "Later" : more ? "First" : "Whole";
        int sourcePort = 0;
        int port = 0;
        if (offset > 0)
        {
            if (protocol == 6 && offset == 8)
                return null;
        }
        else
        {
            int needed = protocol switch { 6 => 20, 17 => 8, 1 => 8, 58 => 4, _ => 0 };
            if (payload < needed)
                return null;
            if (protocol is 6 or 17)
            {
                sourcePort = (p[at] * 256) + p[at + 1];
                port = (p[at + 2] * 256) + p[at + 3];
            }
        }
        var key = new PacketKey(
            IpAddress.FromBytes(from), IpAddress.FromBytes(to), (byte)protocol,
            (ushort)sourcePort, (ushort)port, (byte)trafficClass);
        return new Result(key, fragment, dontFragment, at);
    }
}
