using System.Net;
using System.Security.Cryptography;

namespace VibePN.Invites.Tests;

/// <summary>Invites and the keys that sign them.</summary>
internal static class Samples
{
    // RFC 6979 §A.2.5 and §A.2.6: keys whose private half everybody knows.
    private const string P256 = "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721";

    private const string P384 =
        "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5";

    public static ECDsa Key(bool is384 = false) => ECDsa.Create(new ECParameters
    {
        Curve = is384 ? ECCurve.NamedCurves.nistP384 : ECCurve.NamedCurves.nistP256,
        D = Convert.FromHexString(is384 ? P384 : P256),
    });

    public static Invite Standard(ECDsa key) => new()
    {
        Id = "000102030405060708090a0b0c0d0e0f",
        Network = "corp",
        Prefix = IPNetwork.Parse("10.42.0.0/24"),
        Prefix6 = IPNetwork.Parse("fd5a:1c3e:77::/64"),
        InviterName = "node1",
        InviterFingerprint = new string('a', 64),
        Addresses = ["198.51.100.20:51820", "[2001:db8::1]:51820"],
        NotAfter = new DateTimeOffset(2026, 12, 1, 12, 0, 0, TimeSpan.Zero),
        Secret = Convert.FromHexString("101112131415161718191a1b1c1d1e1f"),
        Key = InviteKey.Of(key)!,
    };

    public static string Text(Func<Invite, Invite>? change = null)
    {
        using ECDsa key = Key();
        Invite invite = Standard(key);
        return InviteText.Write(change is null ? invite : change(invite), key);
    }
}
