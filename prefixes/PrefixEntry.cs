using VibePN.Contracts;

namespace VibePN.Prefixes;

/// <summary>A prefix with the number that addresses inside it are to find.</summary>
/// <param name="Prefix">IPv4 or IPv6; the two families never meet in a table.</param>
/// <param name="Value">1 to 65,535; 0 is what a lookup answers when nothing covers the address.</param>
public readonly record struct PrefixEntry(IpPrefix Prefix, ushort Value);
