namespace VibePN.Engine.Events;

/// <summary>Every kind of event, with dots so that a glob such as <c>peer.*</c> chooses some.</summary>
public static class EventKinds
{
    /// <summary>A peer can be reached.</summary>
    public const string PeerUp = "peer.up";

    /// <summary>A peer cannot be reached any more.</summary>
    public const string PeerDown = "peer.down";

    /// <summary>A peer is reached over another connection.</summary>
    public const string PeerMoved = "peer.moved";

    /// <summary>A network has its interface.</summary>
    public const string NetworkUp = "network.up";

    /// <summary>A network has no interface, or could not be configured.</summary>
    public const string NetworkDown = "network.down";

    /// <summary>Packets can take a route that was not there before.</summary>
    public const string RouteAdded = "route.added";

    /// <summary>A route is gone.</summary>
    public const string RouteWithdrawn = "route.withdrawn";

    /// <summary>A route has another metric, preference or state; or more has changed than is told one by one.</summary>
    public const string RouteChanged = "route.changed";

    /// <summary>An unknown certificate waits for an operator.</summary>
    public const string TrustPending = "trust.pending";

    /// <summary>A peer showed another certificate than the pinned one.</summary>
    public const string TrustConflict = "trust.conflict";

    /// <summary>Who is trusted has changed.</summary>
    public const string TrustChanged = "trust.changed";

    /// <summary>Another configuration is in effect.</summary>
    public const string ConfigReloaded = "config.reloaded";

    /// <summary>A plugin failed.</summary>
    public const string PluginFailed = "plugin.failed";

    /// <summary>A plugin took another's place.</summary>
    public const string PluginSwapped = "plugin.swapped";

    /// <summary>An invitation was used.</summary>
    public const string InviteUsed = "invite.used";

    /// <summary>An invitation was shown that is not accepted.</summary>
    public const string InviteRefused = "invite.refused";

    /// <summary>All of them, sorted.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        ConfigReloaded, InviteRefused, InviteUsed, NetworkDown, NetworkUp, PeerDown, PeerMoved, PeerUp, PluginFailed,
        PluginSwapped, RouteAdded, RouteChanged, RouteWithdrawn, TrustChanged, TrustConflict, TrustPending,
    ];
}
