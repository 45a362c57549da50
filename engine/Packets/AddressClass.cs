using VibePN.Contracts;

namespace VibePN.Engine.Packets;

/// <summary>What kind of thing an address can name.</summary>
internal enum AddressClass
{
    /// <summary>One host, as far as the address itself tells.</summary>
    Unicast = 0,

    /// <summary>No address: 0.0.0.0/8 and ::, and the default value.</summary>
    Unspecified = 1,

    /// <summary>The machine itself: 127.0.0.0/8 and ::1.</summary>
    Loopback = 2,

    /// <summary>A group: 224.0.0.0/4 and ff00::/8.</summary>
    Multicast = 3,

    /// <summary>Everybody on the link, 255.255.255.255, and the rest of the reserved 240.0.0.0/4.</summary>
    Broadcast = 4,

    /// <summary>IPv4 in IPv6 dress, ::ffff:0:0/96, which has no place in a packet.</summary>
    Mapped = 5,
}

/// <summary>Sorts addresses into classes by their bits alone (RFC 6890).</summary>
/// <remarks>A subnet's own broadcast address looks like unicast here; only the subnet's owner can tell.</remarks>
internal static class AddressClasses
{
    /// <summary>The address's class.</summary>
    public static AddressClass Classify(IpAddress address) => address.Family switch
    {
        IpFamily.V4 => ClassifyV4((uint)address.Bits),
        IpFamily.V6 => ClassifyV6(address),
        _ => AddressClass.Unspecified,
    };

    /// <summary>Whether a packet may come from or go to the address.</summary>
    public static bool IsUnicast(IpAddress address) => Classify(address) == AddressClass.Unicast;

    /// <summary>Whether the address is an IPv4 address in IPv6 dress.</summary>
    public static bool IsMapped(IpAddress address) => address.Family == IpFamily.V6 && address.Bits >> 32 == 0xFFFF;

    private static AddressClass ClassifyV4(uint bits) => (bits >> 24) switch
    {
        0 => AddressClass.Unspecified,
        127 => AddressClass.Loopback,
        >= 240 => AddressClass.Broadcast,
        >= 224 => AddressClass.Multicast,
        _ => AddressClass.Unicast,
    };

    private static AddressClass ClassifyV6(IpAddress address)
    {
        if (address.Bits >> 120 == 0xFF)
            return AddressClass.Multicast;
        if (address.Bits <= 1)
            return address.Bits == 0 ? AddressClass.Unspecified : AddressClass.Loopback;
        return IsMapped(address) ? AddressClass.Mapped : AddressClass.Unicast;
    }
}
