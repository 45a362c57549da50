using System.Net.Sockets;

namespace VibePN.Testkit;

/// <summary>Clients that dribble, that never read, and that come a thousand at once, until stopped.</summary>
public sealed class BadClients
{
    private readonly string _path;
    private readonly List<Thread> _threads = [];
    private volatile bool _stopping;
    private long _crowds;

    /// <summary>No client yet.</summary>
    /// <param name="path">The socket.</param>
    public BadClients(string path) => _path = path;

    /// <summary>How often the crowd has come.</summary>
    public long Crowds => Interlocked.Read(ref _crowds);

    /// <summary>Clients that send a byte of a request now and then.</summary>
    public void Dribble(int clients) => Begin(() =>
    {
        const string Request = """{"v":1,"id":1,"method":"status","params":{"a":"a long time"}}""";
        List<LineSocket?> open = [.. Enumerable.Repeat<LineSocket?>(null, clients)];
        for (int turn = 0; !_stopping; turn++)
        {
            for (int i = 0; i < clients; i++)
            {
                open[i] ??= TryConnect();
                if (open[i] is { } client && !client.Send([(byte)Request[turn % Request.Length]]))
                {
                    client.Dispose();
                    open[i] = null;
                }
            }
            Thread.Sleep(20);
        }
        open.ForEach(client => client?.Dispose());
    });

    /// <summary>Clients that ask and never read an answer; they come again when they are closed.</summary>
    public void NeverRead(int clients, string request) => Begin(() =>
    {
        List<LineSocket?> open = [.. Enumerable.Repeat<LineSocket?>(null, clients)];
        while (!_stopping)
        {
            for (int i = 0; i < clients; i++)
            {
                bool isNew = open[i] is null;
                open[i] ??= TryConnect();
                // Enough questions that the answers fill every buffer on the way; a blank line finds out who was closed.
                if (open[i] is { } client && !(isNew ? client.Send(string.Join('\n', Enumerable.Repeat(request, 64))) : client.Send("")))
                {
                    client.Dispose();
                    open[i] = null;
                }
            }
            Thread.Sleep(20);
        }
        open.ForEach(client => client?.Dispose());
    });

    /// <summary>A crowd that connects at once, half of it with a question, looks around for a moment, and leaves.</summary>
    public void Crowd(int clients) => Begin(() =>
    {
        while (!_stopping)
        {
            List<LineSocket> open = [];
            for (int i = 0; i < clients && !_stopping; i++)
            {
                if (TryConnect() is not { } client)
                    continue;
                open.Add(client);
                if (i % 2 == 0)
                    client.Send("""{"cmd":"status"}""");
            }
            Thread.Sleep(500);
            open.ForEach(client => client.Dispose());
            Interlocked.Increment(ref _crowds);
        }
    });

    /// <summary>Ends them all.</summary>
    public void Stop()
    {
        _stopping = true;
        _threads.ForEach(thread => thread.Join());
    }

    private void Begin(Action act)
    {
        var thread = new Thread(() => act());
        _threads.Add(thread);
        thread.Start();
    }

    private LineSocket? TryConnect()
    {
        try
        {
            return new LineSocket(_path, receiveBufferBytes: 4096);
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
