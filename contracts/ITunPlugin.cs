using System.Collections.Immutable;

namespace VibePN.Contracts;

/// <summary>Role <c>tun</c>: makes layer-3 interfaces. Called on the engine's control thread, one call at a time.</summary>
public interface ITunPlugin : IPlugin
{
    /// <summary>What the devices of this plugin can carry beyond ordinary packets.</summary>
    OffloadCapabilities Offloads { get; }

    /// <summary>Creates an interface, gives it its addresses, MTU and routes, and sets it up.</summary>
    /// <param name="options">What to create.</param>
    /// <param name="events">Told of what happens to the interface and to the machine's network later.</param>
    /// <exception cref="TunException">Nothing was created; the message carries the kernel's own words.</exception>
    ITunDevice Open(TunOptions options, ITunEvents events);

    /// <summary>The machine's own unicast routes, those into interfaces of this plugin left out; sorted by prefix.</summary>
    /// <remarks>The engine asks at start and after each <see cref="ITunEvents.OnMachineNetworkChanged"/>.</remarks>
    /// <exception cref="TunException">The kernel does not tell.</exception>
    ImmutableArray<MachineRoute> GetMachineRoutes();
}

/// <summary>A route of the machine that is not ours.</summary>
/// <param name="Prefix">What is reached.</param>
/// <param name="Interface">The interface it leads into, such as <c>eth0</c>, or empty.</param>
/// <param name="IsConnected">Whether the destinations are on the link itself, not behind a gateway.</param>
public readonly record struct MachineRoute(IpPrefix Prefix, string Interface, bool IsConnected);

/// <summary>What a new interface is to be.</summary>
public sealed record TunOptions
{
    /// <summary>The overlay network, for messages.</summary>
    public required string Network { get; init; }

    /// <summary>The wished interface name, at most 15 bytes. A taken name is an error: nothing of others is touched.</summary>
    public required string Name { get; init; }

    /// <summary>Addresses, MTU and routes from the start.</summary>
    public required TunConfiguration Configuration { get; init; }

    /// <summary>Offloads that the engine's transports can take; the device uses none beyond them.</summary>
    public OffloadCapabilities Offloads { get; init; }
}

/// <summary>The part of an interface that can change while it is open.</summary>
public sealed record TunConfiguration
{
    /// <summary>Our addresses with the length of their subnet.</summary>
    public required IReadOnlyList<InterfaceAddress> Addresses { get; init; }

    /// <summary>Largest IP packet, in bytes: 576 to 65,535, and at least 1,280 with an IPv6 address.</summary>
    public required int Mtu { get; init; }

    /// <summary>Prefixes that the kernel is to send into the interface, beyond the subnets of the addresses.</summary>
    public IReadOnlyList<IpPrefix> Routes { get; init; } = [];
}

/// <summary>An address on an interface.</summary>
/// <param name="Address">The address.</param>
/// <param name="PrefixLength">Bits of its subnet.</param>
public readonly record struct InterfaceAddress(IpAddress Address, int PrefixLength)
{
    /// <summary>The subnet the address lies in.</summary>
    public IpPrefix Subnet => new(Address, PrefixLength);

    /// <summary><c>address/length</c>.</summary>
    public override string ToString() => $"{Address}/{PrefixLength}";
}

/// <summary>One layer-3 interface: the daemon's door into the kernel's IP stack.</summary>
/// <remarks>
/// Packets are bare IP, no link header. One thread may read while another writes;
/// two threads must not read, or write, at once. <see cref="Configure"/> may run beside both.
/// </remarks>
public interface ITunDevice : IDisposable
{
    /// <summary>The interface's name, as the kernel gave it.</summary>
    string Name { get; }

    /// <summary>Largest IP packet carried, in bytes.</summary>
    int Mtu { get; }

    /// <summary>The offloads in use: what <see cref="Read"/> may return and <see cref="Write"/> takes.</summary>
    OffloadCapabilities Offloads { get; }

    /// <summary>The offloads in use, and why one is not: a few words for the operator, empty when there is nothing to say. Any thread.</summary>
    string OffloadText => "";

    /// <summary>Blocks until packets arrive, then fills <paramref name="batch"/> with what is there.</summary>
    /// <param name="batch">Cleared first; the caller's.</param>
    /// <returns>Packets read, 1 to <c>batch.Capacity</c>; 0 once disposed.</returns>
    /// <exception cref="TunException">The kernel removed the interface.</exception>
    int Read(PacketBatch batch);

    /// <summary>Writes packets of the batch. One the kernel refuses is a drop, not an error. Never blocks.</summary>
    /// <param name="batch">Borrowed for the call; packets and headroom may be overwritten.</param>
    /// <param name="first">Index of the first packet to write.</param>
    /// <param name="count">How many from there.</param>
    /// <returns>Packets accepted, 0 to <paramref name="count"/>.</returns>
    int Write(PacketBatch batch, int first, int count);

    /// <summary>Changes addresses, MTU and routes to the given ones; what is already so stays untouched.</summary>
    /// <exception cref="TunException">Not or only partly changed, in the kernel's words.</exception>
    void Configure(TunConfiguration configuration);
}

/// <summary>What the engine wants to hear from a TUN plugin. Called on the plugin's threads; the engine only queues.</summary>
public interface ITunEvents
{
    /// <summary>The kernel removed the interface, or somebody did.</summary>
    /// <param name="deviceName">The interface's name.</param>
    /// <param name="text">What happened, in one sentence.</param>
    void OnDeviceLost(string deviceName, string text);

    /// <summary>Addresses, links or routes of the machine changed: a reason to dial peers again at once.</summary>
    void OnMachineNetworkChanged();
}
