using System.Diagnostics;
using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using VibePN.Vpnctl.Identity;

namespace VibePN.Vpnctl.Tests;

public sealed class IdentityTests : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private const string VectorF1 = """
        -----BEGIN CERTIFICATE-----
        MIIBsDCCAVagAwIBAgIUfzUN78KZgcOXO1nB10cT0ic/su4wCgYIKoZIzj0EAwIw
        HTEbMBkGA1UEAwwSZmluZ2VycHJpbnQtdmVjdG9yMCAXDTI2MTEyMjE3MjEyOFoY
        DzIxMjYxMDI5MTcyMTI4WjAdMRswGQYDVQQDDBJmaW5nZXJwcmludC12ZWN0b3Iw
        WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASubDucPdr0uslsZNuoY2k8qjbIu256
        4+NqFO2xMR9gQWCLKV+jLvk0aqaHcMznmgMXGZ4gnQh/fA0breZ+UrPlo3IwcDAd
        BgNVHQ4EFgQU41EfjSOrbRpUsvYEB2kTadc9W+MwHwYDVR0jBBgwFoAU41EfjSOr
        bRpUsvYEB2kTadc9W+MwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHSUEFjAUBggrBgEF
        BQcDAgYIKwYBBQUHAwEwCgYIKoZIzj0EAwIDSAAwRQIgbpEeSI/wLISukuywLP/m
        Q0ZfjRdDcazbPlGkEhnkSvgCIQCsNprNedIxjAG0DBQ2j+A5zCGY1oZjuA4rY+Ya
        vdZ+5A==
        -----END CERTIFICATE-----

        """;

    private const string FingerprintF1 = "4f20be458a9df78b64f8bd1d2390a6c889ac1adb8cf95bca6dcbc33cb30c578a";

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vpn-init-");

    private string Config => PathOf("config.toml");

    private string Certificate => PathOf("certs/node.crt");

    private string Key => PathOf("certs/node.key");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void Fingerprint_of_vector_F1_is_right_in_PEM_and_DER()
    {
        string pem = PathOf("f1.pem");
        File.WriteAllText(pem, "some text before\n" + VectorF1);
        Assert.Equal(new Outcome(0, FingerprintF1 + "\n", ""), Outcome.Of("fingerprint", "--cert", pem));
        using X509Certificate2 certificate = X509Certificate2.CreateFromPem(VectorF1);
        string der = PathOf("f1.der");
        File.WriteAllBytes(der, certificate.RawData);
        Assert.Equal($$"""
            {
              "fingerprint": "{{FingerprintF1}}"
            }

            """, Outcome.Of("fingerprint", "-cert", der, "--json").Out);
    }

    [Fact]
    public void File_without_a_certificate_is_explained()
    {
        string path = PathOf("x");
        Assert.Contains("cannot be read", Outcome.Of("fingerprint", "--cert", path).Error, StringComparison.Ordinal);
        File.WriteAllText(path, "nothing here");
        Assert.Equal(new Outcome(1, "", $"Error: {path} holds no X.509 certificate in PEM or DER form.\n"),
            Outcome.Of("fingerprint", "--cert", path));
        File.WriteAllText(path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        Assert.Equal(1, Outcome.Of("fingerprint", "--cert", path).ExitCode);
    }

    [Fact]
    public void Damaged_certificates_are_an_error_and_never_a_crash()
    {
        using X509Certificate2 certificate = X509Certificate2.CreateFromPem(VectorF1);
        var random = new Random(3);
        string path = PathOf("x");
        for (int i = 0; i < 2_000; i++)
        {
            byte[] bytes = certificate.RawData[..random.Next(certificate.RawData.Length + 1)];
            if (bytes.Length > 0)
                bytes[random.Next(bytes.Length)] ^= (byte)random.Next(256);
            File.WriteAllBytes(path, bytes);
            Assert.InRange(Outcome.Of("fingerprint", "--cert", path).ExitCode, 0, 1);
        }
    }

    [Fact]
    public void Init_writes_three_files_for_the_owner_only()
    {
        Outcome outcome = Init("--name", "node1");
        Assert.Equal("", outcome.Error);
        string fingerprint = Outcome.Of("fingerprint", "--cert", Certificate).Out.TrimEnd();
        Assert.Equal($"Initialized {Config}\nFingerprint: {fingerprint}\n", outcome.Out);
        Assert.All(new[] { Config, Certificate, Key }, path => Assert.Equal(OwnerOnly, File.GetUnixFileMode(path)));
        Assert.Equal(OwnerOnly | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(Key)!));
        Assert.Equal(3, Directory.GetFiles(_directory.FullName, "*", SearchOption.AllDirectories).Length);
        Assert.Equal($"""
            # Configuration of a VibePN node. Check it with: vibepnd --config {Config} --check

            listen = ["0.0.0.0:51820", "[::]:51820"]

            [identity]
            cert = "{Certificate}"
            key = "{Key}"
            fingerprint = "{fingerprint}"

            # Every peer needs a table like this. Without an address the peer dials us.
            #
            # [[peers]]
            # name = "node2"
            # address = "203.0.113.42:51820"
            # fingerprint = "<what 'vpnctl fingerprint' prints on that node>"
            # networks = ["corp"]

            [networks.corp]
            prefix = "10.42.0.0/24"
            # prefix6 = "fd5a:1c3e:77::/64"
            address = "auto"
            export = true

            """, File.ReadAllText(Config));
    }

    [Fact]
    public void Init_takes_every_option()
    {
        Outcome outcome = Init("--network", "lab.1", "--prefix", "10.9.0.0/16", "--prefix6", "fd00:9::/64",
            "--address", "10.9.0.7", "-export=false", "--listen", "192.0.2.1:4000", "--json");
        JsonElement result = JsonDocument.Parse(outcome.Out).RootElement;
        Assert.Equal(Config, result.GetProperty("config").GetString());
        Assert.Equal(Certificate, result.GetProperty("cert").GetString());
        Assert.Equal(Key, result.GetProperty("key").GetString());
        Assert.Equal(64, result.GetProperty("fingerprint").GetString()!.Length);
        string text = File.ReadAllText(Config);
        Assert.Contains("listen = [\"192.0.2.1:4000\"]\n", text, StringComparison.Ordinal);
        Assert.EndsWith("""
            [networks."lab.1"]
            prefix = "10.9.0.0/16"
            prefix6 = "fd00:9::/64"
            address6 = "auto"
            address = "10.9.0.7"
            export = false

            """, text, StringComparison.Ordinal);
    }

    [Fact]
    public void Certificate_has_the_agreed_form()
    {
        DateTimeOffset before = DateTimeOffset.UtcNow;
        Init("--name", "node1");
        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificateFromFile(Certificate);
        Assert.Equal("CN=node1", certificate.Subject);
        Assert.Equal(certificate.SubjectName.RawData, certificate.IssuerName.RawData);
        Assert.InRange((before - certificate.NotBefore.ToUniversalTime()).TotalSeconds, 290, 302);
        Assert.Equal(before.Year + 10, certificate.NotAfter.ToUniversalTime().Year);
        Assert.Equal(16, certificate.SerialNumberBytes.Length);
        Assert.Equal(3, certificate.Extensions.Count);
        Assert.Equal(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment,
            certificate.Extensions.OfType<X509KeyUsageExtension>().Single().KeyUsages);
        Assert.Equal(["1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1"],
            certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().Single()
                .EnhancedKeyUsages.Cast<Oid>().Select(oid => oid.Value));
        X509BasicConstraintsExtension constraints = certificate.Extensions.OfType<X509BasicConstraintsExtension>().Single();
        Assert.True(constraints.Critical);
        Assert.False(constraints.CertificateAuthority);
        using ECDsa publicKey = certificate.GetECDsaPublicKey()!;
        Assert.Equal("1.2.840.10045.3.1.7", publicKey.ExportParameters(false).Curve.Oid.Value);
        using ECDsa key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(Key));
        Assert.StartsWith("-----BEGIN PRIVATE KEY-----\n", File.ReadAllText(Key), StringComparison.Ordinal);
        byte[] message = [1, 2, 3];
        Assert.True(publicKey.VerifyData(message, key.SignData(message, HashAlgorithmName.SHA256), HashAlgorithmName.SHA256));
    }

    [Fact]
    public void Certificate_is_signed_by_itself_with_the_smaller_s()
    {
        BigInteger half = BigInteger.Parse(
            "115792089210356248762697446949407573529996955224135760342422259061068512044369",
            System.Globalization.CultureInfo.InvariantCulture) / 2;
        for (int i = 0; i < 20; i++)
        {
            using NodeCertificate identity = NodeCertificate.Create("node", DateTimeOffset.UtcNow);
            using X509Certificate2 certificate = X509Certificate2.CreateFromPem(identity.CertificatePem());
            AsnReader outer = new AsnReader(certificate.RawData, AsnEncodingRules.DER).ReadSequence();
            byte[] signed = outer.ReadEncodedValue().ToArray();
            outer.ReadEncodedValue();
            byte[] signature = outer.ReadBitString(out _);
            using ECDsa key = certificate.GetECDsaPublicKey()!;
            Assert.True(key.VerifyData(signed, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
            AsnReader integers = new AsnReader(signature, AsnEncodingRules.DER).ReadSequence();
            integers.ReadInteger();
            Assert.True(integers.ReadInteger() <= half);
        }
    }

    [Fact]
    public void Identity_only_writes_no_configuration()
    {
        Outcome outcome = Init("--identity-only");
        Assert.StartsWith($"Initialized {Certificate}\nFingerprint: ", outcome.Out, StringComparison.Ordinal);
        Assert.False(File.Exists(Config));
        Assert.True(File.Exists(Key));
        Assert.Contains("\"config\": null", Init("--identity-only", "--force", "--json").Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("config.toml")]
    [InlineData("certs/node.key")]
    [InlineData("certs/node.crt")]
    public void Existing_file_is_kept_and_nothing_else_is_written(string existing)
    {
        Directory.CreateDirectory(PathOf("certs"));
        File.WriteAllText(PathOf(existing), "precious");
        Outcome outcome = Init();
        Assert.Equal(1, outcome.ExitCode);
        Assert.Equal($"Error: Nothing was written, because there is already {PathOf(existing)}. "
            + "--force replaces what is there; a new key is a new identity.\n", outcome.Error);
        Assert.Equal([PathOf(existing)], Directory.GetFiles(_directory.FullName, "*", SearchOption.AllDirectories));
        Assert.Equal("precious", File.ReadAllText(PathOf(existing)));
    }

    [Fact]
    public void Force_replaces_all_and_leaves_nothing_else()
    {
        Init();
        string before = File.ReadAllText(Key);
        Assert.Equal(0, Init("--force").ExitCode);
        Assert.NotEqual(before, File.ReadAllText(Key));
        Assert.Equal(3, Directory.GetFiles(_directory.FullName, "*", SearchOption.AllDirectories).Length);
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(Key));
    }

    [Fact]
    public void Failure_half_way_brings_everything_back()
    {
        string first = PathOf("first");
        string second = PathOf("second");
        File.WriteAllText(first, "old");
        byte[] content = [1];
        int moves = 0;
        // Three moves are needed: the old first file aside, the new one in, and the second one in.
        CommandException error = Assert.Throws<CommandException>(
            () => FileTransaction.Write([new(first, content), new(second, [2])], replace: true, (from, to) =>
            {
                if (++moves == 3)
                    throw new IOException("No space left on device.");
                File.Move(from, to);
            }));
        Assert.StartsWith("Nothing was written: ", error.Message, StringComparison.Ordinal);
        Assert.Equal("old", File.ReadAllText(first));
        Assert.Equal([first], Directory.GetFileSystemEntries(_directory.FullName));
        Assert.Equal([0], content);
    }

    [Fact]
    public void Directory_that_others_may_write_to_is_refused()
    {
        Directory.CreateDirectory(PathOf("certs"));
        File.SetUnixFileMode(PathOf("certs"), OwnerOnly | UnixFileMode.UserExecute | UnixFileMode.OtherWrite);
        Outcome outcome = Init();
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains($"others may write to {PathOf("certs")}", outcome.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_directory.FullName, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void Daemons_user_gets_the_key_and_may_read_the_rest()
    {
        Assert.Equal(new Outcome(0, "", ""), Init("--user", "nobody") with { Out = "" });
        Assert.Equal("65534 600", Stat("%u %a", Key));
        Assert.Equal("0 65534 640", Stat("%u %g %a", Config));
        Assert.Equal("0 65534 640", Stat("%u %g %a", Certificate));
        Assert.Equal("0 65534 750", Stat("%u %g %a", Path.GetDirectoryName(Key)!));
    }

    [Theory]
    [InlineData(null, "/etc/vibepn/config.toml", "vibepn:x:997:996::/:/bin/sh", 997u, 996u)]
    [InlineData(null, "/etc/vibepn/config.toml", "vibepn2:x:997:996::/:/bin/sh", null, null)]
    [InlineData(null, "/etc/vibepn/config.toml", "vibepn:x:many", null, null)]
    [InlineData(null, "/etc/vibepn2/config.toml", "vibepn:x:997:996::/:/bin/sh", null, null)]
    [InlineData("vpn", "/srv/config.toml", "root:x:0:0::/root:/bin/sh\nvpn:x:5:6::/:", 5u, 6u)]
    public void Packages_user_gets_what_is_in_the_packages_folder(
        string? asked, string configuration, string passwd, uint? uid, uint? gid)
    {
        var user = DaemonUser.For(asked, configuration, passwd.Split('\n'));
        Assert.Equal((uid, gid), (user?.Uid, user?.Gid));
    }

    [Fact]
    public void User_that_does_not_exist_is_named()
    {
        Outcome outcome = Init("--user", "nobody-of-that-name");
        Assert.Equal(2, outcome.ExitCode);
        Assert.Equal("Error: --user is 'nobody-of-that-name'; there is no such local user.\n", outcome.Error);
        Assert.Empty(Directory.GetFileSystemEntries(_directory.FullName));
    }

    [Fact]
    public void File_that_cannot_be_given_away_is_not_written()
    {
        string path = PathOf("node.key");
        new FileOwner(65534, 65534, OwnerOnly | UnixFileMode.UserExecute).Apply(_directory.FullName);
        CommandException error = UnprivilegedThread.Run(() =>
        {
            try
            {
                FileTransaction.Write([new NewFile(path, [1], new FileOwner(0, 0, OwnerOnly))], replace: false);
                throw new InvalidOperationException("it was written");
            }
            catch (CommandException caught)
            {
                return caught;
            }
        });
        Assert.StartsWith($"Nothing was written: {path}.", error.Message, StringComparison.Ordinal);
        Assert.Contains("could not be given to uid 0: Operation not permitted.", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_directory.FullName));
    }

    [Fact]
    public void Text_is_quoted_as_TOML_wants_it() =>
        Assert.Equal("\"a\\\"b\\\\c\\u000ad\"", ConfigurationText.Quote("a\"b\\c\nd"));

    private Outcome Init(params string[] more) =>
        Outcome.Of(["init", "--config", Config, "--cert", Certificate, "--key", Key, .. more]);

    private static string Stat(string format, string path)
    {
        using var stat = Process.Start(new ProcessStartInfo("stat", ["-c", format, path]) { RedirectStandardOutput = true })!;
        return stat.StandardOutput.ReadToEnd().Trim();
    }

    private string PathOf(string name) => Path.Combine(_directory.FullName, name);
}
