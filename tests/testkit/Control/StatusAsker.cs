using System.Diagnostics;
using System.Net.Sockets;

namespace VibePN.Testkit;

/// <summary>Asks a control socket for <c>status</c> at a steady pace and notes how long each answer takes.</summary>
public sealed class StatusAsker
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private readonly string _path;
    private readonly bool _keepsConnection;
    private readonly Thread _thread;
    private readonly List<double> _times = [];
    private readonly List<string> _failures = [];
    private readonly TaskCompletionSource _asked = new();
    private volatile bool _stopping;

    /// <summary>Begins to ask.</summary>
    /// <param name="path">The socket.</param>
    /// <param name="keepsConnection">Whether one connection carries all questions; otherwise each has its own.</param>
    public StatusAsker(string path, bool keepsConnection)
    {
        _path = path;
        _keepsConnection = keepsConnection;
        _thread = new Thread(Run);
        _thread.Start();
    }

    /// <summary>How long the answers took, ms, in the order of the questions. After <see cref="Stop"/>.</summary>
    public IReadOnlyList<double> Times => _times;

    /// <summary>What was no answer. After <see cref="Stop"/>.</summary>
    public IReadOnlyList<string> Failures => _failures;

    /// <summary>The slowest answer, ms.</summary>
    public double Worst => _times.DefaultIfEmpty().Max();

    /// <summary>Waits until the first question has its answer or its failure.</summary>
    public void AwaitFirst() => _asked.Task.Wait();

    /// <summary>Ends the questions.</summary>
    public void Stop()
    {
        _stopping = true;
        _thread.Join();
    }

    /// <summary>A line for people.</summary>
    public override string ToString()
    {
        double[] sorted = [.. _times.Order()];
        double At(double share) => sorted.Length == 0 ? double.NaN : sorted[(int)(share * (sorted.Length - 1))];
        return $"{sorted.Length} answers {(_keepsConnection ? "on one connection" : "on a connection each")}: "
            + $"median {At(0.5):0.00} ms, 99 % {At(0.99):0.00} ms, worst {At(1):0.00} ms; above 100 ms: {Slow()}; {_failures.Count} not answered";
    }

    private string Slow()
    {
        string[] slow = [.. _times.Index().Where(each => each.Item > 100).Select(each => $"{each.Item:0} ms (question {each.Index + 1})")];
        return slow.Length == 0 ? "none" : $"{slow.Length}, such as {string.Join(", ", slow.Take(5))}";
    }

    private void Run()
    {
        LineSocket? kept = null;
        while (!_stopping)
        {
            long began = Stopwatch.GetTimestamp();
            try
            {
                kept ??= new LineSocket(_path);
                kept.Send("""{"v":1,"id":1,"method":"status"}""");
                ReadOnlySpan<byte> line = kept.Read();
                if (line.IndexOf("\"ok\":true"u8) >= 0)
                    _times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
                else
                    throw new InvalidOperationException(line.IsEmpty ? "closed" : System.Text.Encoding.UTF8.GetString(line));
            }
            catch (Exception error) when (error is SocketException or TimeoutException or InvalidOperationException)
            {
                _failures.Add($"after {Stopwatch.GetElapsedTime(began).TotalMilliseconds:0} ms: {error.Message}");
                kept?.Dispose();
                kept = null;
            }
            _asked.TrySetResult();
            if (!_keepsConnection)
            {
                kept?.Dispose();
                kept = null;
            }
            TimeSpan rest = Interval - Stopwatch.GetElapsedTime(began);
            if (rest > TimeSpan.Zero)
                Thread.Sleep(rest);
        }
        kept?.Dispose();
    }
}
