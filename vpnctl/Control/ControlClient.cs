using System.Net.Sockets;
using System.Text.Json;
using VibePN.Vpnctl.Commands;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Control;

/// <summary>Asks the daemon over its control socket: one connection per question.</summary>
/// <param name="path">The socket.</param>
/// <param name="timeout">For the whole exchange.</param>
internal sealed class ControlClient(string path, TimeSpan timeout)
{
    public const string DefaultPath = "/run/vibepn/vibepn.sock";

    // Where the predecessor's daemon had it.
    private const string OldPath = "/var/run/vibepn.sock";

    // More than any answer needs, and less than hurts.
    private const int MaxAnswer = 64 << 20;

    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(20);

    /// <summary>The client that the options ask for.</summary>
    /// <exception cref="CommandException">The timeout makes no sense.</exception>
    public static ControlClient For(DaemonOptions options)
    {
        if (options.Timeout is < 1 or > 3600)
            throw new CommandException("--timeout takes 1 to 3600 seconds.", ExitCode.Usage);
        string standard = !File.Exists(DefaultPath) && File.Exists(OldPath) ? OldPath : DefaultPath;
        return new ControlClient(options.Socket ?? standard, TimeSpan.FromSeconds(options.Timeout));
    }

    /// <summary>Runs a method of the daemon.</summary>
    /// <returns>Its output; undefined when it has none.</returns>
    /// <exception cref="CommandException">The daemon cannot be reached, refuses, or fails.</exception>
    public JsonElement Call(string method) => Call(method, _ => { });

    /// <summary>Runs a method of the daemon with parameters.</summary>
    /// <param name="method">The method.</param>
    /// <param name="writeParameters">Writes them as members of the request.</param>
    /// <returns>Its output; undefined when it has none.</returns>
    /// <exception cref="CommandException">The daemon cannot be reached, refuses, or fails.</exception>
    public JsonElement Call(string method, Action<Utf8JsonWriter> writeParameters)
    {
        byte[] answer;
        using var deadline = new CancellationTokenSource(timeout);
        try
        {
            answer = ExchangeAsync(Request(method, writeParameters), deadline.Token).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            throw new CommandException(
                $"vibepnd did not answer '{method}' within {timeout.TotalSeconds} s ({Escape.Controls(path)}). "
                + "See its log, or give it longer with --timeout.",
                ExitCode.TimedOut);
        }
        catch (SocketException error)
        {
            throw Explain(error);
        }
        return Unwrap(answer);
    }

    private static byte[] Request(string method, Action<Utf8JsonWriter> writeParameters)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("cmd", method);
            writeParameters(writer);
            writer.WriteEndObject();
        }
        buffer.WriteByte((byte)'\n');
        return buffer.ToArray();
    }

    private async Task<byte[]> ExchangeAsync(byte[] request, CancellationToken cancellationToken)
    {
        using Socket socket = await ConnectAsync(cancellationToken);
        try
        {
            for (ReadOnlyMemory<byte> rest = request; rest.Length > 0;)
                rest = rest[await socket.SendAsync(rest, cancellationToken)..];
        }
        catch (SocketException error)
            when (error.SocketErrorCode is SocketError.Shutdown or SocketError.ConnectionReset)
        {
            // The daemon refused before it read; why it did is waiting to be read.
        }
        using var answer = new MemoryStream();
        byte[] buffer = new byte[16384];
        while (true)
        {
            int received = await ReceiveAsync(socket, buffer, cancellationToken);
            if (received == 0)
                return answer.ToArray();
            answer.Write(buffer, 0, received);
            if (answer.Length > MaxAnswer)
                throw new CommandException($"vibepnd's answer is longer than {MaxAnswer >> 20} MiB ({Escape.Controls(path)}).");
        }
    }

    private static async Task<int> ReceiveAsync(Socket socket, byte[] buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await socket.ReceiveAsync(buffer, cancellationToken);
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionReset)
        {
            // Linux reports this after the last byte when the daemon closed without reading everything.
            return 0;
        }
    }

    private async Task<Socket> ConnectAsync(CancellationToken cancellationToken)
    {
        UnixDomainSocketEndPoint endpoint = EndPoint();
        while (true)
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(endpoint, cancellationToken);
                return socket;
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.WouldBlock)
            {
                // The daemon's queue of waiting clients is full; it drains.
                socket.Dispose();
                await Task.Delay(RetryInterval, cancellationToken);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
    }

    private UnixDomainSocketEndPoint EndPoint()
    {
        try
        {
            return new UnixDomainSocketEndPoint(path);
        }
        catch (ArgumentException)
        {
            throw new CommandException(
                $"'{Escape.Controls(path)}' cannot be a socket's path: it is empty or longer than 107 bytes.",
                ExitCode.Usage);
        }
    }

    private CommandException Explain(SocketException error)
    {
        string shown = Escape.Controls(path);
        if (error.SocketErrorCode == SocketError.AccessDenied)
            return new CommandException(
                $"You may not use {shown}. Run vpnctl as root, or as a member of the socket's group.",
                ExitCode.NotAuthorised);
        string cause = File.Exists(path)
            ? $"nobody answers on {shown} ({error.Message})"
            : $"there is no socket {shown}";
        return new CommandException(
            $"vibepnd cannot be reached: {cause}. Is vibepnd running? Another socket is chosen with --socket PATH.",
            ExitCode.Unreachable);
    }

    private JsonElement Unwrap(byte[] answer)
    {
        if (answer.Length == 0)
            throw new CommandException($"vibepnd closed the connection without an answer ({Escape.Controls(path)}). See its log.");
        try
        {
            using JsonDocument document = JsonDocument.Parse(answer);
            JsonElement root = document.RootElement;
            if (root.Text("status") == "ok")
                return root.TryGetProperty("output", out JsonElement output) ? output.Clone() : default;
            throw Refusal(root.Text("error") ?? "vibepnd gave no reason", root.Text("code"));
        }
        catch (JsonException)
        {
            throw new CommandException($"What answers on {Escape.Controls(path)} does not speak vibepnd's protocol.");
        }
    }

    private static CommandException Refusal(string error, string? kind)
    {
        int code = kind == "invalid_config" ? ExitCode.CheckFailed
            : error.StartsWith("not authorised: ", StringComparison.Ordinal) ? ExitCode.NotAuthorised
            : error.StartsWith("timed out: ", StringComparison.Ordinal) ? ExitCode.TimedOut
            : ExitCode.Failed;
        return new CommandException(Escape.ControlsButNewlines(error), code);
    }
}
