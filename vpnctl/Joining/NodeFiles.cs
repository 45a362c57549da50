using System.Text;
using VibePN.Vpnctl.Commands;
using VibePN.Vpnctl.Configuration;
using VibePN.Vpnctl.Identity;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Joining;

/// <summary>This node's identity and configuration, made if there are none.</summary>
/// <param name="Config">The configuration.</param>
/// <param name="Fingerprint">Of its certificate.</param>
/// <param name="IsNew">Whether they were made just now.</param>
internal sealed record NodeFiles(ConfigFile Config, string Fingerprint, bool IsNew)
{
    /// <summary>Opens them, or makes them without any network.</summary>
    /// <param name="options">Where they are.</param>
    /// <param name="replace">Whether new ones take the place of those that exist.</param>
    /// <exception cref="CommandException">Neither can be done.</exception>
    public static NodeFiles Open(InitOptions options, bool replace)
    {
        if (File.Exists(options.Config) && !replace)
        {
            var config = ConfigFile.Read(options.Config);
            return new NodeFiles(config, FingerprintOf(config, options.Certificate), IsNew: false);
        }
        InitPlan plan = InitPlan.From(options) with { HasNetwork = false };
        string fingerprint = Make(plan, replace);
        return new NodeFiles(ConfigFile.Read(plan.Config), fingerprint, IsNew: true);
    }

    private static string Make(InitPlan plan, bool replace)
    {
        // 'vpnctl init --identity-only' may have made these.
        bool hasIdentity = File.Exists(plan.Certificate) && File.Exists(plan.Key) && !replace;
        if (hasIdentity)
        {
            string known = NodeCertificate.FingerprintOfFile(plan.Certificate);
            FileTransaction.Write([ConfigOf(plan, known)], replace);
            return known;
        }
        using NodeCertificate identity = NodeCertificate.Create(plan.CommonName, TimeProvider.System.GetUtcNow());
        FileTransaction.Write(
            [
                new(plan.Key, identity.KeyPem()),
                new(plan.Certificate, Encoding.ASCII.GetBytes(identity.CertificatePem())),
                ConfigOf(plan, identity.Fingerprint),
            ],
            replace);
        return identity.Fingerprint;
    }

    private static NewFile ConfigOf(InitPlan plan, string fingerprint) =>
        new(plan.Config, Encoding.UTF8.GetBytes(ConfigurationText.Of(plan, fingerprint)));

    private static string FingerprintOf(ConfigFile config, string standard)
    {
        var editor = new ConfigEditor(Escape.Controls(config.Path), config.Text);
        string certificate = TomlTree.Text(TomlTree.Table(editor.Tree.Root, "identity"), "cert") ?? standard;
        return NodeCertificate.FingerprintOfFile(Path.GetFullPath(certificate, Path.GetDirectoryName(Path.GetFullPath(config.Path))!));
    }
}
