using System.Text.Json;
using CommandLine;
using VibePN.Vpnctl.Control;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Commands;

/// <summary>Options of <c>trust verify</c>.</summary>
internal sealed class TrustVerifyOptions : DaemonOptions
{
    [Option("confirm", MetaValue = "DIGITS", HelpText = "Note the peer as verified: both of you have read these digits.")]
    public string? Confirm { get; set; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> WordNames => ["NAME"];
}

/// <summary><c>trust verify</c>: compares six digits with the operator of the other node.</summary>
internal static class TrustVerifyCommand
{
    // A little more than the daemon waits for the other operator.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(130);

    public static int Run(TrustVerifyOptions options, Terminal terminal)
    {
        string peer = options.Words.First();
        using ControlClient client = ControlClient.For(options);
        client.Follow("trust.verify", writer => WriteParameters(writer, peer, options.Confirm), step =>
        {
            if (options.Json is true)
                JsonView.WriteLine(step, terminal.Out);
            else
                Render(step, peer, terminal);
            terminal.Out.Flush();
        }, Limit);
        return ExitCode.Ok;
    }

    private static void WriteParameters(Utf8JsonWriter writer, string peer, string? confirm)
    {
        writer.WriteString("peer", peer);
        if (confirm is not null)
            writer.WriteString("confirm", confirm);
    }

    private static void Render(JsonElement step, string peer, Terminal terminal)
    {
        string message = step.Clean("message");
        terminal.Out.WriteLine(char.ToUpperInvariant(message[0]) + message[1..]);
        if (step.Text("digits") is null)
            return;
        string digits = step.Clean("digits");
        terminal.Out.WriteLine($"Digits: {Colour.Paint(digits, Tone.Good, terminal)}");
        terminal.Out.WriteLine($"Alike on both nodes: vpnctl trust verify {Escape.Controls(peer)} --confirm {digits}");
        terminal.Out.WriteLine("Different: somebody is between the two nodes, and this peer is not to be trusted.");
    }
}
