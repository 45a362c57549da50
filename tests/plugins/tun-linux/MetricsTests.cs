using System.Diagnostics.Metrics;
using VibePN.Contracts;

namespace VibePN.Plugins.TunLinux.Tests;

/// <summary>What the operator's graphs are made of.</summary>
public sealed class MetricsTests : TunTest
{
    [Fact]
    public void Packets_are_counted_by_network_and_device()
    {
        using LinuxTunDevice device = Open();
        using PacketBatch batch = NewBatch();
        batch.TryAdd(Packets.Echo4("10.77.0.9", "10.77.0.1", payload: 72));
        batch.TryAdd([0xFF]);
        device.Write(batch, 0, 2);
        ReadPacket(device, batch, Packets.IsEchoReply);
        Assert.Equal(
            [
                "vibepn_tun_oversize_packets{network=corp,device=vpn0} 0",
                "vibepn_tun_read_bytes{network=corp,device=vpn0} 100",
                "vibepn_tun_read_packets{network=corp,device=vpn0} 1",
                "vibepn_tun_refused_packets{network=corp,device=vpn0} 1",
                "vibepn_tun_super_packets_joined{network=corp,device=vpn0} 0",
                "vibepn_tun_super_packets_read{network=corp,device=vpn0} 0",
                "vibepn_tun_written_bytes{network=corp,device=vpn0} 100",
                "vibepn_tun_written_packets{network=corp,device=vpn0} 1",
            ],
            Collect());
    }

    [Fact]
    public void Closed_device_is_counted_no_more()
    {
        Open().Dispose();
        Assert.Empty(Collect());
    }

    private List<string> Collect()
    {
        var lines = new List<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter == Meter)
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => lines.Add(
            $"{instrument.Name}{{{string.Join(',', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))}}} {value}"));
        listener.Start();
        listener.RecordObservableInstruments();
        lines.Sort(StringComparer.Ordinal);
        return lines;
    }
}
