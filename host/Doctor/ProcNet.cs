using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Numerics;
using VibePN.Contracts;

namespace VibePN.Host.Doctor;

/// <summary>The kernel's tables under <c>/proc/thread-self/net</c>: those of the calling thread's network namespace.</summary>
internal static class ProcNet
{
    private const string Folder = "/proc/thread-self/net/";

    // linux/route.h and linux/ipv6_route.h
    private const uint RTF_REJECT = 0x0200;
    private const uint RTF_GATEWAY = 0x0002;
    private const uint RTF_ANYCAST = 0x0010_0000;
    private const uint RTF_LOCAL = 0x8000_0000;

    /// <summary>The machine's unicast routes, those of loopback left out; empty when the kernel does not tell.</summary>
    public static ImmutableArray<MachineRoute> Routes() =>
        [.. Lines("route").Skip(1).Select(ParseRoute4).Concat(Lines("ipv6_route").Select(ParseRoute6)).OfType<MachineRoute>()];

    /// <summary>The UDP sockets that are bound.</summary>
    public static ImmutableArray<UdpSocket> UdpSockets() =>
        [.. Lines("udp").Concat(Lines("udp6")).Select(ParseSocket).OfType<UdpSocket>()];

    /// <summary>One line of <c>route</c>; null when it is none.</summary>
    internal static MachineRoute? ParseRoute4(string line)
    {
        string[] fields = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length < 8 || fields[0] == "lo" || !TryHex(fields[1], out uint destination) || !TryHex(fields[3], out uint flags)
            || !TryHex(fields[7], out uint mask) || (flags & RTF_REJECT) != 0)
            return null;
        // Addresses are printed as the machine's own word, so in its byte order.
        uint bits = BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(destination) : destination;
        return new MachineRoute(new IpPrefix(IpAddress.FromV4(bits), BitOperations.PopCount(mask)), fields[0], (flags & RTF_GATEWAY) == 0);
    }

    /// <summary>One line of <c>ipv6_route</c>; null when it is none, or a route that no packet leaves by.</summary>
    internal static MachineRoute? ParseRoute6(string line)
    {
        string[] fields = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length < 10 || fields[9] == "lo" || !TryHex(fields[1], out uint length) || length > 128 || !TryHex(fields[8], out uint flags)
            || (flags & (RTF_REJECT | RTF_ANYCAST | RTF_LOCAL)) != 0
            || !UInt128.TryParse(fields[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out UInt128 bits)
            || bits >> 120 == 0xFF)
            return null;
        return new MachineRoute(new IpPrefix(IpAddress.FromV6(bits), (int)length), fields[9], (flags & RTF_GATEWAY) == 0);
    }

    /// <summary>One line of <c>udp</c> or <c>udp6</c>; null when it is none.</summary>
    internal static UdpSocket? ParseSocket(string line)
    {
        string[] fields = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length < 13 || fields[1].Split(':') is not [var host, var port] || !TryHex(port, out uint number) || number > ushort.MaxValue
            || !long.TryParse(fields[9], NumberStyles.None, CultureInfo.InvariantCulture, out long inode)
            || !long.TryParse(fields[12], NumberStyles.None, CultureInfo.InvariantCulture, out long drops)
            || host.Length is not (8 or 32) || !host.All(char.IsAsciiHexDigit))
            return null;
        byte[] bytes = new byte[host.Length / 2];
        for (int word = 0; word < bytes.Length; word += 4)
        {
            uint value = uint.Parse(host.AsSpan(word * 2, 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            BitConverter.TryWriteBytes(bytes.AsSpan(word), value);
        }
        return new UdpSocket(new IPEndPoint(new IPAddress(bytes), (int)number), inode, drops);
    }

    private static bool TryHex(string text, out uint value) =>
        uint.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);

    private static string[] Lines(string table)
    {
        try
        {
            return File.ReadAllLines(Folder + table);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A kernel without IPv6 has no table of it.
            return [];
        }
    }
}

/// <summary>A UDP socket that is bound.</summary>
/// <param name="Local">Where.</param>
/// <param name="Inode">Its number, by which a process's descriptors name it.</param>
/// <param name="Drops">Datagrams that found its buffer full.</param>
internal readonly record struct UdpSocket(IPEndPoint Local, long Inode, long Drops);
