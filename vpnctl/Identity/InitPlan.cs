using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using VibePN.Vpnctl.Commands;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Identity;

/// <summary>What <c>init</c> will write, checked so far that the daemon will take it.</summary>
internal sealed partial record InitPlan
{
    // RFC 5280 appendix A: ub-common-name.
    private const int MaxCommonName = 64;

    public required string Config { get; init; }

    public required string Certificate { get; init; }

    public required string Key { get; init; }

    public required string CommonName { get; init; }

    public required string Network { get; init; }

    public required string Prefix { get; init; }

    public required string? Prefix6 { get; init; }

    public required string Address { get; init; }

    public required bool Export { get; init; }

    public required IReadOnlyList<string> Listen { get; init; }

    /// <summary>The control socket to write down; null for the daemon's default.</summary>
    public string? Socket { get; init; }

    /// <summary>Whether the configuration begins with a network, or with none.</summary>
    public bool HasNetwork { get; init; } = true;

    /// <summary>Checks the options.</summary>
    /// <exception cref="CommandException">One of them makes no sense.</exception>
    public static InitPlan From(InitOptions options)
    {
        var plan = new InitPlan
        {
            Config = FullPath(options.Config, "config"),
            Certificate = FullPath(options.Certificate, "cert"),
            Key = FullPath(options.Key, "key"),
            CommonName = CheckName(options.Name ?? HostName()),
            Network = NetworkName().IsMatch(options.Network)
                ? options.Network
                : throw Wrong("network", options.Network, "1 to 32 of a-z, 0-9, '.', '_' and '-'"),
            Prefix = CheckPrefix(options.Prefix),
            Prefix6 = options.Prefix6 is string prefix6 ? CheckPrefix6(prefix6) : null,
            Address = CheckAddress(options.Address, options.Prefix),
            Export = options.Export ?? true,
            Socket = options.Socket is string socket ? Path.GetFullPath(socket) : null,
            Listen = [.. options.Listen.Split(',', StringSplitOptions.TrimEntries).Select(CheckListen)],
        };
        string[] paths = [plan.Config, plan.Certificate, plan.Key];
        return paths.Distinct().Count() == paths.Length
            ? plan
            : throw new CommandException("--config, --cert and --key must be three different files.", ExitCode.Usage);
    }

    [GeneratedRegex(@"\A[a-z0-9._-]{1,32}\z")]
    private static partial Regex NetworkName();

    private static string FullPath(string path, string option) =>
        path.Length > 0 && !path.EndsWith('/') && !path.Contains('\0', StringComparison.Ordinal)
            ? Path.GetFullPath(path)
            : throw Wrong(option, path, "a file's path");

    private static string HostName() => Dns.GetHostName() is { Length: > 0 and <= MaxCommonName } name ? name : "node";

    private static string CheckName(string name) => name.Length is > 0 and <= MaxCommonName && !name.Any(char.IsControl)
        ? name
        : throw Wrong("name", name, $"1 to {MaxCommonName} printable characters");

    private static string CheckPrefix(string text) =>
        CheckSubnet("prefix", text, AddressFamily.InterNetwork, longest: 30,
            "an IPv4 subnet of /1 to /30, such as 10.42.0.0/24");

    private static string CheckPrefix6(string text) =>
        CheckSubnet("prefix6", text, AddressFamily.InterNetworkV6, longest: 126,
            "an IPv6 subnet of /1 to /126, such as fd5a:1c3e:77::/64");

    private static string CheckSubnet(
        string option,
        string text,
        AddressFamily family,
        int longest,
        string expected)
    {
        if (!IPNetwork.TryParse(text, out IPNetwork network)
            || network.BaseAddress.AddressFamily != family
            || network.PrefixLength == 0
            || network.PrefixLength > longest)
            throw Wrong(option, text, expected);
        // IPNetwork clears bits behind the prefix; here they show that an address was meant, or a longer prefix.
        if (!network.BaseAddress.Equals(IPAddress.Parse(text.Split('/')[0])))
            throw Wrong(option, text, $"a subnet without host bits, such as {network}");
        return network.ToString();
    }

    private static string CheckAddress(string text, string prefix)
    {
        if (text == "auto")
            return text;
        IPNetwork network = IPNetwork.Parse(prefix);
        if (!IPAddress.TryParse(text, out IPAddress? address) || address.ToString() != text || !network.Contains(address))
            throw Wrong("address", text, $"auto, or an address inside {network}");
        uint host = ToNumber(address) & (uint.MaxValue >> network.PrefixLength);
        if (host == 0 || host == uint.MaxValue >> network.PrefixLength)
            throw Wrong("address", text, $"a host's address; this is the network's or the broadcast address of {network}");
        return text;
    }

    private static uint ToNumber(IPAddress address) =>
        BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes());

    private static string CheckListen(string text) =>
        IPEndPoint.TryParse(text, out IPEndPoint? endpoint) && endpoint.Port != 0
            ? endpoint.ToString()
            : throw Wrong("listen", text, "an address and a port, such as 0.0.0.0:51820 or [::]:51820");

    private static CommandException Wrong(string option, string value, string expected) =>
        new($"--{option} is '{Escape.Controls(value)}'; it must be {expected}.", ExitCode.Usage);
}
