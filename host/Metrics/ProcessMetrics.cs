using System.Diagnostics.Metrics;

namespace VibePN.Host.Metrics;

/// <summary>What the process uses, and how long the garbage collector makes it pause.</summary>
internal static class ProcessMetrics
{
    /// <summary>Makes the instruments.</summary>
    /// <param name="meter">Where they go.</param>
    /// <param name="time">For the moment of the start.</param>
    public static void Publish(Meter meter, TimeProvider time)
    {
        double began = time.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;
        meter.CreateObservableGauge("vibepn_start_time", () => began, "s", "When the daemon started, in seconds since 1970.");
        meter.CreateObservableCounter(
            "vibepn_cpu", () => Environment.CpuUsage.TotalTime.TotalSeconds, "s", "Processor time used, all threads together.");
        meter.CreateObservableGauge(
            "vibepn_resident_memory", () => Environment.WorkingSet, "By", "Memory of the process that is in RAM.");
        meter.CreateObservableGauge(
            "vibepn_gc_heap", () => GC.GetGCMemoryInfo().HeapSizeBytes, "By", "Managed memory after the last collection.");
        meter.CreateObservableCounter(
            "vibepn_gc_pause", () => GC.GetTotalPauseDuration().TotalSeconds, "s", "How long garbage collections have stopped all threads.");
        meter.CreateObservableCounter("vibepn_gc_collections", Collections, "{collection}", "Garbage collections by generation.");
    }

    private static IEnumerable<Measurement<int>> Collections()
    {
        for (int generation = 0; generation <= GC.MaxGeneration; generation++)
        {
            // The runtime counts a collection of an older generation among those of the younger ones, too.
            int younger = generation < GC.MaxGeneration ? GC.CollectionCount(generation + 1) : 0;
            yield return new Measurement<int>(
                GC.CollectionCount(generation) - younger, new KeyValuePair<string, object?>("generation", generation));
        }
    }
}
