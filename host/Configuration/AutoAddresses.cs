using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using VibePN.Contracts;

namespace VibePN.Host.Configuration;

internal static class AutoAddresses
{
    public static IpAddress First(string network, string node, IpPrefix prefix)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(network + ":" + node));
        if (prefix.Family == IpFamily.V4)
        {
            uint mask = (uint)((1UL << (32 - prefix.Length)) - 2);
            return IpAddress.FromV4((uint)prefix.Address.Bits + (BinaryPrimitives.ReadUInt32BigEndian(hash) & mask));
        }

        UInt128 host = UInt128.MaxValue >> prefix.Length;
        return IpAddress.FromV6(prefix.Address.Bits | (BinaryPrimitives.ReadUInt128BigEndian(hash) & host));
    }
}
