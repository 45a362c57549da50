using System.Globalization;
using System.Net;

namespace VibePN.Host.Configuration;

/// <summary>Reads addresses with ports.</summary>
internal static class EndPointText
{
    /// <summary>An IP literal with a port, such as <c>0.0.0.0:51820</c> or <c>[::]:51820</c>.</summary>
    public static bool TryParse(string text, out IPEndPoint endPoint)
    {
        endPoint = new IPEndPoint(IPAddress.None, 0);
        if (!Split(text, out string host, out int port))
            return false;
        bool isBracketed = text.StartsWith('[');
        if (!Contracts.IpAddress.TryParse(host, out Contracts.IpAddress address)
            || isBracketed != (address.Family == Contracts.IpFamily.V6))
            return false;
        endPoint = new IPEndPoint(IPAddress.Parse(host), port);
        return true;
    }

    /// <summary>Whether a text is <c>host:port</c>, where the host is a name or a literal; a scheme may precede.</summary>
    public static bool IsDialable(string text)
    {
        int scheme = text.IndexOf("://", StringComparison.Ordinal);
        if (scheme == 0)
            return false;
        return Split(scheme < 0 ? text : text[(scheme + 3)..], out string host, out int port) && port > 0
            && (Uri.CheckHostName(host) != UriHostNameType.Unknown);
    }

    private static bool Split(string text, out string host, out int port)
    {
        host = "";
        port = 0;
        int colon = text.LastIndexOf(':');
        if (colon <= 0
            || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port)
            || port > IPEndPoint.MaxPort)
            return false;
        host = text[..colon];
        if (host.StartsWith('[') && host.EndsWith(']'))
            host = host[1..^1];
        else if (host.Contains(':'))
            return false; // an IPv6 literal needs brackets to tell its colons from the port's
        return host.Length > 0;
    }
}
