using System.Diagnostics;
using System.Globalization;

namespace VibePN.Testkit;

/// <summary>Everything that is bad for a control socket at the same time, and two clients that ask for the status meanwhile.</summary>
/// <param name="path">The socket.</param>
public sealed class ControlLoad(string path)
{
    private const int Fuzzers = 4;

    /// <summary>Those who ask: one keeps its connection, one has a new one for each question.</summary>
    public IReadOnlyList<StatusAsker> Askers { get; private set; } = [];

    /// <summary>What was done and how long answers took, for people.</summary>
    public string Report { get; private set; } = "";

    /// <summary>Runs until so many odd requests have been sent.</summary>
    /// <param name="requests">A multiple of 128.</param>
    /// <param name="crowd">Clients that come at once, again and again.</param>
    /// <param name="greedy">What clients ask who never read an answer.</param>
    public void Run(long requests, int crowd, params string[] greedy)
    {
        // Those who ask come first: what is measured is the daemon, not how this process compiles their code, and the
        // moment in which everybody else comes is measured too.
        Askers = [new(path, keepsConnection: true), new(path, keepsConnection: false)];
        foreach (StatusAsker asker in Askers)
            asker.AwaitFirst();
        var bad = new BadClients(path);
        bad.Dribble(40);
        foreach (string request in greedy)
            bad.NeverRead(20, request);
        bad.Crowd(crowd);
        var clock = Stopwatch.StartNew();
        RequestFuzzer[] fuzzers = [.. Enumerable.Range(1, Fuzzers).Select(seed => new RequestFuzzer(path, seed))];
        RunAll(fuzzers, requests / Fuzzers);
        foreach (StatusAsker asker in Askers)
            asker.Stop();
        bad.Stop();
        Report = string.Create(CultureInfo.InvariantCulture,
            $"{fuzzers.Sum(each => each.Sent)} odd requests on {fuzzers.Sum(each => each.Connections)} connections in {clock.Elapsed.TotalSeconds:0.0} s, "
            + $"{fuzzers.Sum(each => each.Lines)} lines back, {bad.Crowds} crowds of {crowd}")
            + "\n" + string.Join('\n', Askers.SelectMany(asker => asker.Failures.Take(3).Prepend(asker.ToString())));
    }

    // Threads of their own: the pool's may be the server's. What one of them throws is thrown here.
    private static void RunAll(RequestFuzzer[] fuzzers, long requests)
    {
        Exception? failure = null;
        Thread[] threads = [.. fuzzers.Select(fuzzer => new Thread(() =>
        {
            try
            {
                fuzzer.Run(requests);
            }
            catch (Exception error)
            {
                failure = error;
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        if (failure is not null)
            throw new InvalidOperationException("A client of the control socket failed.", failure);
    }
}
