namespace VibePN.Host.Control;

/// <summary>Second names of methods: dotted ones beside the predecessor's short ones.</summary>
internal static class MethodAliases
{
    /// <summary>From the second name to the first.</summary>
    public static IReadOnlyDictionary<string, string> All { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["daemon.shutdown"] = "shutdown",
        ["networks.list"] = "networks",
        ["peers.list"] = "peers",
        ["routes.list"] = "routes",
        ["status.get"] = "status",
        ["tx.apply"] = "reload",
    };
}
