using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using VibePN.Contracts;
using VibePN.Host.Logging;
using VibePN.Host.Native;

namespace VibePN.Host.Control;

/// <summary>Who ordered what and what became of it: <c>audit.log</c> in the state directory, one JSON object a line.</summary>
/// <remarks>
/// Only appended to, for the owner only, synchronised line by line. At <see cref="MaxBytes"/> it is renamed to
/// <c>audit.log.1</c>; <see cref="Kept"/> old ones are kept. A line that cannot be written never keeps an order from being
/// carried out: whoever fills the disk must not be able to keep the operator out. It is said in the log and in status, and the
/// next line that can be written says how many are missing. Any thread.
/// </remarks>
/// <param name="folder">The state directory.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Told when writing begins to fail, and when it works again.</param>
/// <param name="calls">The kernel, or what a test puts in its place.</param>
internal sealed class AuditLog(string folder, TimeProvider time, ILogger logger, IFileCalls calls)
{
    /// <summary>The file's name.</summary>
    public const string FileName = "audit.log";

    /// <summary>A file does not grow beyond this.</summary>
    public const int MaxBytes = 4 << 20;

    /// <summary>Old files that are kept.</summary>
    public const int Kept = 4;

    private const int ENOENT = 2;
    private const int EINTR = 4;
    private const int MostInterruptions = 16;

    private readonly Lock _writing = new();
    private readonly string _path = Path.Combine(folder, FileName);
    private long _missing;
    private volatile string? _fault;

    /// <summary>The audit log of a state directory on this machine's disk.</summary>
    public AuditLog(string folder, TimeProvider time, ILogger logger)
        : this(folder, time, logger, KernelFiles.Instance)
    {
    }

    /// <summary>Why lines are not written now, in one sentence; null when they are.</summary>
    public string? Fault => _fault;

    /// <summary>Writes a line. Throws nothing.</summary>
    public void Write(AuditLine line)
    {
        lock (_writing)
        {
            try
            {
                byte[] bytes = Encode(line, _missing);
                MakeRoom(bytes.Length);
                Append(bytes);
                if (_missing > 0)
                    Log.AuditWrittenAgain(logger, _missing);
                (_missing, _fault) = (0, null);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                _missing++;
                string fault = $"audit log '{_path}' cannot be written: {exception.Message.TrimEnd('.')}. "
                    + "Orders are carried out without a line there until it can be";
                if (_fault != fault)
                    Log.AuditFailed(logger, fault);
                _fault = fault;
            }
        }
    }

    private byte[] Encode(AuditLine line, long missing)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("time", time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
            json.WriteString("principal", LogText.Escape(line.Principal));
            json.WriteString("method", LogText.Escape(line.Method));
            json.WriteStartObject("parameters");
            foreach ((string name, string value) in line.Parameters)
                json.WriteString(name, value);
            json.WriteEndObject();
            json.WriteString("outcome", line.Outcome);
            json.WriteString("message", AuditLine.Shorten(line.Message));
            if (missing > 0)
                json.WriteNumber("missing_before", missing);
            json.WriteEndObject();
        }
        return [.. buffer.WrittenSpan, (byte)'\n'];
    }

    private void MakeRoom(int bytes)
    {
        var file = new FileInfo(_path);
        if (!file.Exists || file.Length + bytes <= MaxBytes)
            return;
        for (int i = Kept - 1; i >= 1; i--)
            Check(calls.Rename($"{_path}.{i}", $"{_path}.{i + 1}"), allowed: ENOENT);
        Check(calls.Rename(_path, $"{_path}.1"), allowed: 0);
    }

    private void Append(byte[] line)
    {
        int found = calls.TryStat(_path, followLinks: false, out FileFacts facts);
        Check(found, allowed: ENOENT);
        if (found >= 0 && !facts.IsRegularFile)
            throw new IOException($"{_path} is no regular file. Move it away");
        if (found >= 0 && FileGuard.WhyExposed(_path, calls) is { } reason)
            throw new IOException(reason);
        bool isTorn = found >= 0 && EndsInside();
        IFileHandle? file = null;
        Check(Uninterrupted(() => calls.TryAppend(_path, out file)), allowed: 0);
        using (file)
        {
            // What a full disk or a crash cut short must not swallow the line that follows it.
            WriteAll(file!, isTorn ? [(byte)'\n', .. line] : line);
            Check(Uninterrupted(file!.Sync), allowed: 0);
        }
    }

    private bool EndsInside()
    {
        using var file = new FileStream(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (file.Length == 0)
            return false;
        file.Seek(-1, SeekOrigin.End);
        return file.ReadByte() != '\n';
    }

    private static void WriteAll(IFileHandle file, byte[] bytes)
    {
        int done = 0;
        while (done < bytes.Length)
        {
            int from = done;
            int written = Uninterrupted(() => file.Write(bytes.AsSpan(from)));
            Check(written, allowed: 0);
            if (written == 0)
                throw new IOException("the disk takes no more");
            done += written;
        }
    }

    private static int Uninterrupted(Func<int> call)
    {
        int result = call();
        for (int i = 0; i < MostInterruptions && result == -EINTR; i++)
            result = call();
        return result;
    }

    private static void Check(int result, int allowed)
    {
        if (result < 0 && result != -allowed)
            throw new IOException(Marshal.GetPInvokeErrorMessage(-result));
    }
}

/// <summary>An order and its outcome.</summary>
/// <param name="Principal">Who, such as <c>uid 0 pid 1234</c>, or the name of a signal.</param>
/// <param name="Method">What was ordered.</param>
/// <param name="Parameters">How, without secrets; bounded and fit to be shown.</param>
/// <param name="Outcome"><c>ok</c>, <c>cancelled</c>, or the kind of failure.</param>
/// <param name="Message">The failure's sentence, or empty.</param>
internal sealed record AuditLine(
    string Principal, string Method, IReadOnlyList<KeyValuePair<string, string>> Parameters, string Outcome, string Message)
{
    private const int LongestText = 512;

    /// <summary>The line of a call.</summary>
    /// <param name="method">What was called.</param>
    /// <param name="call">By whom and how.</param>
    /// <param name="reply">The last answer; null when the caller left before there was one.</param>
    public static AuditLine Of(ControlMethod method, ControlCall call, ControlReply? reply) => new(
        call.Principal.Name,
        method.Name,
        [.. Given(method, call)],
        reply is null ? "cancelled" : reply.Error == ControlError.None ? "ok" : JsonNamingPolicy.SnakeCaseLower.ConvertName(reply.Error.ToString()),
        reply?.Message ?? "");

    /// <summary>Text of bounded length that cannot move a terminal's cursor.</summary>
    public static string Shorten(string text) => LogText.Escape(text, LongestText);

    // What the method does not know is named nowhere: a caller could put a secret there, or a megabyte.
    private static IEnumerable<KeyValuePair<string, string>> Given(ControlMethod method, ControlCall call)
    {
        if (call.Parameters.ValueKind != JsonValueKind.Object)
            yield break;
        foreach (ControlField field in method.Parameters)
        {
            if (!call.Parameters.TryGetProperty(field.Name, out JsonElement value))
                continue;
            string text = field.Secret ? "(secret)"
                : value.ValueKind == JsonValueKind.String ? TextOf(value) : value.GetRawText();
            yield return KeyValuePair.Create(field.Name, Shorten(text));
        }
    }

    private static string TextOf(JsonElement value)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair, written as an escape.
            return value.GetRawText();
        }
    }
}
