using System.Text.Json;
using CommandLine;
using VibePN.Vpnctl.Control;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Commands;

/// <summary>Options of <c>ping</c>.</summary>
internal sealed class PingOptions : DaemonOptions
{
    [Option("count", MetaValue = "NUMBER", Default = 4, HelpText = "How many questions; 0 goes on until Ctrl-C.")]
    public int Count { get; set; }

    [Option("interval", MetaValue = "SECONDS", Default = 1.0, HelpText = "Between two questions; below 0.2 for administrators.")]
    public double Interval { get; set; }

    [Option("size", MetaValue = "BYTES", Default = 56, HelpText = "Payload; the packet has 28 bytes more with IPv4, 48 with IPv6.")]
    public int Size { get; set; }

    [Option("wait", MetaValue = "SECONDS", Default = 2.0, HelpText = "How long to wait for an answer.")]
    public double Wait { get; set; }

    [Option("network", MetaValue = "NAME", HelpText = "Through this network. Default: one that leads there")]
    public string? Network { get; set; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> WordNames => ["PEER|ADDRESS"];
}

/// <summary><c>ping</c>: the daemon sends real echo packets into its own data path; the other node's kernel answers.</summary>
internal static class PingCommand
{
    public static int Run(PingOptions options, Terminal terminal)
    {
        CheckRanges(options);
        string target = options.Words.First();
        using ControlClient client = ControlClient.For(options);
        var tally = new PingTally();
        client.Follow("ping.run", writer => WriteParameters(writer, options, target), step =>
        {
            tally.Count(step);
            if (options.Json is true)
                JsonView.WriteLine(step, terminal.Out);
            else
                PingView.Write(step, target, options.Size, terminal);
            terminal.Out.Flush();
        });
        if (options.Json is true)
            JsonView.Write(terminal.Out, tally.Write, onOneLine: true);
        else
            PingView.WriteSummary(tally, target, terminal);
        return tally.Received > 0 ? ExitCode.Ok : ExitCode.Failed;
    }

    private static void CheckRanges(PingOptions options)
    {
        if (options.Count is < 0 or > 1_000_000)
            throw new CommandException("--count takes 0 to 1000000.", ExitCode.Usage);
        if (options.Interval is not (>= 0.01 and <= 3_600))
            throw new CommandException("--interval takes 0.01 to 3600 seconds.", ExitCode.Usage);
        if (options.Size is < 8 or > 65_000)
            throw new CommandException("--size takes 8 to 65000 bytes.", ExitCode.Usage);
        if (options.Wait is not (>= 0.01 and <= 60))
            throw new CommandException("--wait takes 0.01 to 60 seconds.", ExitCode.Usage);
    }

    private static void WriteParameters(Utf8JsonWriter writer, PingOptions options, string target)
    {
        writer.WriteString("target", target);
        if (options.Network is string network)
            writer.WriteString("network", network);
        writer.WriteNumber("count", options.Count);
        writer.WriteNumber("interval_ms", (long)(options.Interval * 1000));
        writer.WriteNumber("size", options.Size);
        writer.WriteNumber("wait_ms", (long)(options.Wait * 1000));
    }
}

/// <summary>What has come of a ping.</summary>
internal sealed class PingTally
{
    private double _sum;
    private int _dropped;
    private int _lost;

    /// <summary>Questions whose end is known; one that Ctrl-C left open counts for nothing.</summary>
    public int Sent => Received + _dropped + _lost;

    public int Received { get; private set; }

    public double? Least { get; private set; }

    public double? Most { get; private set; }

    public double? Average => Received > 0 ? _sum / Received : null;

    public double LostPercent => Sent == 0 ? 0 : Math.Round(100.0 * (Sent - Received) / Sent, 1);

    public void Count(JsonElement step)
    {
        string? kind = step.Text("kind");
        _dropped += kind == "dropped" ? 1 : 0;
        _lost += kind == "lost" ? 1 : 0;
        if (kind != "answer" || step.Number("rtt_ms") is not double time)
            return;
        Received++;
        _sum += time;
        Least = Math.Min(Least ?? time, time);
        Most = Math.Max(Most ?? time, time);
    }

    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("kind", "summary");
        writer.WriteNumber("lost_percent", LostPercent);
        writer.WriteNumber("received", Received);
        Number("rtt_avg_ms", Average is double average ? Math.Round(average, 3) : null);
        Number("rtt_max_ms", Most);
        Number("rtt_min_ms", Least);
        writer.WriteNumber("sent", Sent);
        writer.WriteEndObject();

        void Number(string name, double? value)
        {
            if (value is double number)
                writer.WriteNumber(name, number);
            else
                writer.WriteNull(name);
        }
    }
}
