using System.Text.Json;
using CommandLine;
using VibePN.Vpnctl.Control;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Commands;

/// <summary>Options of the commands that change trust.</summary>
internal class TrustOrderOptions : DaemonOptions
{
    [Option("dry-run", HelpText = "Say what would change, and change nothing.")]
    public bool? DryRun { get; set; }
}

/// <summary>Options of <c>trust show</c>.</summary>
internal sealed class TrustShowOptions : DaemonOptions
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> WordNames => ["NAME|FINGERPRINT"];
}

/// <summary>Options of <c>trust accept</c>.</summary>
internal sealed class TrustAcceptOptions : TrustOrderOptions
{
    [Option("peer", MetaValue = "NAME", HelpText = "The peer of config.toml that the certificate belongs to.")]
    public string? Peer { get; set; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> WordNames => ["FINGERPRINT"];
}

/// <summary>Options of <c>trust deny</c>.</summary>
internal sealed class TrustDenyOptions : TrustOrderOptions
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> WordNames => ["NAME|FINGERPRINT"];
}

/// <summary>Options of <c>trust replace</c>.</summary>
internal sealed class TrustReplaceOptions : TrustOrderOptions
{
    [Option("to", MetaValue = "FINGERPRINT", HelpText = "The new fingerprint, as 'vpnctl fingerprint' shows it on the peer's own machine.")]
    public string? To { get; set; }

    [Option("from", MetaValue = "FINGERPRINT", HelpText = "The fingerprint that the peer is pinned to now.")]
    public string? From { get; set; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> WordNames => ["NAME"];
}

/// <summary>Options of <c>trust forget</c>.</summary>
internal sealed class TrustForgetOptions : TrustOrderOptions
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> WordNames => ["NAME|FINGERPRINT"];
}

/// <summary>Who is believed, and the operator's say in it: <c>trust</c>.</summary>
internal static class TrustCommands
{
    private const string SomePrint = "3fc9e1b07a4d52c8e60f9b1d37a2584c6e0b9f13d7a85c2e41b6f0937d8a5e2c";

    public static IReadOnlyList<Command> All { get; } =
    [
        Command.Of<DaemonOptions>("trust list", "List pins, waiting and conflicting certificates and denials, the store's health first.",
            "vpnctl trust list", (o, t) => DaemonCommands.Show(o, t, "trust.list", TrustView.RenderBook)),
        Command.Of<TrustShowOptions>("trust show", "Show all that is known about a peer or a certificate.",
            "vpnctl trust show node2", Show),
        Command.Of<DaemonOptions>("trust pending", "List the certificates that wait for a decision.",
            "vpnctl trust pending", (o, t) => DaemonCommands.Show(o, t, "trust.pending", TrustView.RenderPending)),
        Command.Of<TrustAcceptOptions>("trust accept", "Pin a certificate to a peer of config.toml.",
            $"vpnctl trust accept {SomePrint} --peer node2", Accept),
        Command.Of<TrustDenyOptions>("trust deny", "Refuse a certificate, key or peer from now on, and close its sessions.",
            "vpnctl trust deny node2", (o, t) => Order(o, t, "trust.deny", writer => writer.WriteString("subject", o.Words.First()))),
        Command.Of<TrustReplaceOptions>("trust replace", "Replace a peer's pin after its key was renewed on purpose.",
            "vpnctl trust replace node2 --from $OLD --to $NEW", Replace),
        Command.Of<TrustForgetOptions>("trust forget", "Forget what is stored about a peer or a certificate; undoes a denial.",
            "vpnctl trust forget node2", (o, t) => Order(o, t, "trust.forget", writer => writer.WriteString("subject", o.Words.First()))),
        Command.Of<TrustVerifyOptions>("trust verify", "Compare six digits with a peer's operator, who runs the same for this node.",
            "vpnctl trust verify node2", TrustVerifyCommand.Run),
    ];

    private static int Show(TrustShowOptions options, Terminal terminal)
    {
        JsonElement output = ControlClient.For(options).Call("trust.show", writer => writer.WriteString("subject", options.Words.First()));
        if (options.Json is true)
            JsonView.Write(output, terminal.Out);
        else
            TrustView.RenderEntries(output, terminal);
        return ExitCode.Ok;
    }

    private static int Accept(TrustAcceptOptions options, Terminal terminal) => Order(options, terminal, "trust.accept", writer =>
    {
        writer.WriteString("fingerprint", options.Words.First());
        if (options.Peer is string peer)
            writer.WriteString("peer", peer);
    });

    private static int Replace(TrustReplaceOptions options, Terminal terminal)
    {
        if (options.To is not string to || options.From is not string from)
        {
            throw new CommandException(
                "vpnctl trust replace: --from and --to are both needed, so that no pin is replaced by mistake. 'vpnctl trust show NAME' has both.",
                ExitCode.Usage);
        }
        return Order(options, terminal, "trust.replace", writer =>
        {
            writer.WriteString("peer", options.Words.First());
            writer.WriteString("to", to);
            writer.WriteString("from", from);
        });
    }

    private static int Order(TrustOrderOptions options, Terminal terminal, string method, Action<Utf8JsonWriter> writeParameters)
    {
        JsonElement output = ControlClient.For(options).Call(method, writer =>
        {
            writeParameters(writer);
            if (options.DryRun is true)
                writer.WriteBoolean("dry_run", true);
        });
        if (options.Json is true)
            JsonView.Write(output, terminal.Out);
        else
            TrustView.RenderAnswer(output, terminal);
        return ExitCode.Ok;
    }
}
