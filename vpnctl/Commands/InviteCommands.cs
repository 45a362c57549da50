using System.Text;
using System.Text.Json;
using CommandLine;
using VibePN.Vpnctl.CommandLine;
using VibePN.Vpnctl.Control;
using VibePN.Vpnctl.Identity;
using VibePN.Vpnctl.Joining;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Commands;

/// <summary>Options of <c>invite</c>; the predecessor's, and a few more.</summary>
internal sealed class InviteOptions : DaemonOptions
{
    [Option("network", MetaValue = "NAME", HelpText = "The network to invite to. Needed when there are several")]
    public string? Network { get; set; }

    [Option("address", MetaValue = "HOST:PORT",
        HelpText = "Where the other node can dial this one; several with commas. Default: guessed from where the daemon listens")]
    public string? Address { get; set; }

    [Option("name", MetaValue = "NAME", HelpText = "What this node calls itself. Default: the host's name")]
    public string? Name { get; set; }

    [Option("expires", MetaValue = "TIME", Default = "15m", HelpText = "How long the invite lasts: s, m, h or d; at most 7d.")]
    public string Expires { get; set; } = "";

    [Option("out", MetaValue = "FILE", Default = "-", HelpText = "Where to write the invite, readable by the owner only; - prints it.")]
    public string Out { get; set; } = "";

    [Option("qr", HelpText = "Print it as a QR code, too.")]
    public bool? Qr { get; set; }

    [Option("config", MetaValue = "PATH", HelpText = "Accepted for the predecessor's scripts: the running daemon's configuration counts.")]
    public string? Config { get; set; }
}

/// <summary>Options of <c>invite revoke</c>.</summary>
internal sealed class InviteRevokeOptions : DaemonOptions
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> WordNames => ["ID"];
}

/// <summary><c>invite</c>, <c>invite list</c>, <c>invite revoke</c>.</summary>
internal static class InviteCommands
{
    public static int Create(InviteOptions options, Terminal terminal)
    {
        long expires = ParseLife(options.Expires);
        string[] addresses = options.Address is null ? []
            : [.. options.Address.Split(',', StringSplitOptions.TrimEntries).Select(address => PeerFields.Address(address, "address"))];
        if (options.Name is string name)
            _ = PeerFields.Label(name, "name");
        JsonElement output = DaemonCall.Ask(options, "invite.create", writer =>
        {
            if (options.Network is string network)
                writer.WriteString("network", network);
            if (addresses.Length > 0)
                WriteStrings(writer, "addresses", addresses);
            if (options.Name is string label)
                writer.WriteString("name", label);
            writer.WriteNumber("expires_s", expires);
        });
        string code = output.Text("invite") ?? throw new CommandException("vibepnd gave no invite.");
        bool isFile = options.Out != "-";
        if (isFile)
            FileTransaction.Write([new NewFile(Path.GetFullPath(options.Out), Encoding.ASCII.GetBytes(code + "\n"))], replace: true);
        if (options.Json is true)
            JsonView.Write(output, terminal.Out);
        else
            Render(output, code, options, isFile, terminal);
        return ExitCode.Ok;
    }

    public static int Revoke(InviteRevokeOptions options, Terminal terminal)
    {
        JsonElement output = DaemonCall.Ask(options, "invite.revoke", writer => writer.WriteString("id", options.Words.First()));
        if (options.Json is true)
            JsonView.Write(output, terminal.Out);
        else
            terminal.Out.WriteLine(output.Clean("message"));
        return ExitCode.Ok;
    }

    public static void RenderList(JsonElement output, Terminal terminal)
    {
        var table = new Table(
            new("ID"), new("NETWORK"), new("STATE"), new("CREATED", 1), new("NOT AFTER", 4), new("WRONG PROOFS", 2, AlignRight: true), new("USED BY", 3));
        foreach (JsonElement row in output.ValueKind == JsonValueKind.Array ? [.. output.EnumerateArray()] : Array.Empty<JsonElement>())
        {
            table.Add(
                row.Clean("id"), row.Clean("network"), row.Clean("state"), row.Clean("created"), row.Clean("not_after"),
                Units.Count(row.Whole("bad_proofs")), Shorten(row.Clean("used_by")));
        }
        table.Write(terminal);
    }

    /// <summary>A life such as <c>15m</c>, in whole seconds.</summary>
    internal static long ParseLife(string text)
    {
        var life = (long)DurationText.Parse("--expires", text).TotalSeconds;
        return life is > 0 and <= 7 * 86_400
            ? life
            : throw new CommandException($"--expires is '{Escape.Controls(text)}'; an invite lasts from 1s to 7d.", ExitCode.Usage);
    }

    // Enough to tell nodes apart; the JSON has all of it.
    private static string Shorten(string fingerprint) => fingerprint.Length <= 12 ? fingerprint : fingerprint[..12];

    // The invite alone goes to the standard output, so that it can be piped; what people should know goes beside it.
    private static void Render(JsonElement output, string code, InviteOptions options, bool isFile, Terminal terminal)
    {
        terminal.Out.WriteLine(isFile ? $"Wrote invite payload to {Escape.Controls(options.Out)}" : code);
        if (options.Qr is true)
            QrView.Render(code, terminal);
        string guessed = output.IsTrue("guessed") ? " (guessed; --address says otherwise)" : "";
        terminal.Error.WriteLine(
            $"For one node, until {output.Clean("not_after")}, into {output.Clean("network")}. It dials {output.Joined("addresses")}{guessed}.");
        terminal.Error.WriteLine("Whoever has it can join: hand it over safely. On the other node:  vpnctl join --start CODE");
    }

    private static void WriteStrings(Utf8JsonWriter writer, string name, string[] values)
    {
        writer.WriteStartArray(name);
        foreach (string value in values)
            writer.WriteStringValue(value);
        writer.WriteEndArray();
    }
}
