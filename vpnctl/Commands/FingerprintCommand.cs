using System.Text.Json;
using CommandLine;
using VibePN.Vpnctl.Identity;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Commands;

/// <summary>Options of <c>fingerprint</c>.</summary>
internal sealed class FingerprintOptions : CommandOptions
{
    [Option("cert", MetaValue = "PATH", Default = InitOptions.DefaultCertificate,
        HelpText = "The certificate, PEM or DER.")]
    public string Certificate { get; set; } = "";
}

/// <summary><c>fingerprint</c>: what others have to put into their configuration for this node.</summary>
internal static class FingerprintCommand
{
    public static int Run(FingerprintOptions options, Terminal terminal)
    {
        string fingerprint = NodeCertificate.FingerprintOfFile(options.Certificate);
        if (options.Json is true)
            JsonView.Write(terminal.Out, writer => Write(writer, fingerprint));
        else
            terminal.Out.WriteLine(fingerprint);
        return ExitCode.Ok;
    }

    private static void Write(Utf8JsonWriter writer, string fingerprint)
    {
        writer.WriteStartObject();
        writer.WriteString("fingerprint", fingerprint);
        writer.WriteEndObject();
    }
}
