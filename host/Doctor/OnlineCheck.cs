using System.Collections.Immutable;
using System.Globalization;
using VibePN.Engine;
using VibePN.Host.Control;

namespace VibePN.Host.Doctor;

/// <summary>Check 20: what only the running daemon can see.</summary>
internal static class OnlineCheck
{
    // Pins, the clock and staged plugins are small; a disk with less is full in a moment.
    private const long LeastFree = 16L << 20;

    /// <summary>Judges.</summary>
    /// <param name="status">The engine.</param>
    /// <param name="plugins">The plugins.</param>
    /// <param name="stateDirectory">The state directory.</param>
    /// <param name="freeBytes">The room left there; null when the kernel does not tell.</param>
    public static Check Run(EngineStatus status, ImmutableArray<PluginReport> plugins, string stateDirectory, long? freeBytes)
    {
        var found = new CheckFindings(20, "peers reachable");
        foreach (PeerStatus peer in status.Peers.Where(peer => peer.State != "up"))
            Away(peer, found);
        foreach (NetworkStatus network in status.Networks.Where(network => network.Error.Length > 0 || network.Device.Length == 0))
        {
            string error = network.Error.Length > 0 ? network.Error : "it has no interface";
            found.Fail($"network '{network.Name}' is not open: {error}", $"network '{network.Name}': {Advice.In(error)}, then vpnctl reload");
        }
        foreach (PluginReport plugin in plugins.Where(plugin => plugin.State is not ("running" or "standby")))
            found.Fail($"plugin {plugin.Name} is {plugin.State}", $"see the daemon's log about {plugin.Name}, then vpnctl reload, or restart the daemon");
        // What a network lacks has been said above.
        foreach (string warning in status.Warnings.Except(status.Networks.Select(network => $"network {network.Name}: {network.Error}")))
            found.Warn(warning, Advice.In(warning));
        if (freeBytes < LeastFree)
            found.Fail($"{stateDirectory} has {freeBytes / 1024} KiB left: pins cannot be kept", $"free space on the disk of {stateDirectory} (df {stateDirectory})");
        return found.Build(Summary(status, freeBytes));
    }

    /// <summary>The room left in a directory, in bytes; null when the kernel does not tell.</summary>
    public static long? FreeBytes(string directory)
    {
        try
        {
            return new DriveInfo(directory).AvailableFreeSpace;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    private static void Away(PeerStatus peer, CheckFindings found)
    {
        string error = peer.LastError.Length > 0 ? $": {peer.LastError}" : "";
        if (peer.Addresses.IsEmpty)
        {
            found.Warn($"peer '{peer.Name}' is to dial this node and has not{error}",
                $"start vibepnd on {peer.Name} and see that it can reach this node's UDP port, or give peer '{peer.Name}' an address");
            return;
        }
        string next = peer.NextDial is { } wait ? string.Create(CultureInfo.InvariantCulture, $"; dialled again in {wait.TotalSeconds:0.#} s") : "";
        string address = string.Join(" or ", peer.Addresses);
        bool isAboutTrust = error.Contains("ertificate", StringComparison.Ordinal) || error.Contains("ingerprint", StringComparison.Ordinal);
        string remedy = isAboutTrust
            ? $"compare the fingerprint of peer '{peer.Name}' in config.toml with what 'vpnctl fingerprint' prints on {peer.Name}"
            : $"see that vibepnd runs on {peer.Name}, that UDP {address} leads there, and that its firewall lets it in";
        if (peer.State == "connecting" && error.Length == 0)
            found.Warn($"peer '{peer.Name}' is being dialled at {address}", $"ask again in some seconds; then {remedy}");
        else
            found.Fail($"peer '{peer.Name}' is {peer.State} at {address}{error}{next}", remedy);
    }

    private static string Summary(EngineStatus status, long? freeBytes)
    {
        IEnumerable<string> peers = status.Peers.Select(peer => peer.Path is { RoundTrip: var rtt } && rtt > TimeSpan.Zero
            ? string.Create(CultureInfo.InvariantCulture, $"{peer.Name} {rtt.TotalMilliseconds:0.0} ms") : peer.Name);
        string free = freeBytes is { } bytes ? $", {bytes >> 20} MiB free for state" : "";
        return $"{status.Peers.Length} peers up ({string.Join(", ", peers)}), {status.Networks.Length} networks open{free}";
    }
}
