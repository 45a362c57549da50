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
        // Only where somebody can answer; a script reads the digits and confirms them with another call.
        Func<string?>? ask = options.Json is true || options.Confirm is not null ? null : terminal.ReadLine;
        using ControlClient client = ControlClient.For(options);
        string? digits = Follow(client, peer, options.Confirm, step => Show(step, peer, options.Json is true, ask is not null, terminal));
        if (digits is null || ask is null)
            return ExitCode.Ok;
        terminal.Out.Write("Does the other operator read the same digits? [y/N] ");
        terminal.Out.Flush();
        if (ask()?.Trim().ToUpperInvariant() is not ("Y" or "YES"))
        {
            terminal.Error.WriteLine(
                $"Nothing was noted. If the digits differ, somebody is between the two nodes: 'vpnctl trust deny {Escape.Controls(peer)}' refuses this peer.");
            return ExitCode.CheckFailed;
        }
        Follow(client, peer, digits, step => Show(step, peer, asJson: false, asks: true, terminal));
        return ExitCode.Ok;
    }

    // Returns the digits when there were some.
    private static string? Follow(ControlClient client, string peer, string? confirm, Action<JsonElement> show)
    {
        string? digits = null;
        client.Follow("trust.verify", writer => WriteParameters(writer, peer, confirm), step =>
        {
            digits = step.Text("digits") is null ? digits : step.Clean("digits");
            show(step);
        }, Limit);
        return digits;
    }

    private static void WriteParameters(Utf8JsonWriter writer, string peer, string? confirm)
    {
        writer.WriteString("peer", peer);
        if (confirm is not null)
            writer.WriteString("confirm", confirm);
    }

    private static void Show(JsonElement step, string peer, bool asJson, bool asks, Terminal terminal)
    {
        if (asJson)
            JsonView.WriteLine(step, terminal.Out);
        else
            Render(step, peer, asks, terminal);
        terminal.Out.Flush();
    }

    private static void Render(JsonElement step, string peer, bool asks, Terminal terminal)
    {
        string message = step.Clean("message");
        terminal.Out.WriteLine(char.ToUpperInvariant(message[0]) + message[1..]);
        if (step.Text("digits") is null)
            return;
        string digits = step.Clean("digits");
        terminal.Out.WriteLine($"Digits: {Colour.Paint(digits, Tone.Good, terminal)}");
        if (asks)
            return;
        terminal.Out.WriteLine($"Alike on both nodes: vpnctl trust verify {Escape.Controls(peer)} --confirm {digits}");
        terminal.Out.WriteLine("Different: somebody is between the two nodes, and this peer is not to be trusted.");
    }
}
