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
