using System.Text;
using System.Text.Json;
using CommandLine;
using VibePN.Vpnctl.Identity;
using VibePN.Vpnctl.Joining;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Commands;

/// <summary>Options of <c>init</c>; the predecessor's, and a few more.</summary>
internal sealed class InitOptions : StartOptions
{
    public const string DefaultCertificate = "/etc/vibepn/certs/node.crt";
    public const string DefaultKey = "/etc/vibepn/certs/node.key";
    public const string DefaultListen = "0.0.0.0:51820,[::]:51820";

    [Option("config", MetaValue = "PATH", Default = "/etc/vibepn/config.toml", HelpText = "The configuration to write.")]
    public string Config { get; set; } = "";

    [Option("cert", MetaValue = "PATH", Default = DefaultCertificate, HelpText = "The certificate to write.")]
    public string Certificate { get; set; } = "";

    [Option("key", MetaValue = "PATH", Default = DefaultKey, HelpText = "The private key to write.")]
    public string Key { get; set; } = "";

    [Option("name", MetaValue = "NAME", HelpText = "The certificate's common name. Default: the host's name")]
    public string? Name { get; set; }

    [Option("network", MetaValue = "NAME", Default = "corp", HelpText = "The first network.")]
    public string Network { get; set; } = "";

    [Option("prefix", MetaValue = "CIDR", Default = "10.42.0.0/24", HelpText = "The network's IPv4 subnet.")]
    public string Prefix { get; set; } = "";

    [Option("prefix6", MetaValue = "CIDR", HelpText = "The network's IPv6 subnet. Default: none")]
    public string? Prefix6 { get; set; }

    [Option("address", MetaValue = "ADDRESS", Default = "auto", HelpText = "This node's IPv4 address in the network.")]
    public string Address { get; set; } = "";

    [Option("export", HelpText = "Announce this node's address to its peers; --export=false to keep it back.")]
    public bool? Export { get; set; }

    [Option("listen", MetaValue = "ADDRESSES", Default = DefaultListen,
        HelpText = "Where peers can reach this node, separated by commas.")]
    public string Listen { get; set; } = "";

    [Option("identity-only", HelpText = "Write the key and the certificate, no configuration.")]
    public bool? IdentityOnly { get; set; }

    [Option("user", MetaValue = "NAME",
        HelpText = "The user that the daemon runs as: gets the key, and may read the rest. Default: vibepn, if there is one and the configuration is in /etc/vibepn")]
    public string? User { get; set; }

    [Option("force", HelpText = "Replace files that exist. A new key is a new identity.")]
    public bool? Force { get; set; }
}

/// <summary><c>init</c>: all of its files appear, or none.</summary>
internal static class InitCommand
{
    public static int Run(InitOptions options, Terminal terminal)
    {
        bool identityOnly = options.IdentityOnly is true;
        if (identityOnly && options.Start is true)
            throw new CommandException("--start needs a configuration, which --identity-only does not write.", ExitCode.Usage);
        InitPlan plan = InitPlan.From(options);
        DaemonUser? user = DaemonUser.For(options.User, plan.Config, File.ReadLines("/etc/passwd"));
        using NodeCertificate identity = NodeCertificate.Create(plan.CommonName, TimeProvider.System.GetUtcNow());
        List<NewFile> files =
        [
            new(plan.Key, identity.KeyPem(), user?.Secret),
            new(plan.Certificate, Encoding.ASCII.GetBytes(identity.CertificatePem()), user?.Readable),
        ];
        if (!identityOnly)
        {
            byte[] text = Encoding.UTF8.GetBytes(ConfigurationText.Of(plan, identity.Fingerprint));
            files.Add(new NewFile(plan.Config, text, user?.Readable));
        }
        FileTransaction.Write(files, options.Force is true, folder: user?.Folder);
        if (options.Json is true)
            JsonView.Write(terminal.Out, writer => Write(writer, plan, identity.Fingerprint, identityOnly));
        else
        {
            terminal.Out.WriteLine($"Initialized {Escape.Controls(identityOnly ? plan.Certificate : plan.Config)}");
            terminal.Out.WriteLine($"Fingerprint: {identity.Fingerprint}");
        }
        if (options.Start is true && new DaemonStarter(options, plan.Config).Start() is { } started)
            terminal.Error.WriteLine(started);
        return ExitCode.Ok;
    }

    private static void Write(Utf8JsonWriter writer, InitPlan plan, string fingerprint, bool identityOnly)
    {
        writer.WriteStartObject();
        writer.WriteString("cert", plan.Certificate);
        writer.WriteString("config", identityOnly ? null : plan.Config);
        writer.WriteString("fingerprint", fingerprint);
        writer.WriteString("key", plan.Key);
        writer.WriteEndObject();
    }
}
