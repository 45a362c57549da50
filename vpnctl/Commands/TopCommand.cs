using System.Globalization;
using System.Text.Json;
using CommandLine;
using VibePN.Vpnctl.Control;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Commands;

/// <summary>Options of <c>top</c>.</summary>
internal sealed class TopOptions : DaemonOptions
{
    [Option("once", HelpText = "Measure once, print it and end; also what happens when the output is no screen.")]
    public bool? Once { get; set; }

    [Option("interval", MetaValue = "SECONDS", Default = 1.0, HelpText = "Between two samples.")]
    public double Interval { get; set; }
}

/// <summary><c>top</c>: the peers and their traffic, busiest first. Rates are those between two samples by the daemon's own clock.</summary>
internal static class TopCommand
{
    // The alternate screen, so that what was there comes back; the cursor away, so that it does not flicker.
    private const string Enter = "\e[?1049h\e[?25l";
    private const string Leave = "\e[?25h\e[?1049l";

    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(100);

    public static int Run(TopOptions options, Terminal terminal)
    {
        if (options.Interval is not (>= 0.05 and <= 60))
            throw new CommandException("--interval takes 0.05 to 60 seconds.", ExitCode.Usage);
        TimeSpan interval = TimeSpan.FromSeconds(options.Interval);
        using ControlClient client = ControlClient.For(options);
        using var interrupt = new Interrupt();
        IReadOnlyList<JsonElement> before = Sample(client);
        if (options.Once is true || options.Json is true || terminal.Height is null)
        {
            if (!Waits(terminal, interval, interrupt.Token))
                return ExitCode.Ok;
            Show(TrafficRate.Between(before, Sample(client)), options.Json is true, terminal);
            return ExitCode.Ok;
        }
        terminal.Out.Write(Enter);
        try
        {
            Watching.Redraw(terminal, to => Show(TrafficRate.Between([], before), json: false, to));
            while (Waits(terminal, interval, interrupt.Token))
            {
                Watching.Redraw(terminal, to =>
                {
                    IReadOnlyList<JsonElement> now = Sample(client);
                    Show(TrafficRate.Between(before, now), json: false, to);
                    before = now;
                });
            }
        }
        finally
        {
            terminal.Out.Write(Leave);
            terminal.Out.Flush();
        }
        return ExitCode.Ok;
    }

    /// <summary>Waits for the next sample.</summary>
    /// <returns>False when the operator has seen enough.</returns>
    private static bool Waits(Terminal terminal, TimeSpan interval, CancellationToken interrupted)
    {
        for (TimeSpan left = interval; left > TimeSpan.Zero; left -= Slice)
        {
            if (terminal.WaitForKey(left < Slice ? left : Slice) is 'q' or 'Q' || interrupted.IsCancellationRequested)
                return false;
        }
        return true;
    }

    private static IReadOnlyList<JsonElement> Sample(ControlClient client)
    {
        JsonElement peers = client.Call("peers");
        return peers.ValueKind == JsonValueKind.Array ? [.. peers.EnumerateArray()] : [];
    }

    private static void Show(IReadOnlyList<TrafficRate> rates, bool json, Terminal terminal)
    {
        if (json)
        {
            JsonView.Write(terminal.Out, writer =>
            {
                writer.WriteStartArray();
                foreach (TrafficRate rate in rates)
                    rate.Write(writer);
                writer.WriteEndArray();
            });
            return;
        }
        terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{rates.Count(rate => rate.State == "up")} of {rates.Count} peers up, receiving {Units.BitRate(rates.Sum(rate => rate.BitsIn ?? 0))}, "
            + $"sending {Units.BitRate(rates.Sum(rate => rate.BitsOut ?? 0))}{(terminal.Height is null ? "" : "; q quits")}"));
        var table = new Table(
            new Column("PEER"), new Column("STATE", 5), new Column("RECEIVING", AlignRight: true), new Column("SENDING", AlignRight: true),
            new Column("PACKETS IN", 1, AlignRight: true), new Column("PACKETS OUT", 1, AlignRight: true), new Column("RTT", 4, AlignRight: true),
            new Column("LOSS", 3, AlignRight: true));
        foreach (TrafficRate rate in rates)
            table.Add(rate.Cells());
        table.Write(terminal);
    }
}

/// <summary>What a peer's traffic was between two samples; null where that cannot be told.</summary>
internal sealed record TrafficRate(string Name, string State, double? BitsIn, double? BitsOut, double? PacketsIn, double? PacketsOut)
{
    private double? RoundTripMs { get; init; }

    private double? LossPermille { get; init; }

    /// <summary>The rates of all peers of the later sample, busiest first.</summary>
    public static IReadOnlyList<TrafficRate> Between(IReadOnlyList<JsonElement> before, IReadOnlyList<JsonElement> after)
    {
        var earlier = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (JsonElement peer in before)
            earlier[peer.Text("name") ?? ""] = peer;
        return
        [
            .. after.Select(peer => Of(earlier.TryGetValue(peer.Text("name") ?? "", out JsonElement known) ? known : default, peer))
                .OrderByDescending(rate => (rate.BitsIn ?? 0) + (rate.BitsOut ?? 0)).ThenBy(rate => rate.Name, StringComparer.Ordinal),
        ];
    }

    public Cell[] Cells() =>
    [
        Escape.Controls(Name), new Cell(Escape.Controls(State), State == "up" ? Tone.Good : Tone.Warning),
        Units.BitRate(BitsIn), Units.BitRate(BitsOut), Units.PerSecond(PacketsIn), Units.PerSecond(PacketsOut),
        Units.Milliseconds(RoundTripMs), Units.Permille(LossPermille),
    ];

    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        Number("loss_permille", LossPermille);
        writer.WriteString("name", Name);
        Number("rtt_ms", RoundTripMs);
        Number("rx_bits_per_s", BitsIn);
        Number("rx_packets_per_s", PacketsIn);
        writer.WriteString("state", State);
        Number("tx_bits_per_s", BitsOut);
        Number("tx_packets_per_s", PacketsOut);
        writer.WriteEndObject();

        void Number(string name, double? value)
        {
            if (value is double number)
                writer.WriteNumber(name, Math.Round(number, 3));
            else
                writer.WriteNull(name);
        }
    }

    private static TrafficRate Of(JsonElement before, JsonElement after)
    {
        // Counters are a connection's: with another one, or another start of the daemon, nothing can be subtracted.
        bool same = before.ValueKind == JsonValueKind.Object && before.Text("since") == after.Text("since");
        double? seconds = same ? (after.Whole("sampled_ms") - before.Whole("sampled_ms")) / 1000.0 : null;
        return new TrafficRate(
            after.Text("name") ?? "", after.Text("state") ?? "", Rate("rx_bytes") * 8, Rate("tx_bytes") * 8, Rate("rx_packets"), Rate("tx_packets"))
        {
            RoundTripMs = after.Number("rtt_ms"),
            LossPermille = after.Number("loss_permille"),
        };

        double? Rate(string name) => seconds > 0 && after.Whole(name) - before.Whole(name) is >= 0 and long grown ? grown / seconds : null;
    }
}
