using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using VibePN.Contracts;

namespace VibePN.Plugins.TrustTofu;

/// <summary>The store file: one header line, then JSON.</summary>
/// <remarks>
/// <para>
/// Header: <c>vibepn-trust 1 CHECKSUM</c> and a newline, where CHECKSUM is the SHA-256 of all bytes behind that
/// newline, as 64 lower-case digits. So a file cut short or altered anywhere is told from a whole one.
/// </para>
/// <para>
/// Body: an object with the arrays <c>pins</c> (peer, certificate, public_key, since, how) and <c>denied</c>
/// (subject, public_key, since). Fingerprints are 64 digits, empty where unknown; times are RFC 3339 in UTC.
/// </para>
/// </remarks>
internal static class PinFile
{
    /// <summary>The longest file read: both lists full of the longest names fit.</summary>
    public const int MaxBytes = 8 * 1024 * 1024;

    private const string Magic = "vibepn-trust ";
    private const string Version = "1";
    private const int ChecksumDigits = 2 * SHA256.HashSizeInBytes;

    private static readonly JsonWriterOptions Layout = new() { Indented = true };

    public static byte[] Encode(PinSet pins)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body, Layout))
        {
            json.WriteStartObject();
            WritePins(json, pins);
            WriteDenials(json, pins);
            json.WriteEndObject();
        }
        byte[] header = Encoding.ASCII.GetBytes($"{Magic}{Version} {Checksum(body.WrittenSpan)}\n");
        return [.. header, .. body.WrittenSpan];
    }

    /// <summary>Reads a file.</summary>
    /// <param name="file">Any bytes.</param>
    /// <param name="fault">What is wrong, as the end of a sentence.</param>
    /// <returns>Null when the file is not exactly one that <see cref="Encode"/> can have written.</returns>
    public static PinSet? Decode(ReadOnlyMemory<byte> file, out string fault)
    {
        fault = "it is damaged";
        int headerLength = file.Span.IndexOf((byte)'\n');
        if (headerLength is < 0 or > 128)
            return null;
        string header = Encoding.ASCII.GetString(file.Span[..headerLength]);
        string[] parts = header.StartsWith(Magic, StringComparison.Ordinal) ? header[Magic.Length..].Split(' ') : [];
        if (parts.Length != 2)
            return null;
        ReadOnlyMemory<byte> body = file[(headerLength + 1)..];
        if (parts[1].Length != ChecksumDigits || parts[1] != Checksum(body.Span))
            return null;
        if (parts[0] != Version)
        {
            fault = $"its format {parts[0]} is not the format {Version} that this version reads";
            return null;
        }
        try
        {
            using JsonDocument json = JsonDocument.Parse(body);
            return Read(json.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            // The checksum is right but the content is not ours: treated as any other damage.
            fault = "its content is not a list of pins";
            return null;
        }
    }

    private static void WritePins(Utf8JsonWriter json, PinSet pins)
    {
        json.WriteStartArray("pins");
        foreach (Pin pin in pins.Pins)
        {
            json.WriteStartObject();
            json.WriteString("peer", pin.Peer);
            json.WriteString("certificate", Text(pin.Certificate));
            json.WriteString("public_key", Text(pin.PublicKey));
            json.WriteString("since", Text(pin.Since));
            json.WriteString("how", pin.How);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteDenials(Utf8JsonWriter json, PinSet pins)
    {
        json.WriteStartArray("denied");
        foreach (Denial denial in pins.Denials)
        {
            json.WriteStartObject();
            json.WriteString("subject", Text(denial.Subject));
            json.WriteString("public_key", Text(denial.PublicKey));
            json.WriteString("since", Text(denial.Since));
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static PinSet Read(JsonElement root)
    {
        var pins = new Dictionary<string, Pin>(StringComparer.Ordinal);
        foreach (JsonElement item in root.GetProperty("pins").EnumerateArray())
        {
            var pin = new Pin(String(item, "peer"), Named(item, "certificate"), Optional(item, "public_key"),
                Time(item, "since"), String(item, "how"));
            if (pin.Peer.Length is 0 or > PinSet.MaxNameLength || !pins.TryAdd(pin.Peer, pin))
                throw new FormatException("A peer's name is empty, too long, or stands twice.");
        }
        var denials = new List<Denial>();
        foreach (JsonElement item in root.GetProperty("denied").EnumerateArray())
            denials.Add(new Denial(Named(item, "subject"), Optional(item, "public_key"), Time(item, "since")));
        return new PinSet(pins.Values, denials);
    }

    private static string String(JsonElement item, string name) =>
        item.GetProperty(name).GetString() ?? throw new FormatException($"'{name}' is null.");

    private static Fingerprint Named(JsonElement item, string name) => Fingerprint.Parse(String(item, name));

    private static Fingerprint Optional(JsonElement item, string name) =>
        String(item, name).Length == 0 ? default : Named(item, name);

    private static DateTimeOffset Time(JsonElement item, string name) => DateTimeOffset.ParseExact(
        String(item, name), "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    private static string Text(Fingerprint fingerprint) => fingerprint.IsEmpty ? "" : fingerprint.ToString();

    private static string Text(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static string Checksum(ReadOnlySpan<byte> body) => Convert.ToHexStringLower(SHA256.HashData(body));
}
