using VibePN.Contracts;

namespace VibePN.Engine.Control;

/// <summary>One prefix of an Announce or a Withdraw.</summary>
/// <param name="Prefix">The block. On an invalid item the block it would be without its fault, or none.</param>
/// <param name="Metric">The sender's metric; 0 in a Withdraw.</param>
/// <param name="Valid">
/// False for an item that breaks a rule of its own while the message is well-framed. The receiver counts it,
/// treats the prefix, when there is one, as withdrawn by its sender, and keeps the session (the idea of RFC 7606).
/// </param>
internal readonly record struct RouteItem(IpPrefix Prefix, uint Metric = 0, bool Valid = true);
