using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using VibePN.Contracts;
using VibePN.Host.Native;
using VibePN.Host.Plugins;

namespace VibePN.Host.Enrolment;

/// <summary>The file <c>enrolment/enrolled.json</c> in the state directory: read whole or not at all, replaced in one step.</summary>
/// <remarks>An unreadable file is never taken for an empty one: nobody new is let in then.</remarks>
internal sealed class EnrolmentStore(PluginStore store)
{
    private const string FileName = "enrolled.json";
    private const int MaxBytes = 4 << 20;
    private const int Version = 1;
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    /// <summary>The store in a daemon's state directory.</summary>
    public static EnrolmentStore In(string stateDirectory, IFileCalls? calls = null) => new(
        new PluginStore(Path.Combine(stateDirectory, StateFolders.Enrolment), calls ?? KernelFiles.Instance));

    /// <summary>The file, for messages.</summary>
    public string Location => Path.Combine(store.Location, FileName);

    /// <summary>Reads the file; an empty book when there is none.</summary>
    /// <exception cref="IOException">It cannot be read, or makes no sense.</exception>
    public EnrolmentBook Read()
    {
        byte[]? bytes = store.Read(FileName, MaxBytes);
        if (bytes is null)
            return EnrolmentBook.Empty;
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes);
            return ReadBook(document.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or FormatException or InvalidOperationException
            or KeyNotFoundException or ArgumentException)
        {
            throw new IOException($"{Location} is damaged ({exception.Message}). Restore it from a backup, or move it away "
                + "and invite its peers anew.");
        }
    }

    /// <summary>Replaces the file, so that a crash at any instant leaves the old book or this one.</summary>
    /// <exception cref="IOException">It could not be made durable.</exception>
    public void Write(EnrolmentBook book)
    {
        var buffer = new ArrayBufferWriter<byte>(4_096);
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
            WriteBook(writer, book);
        if (buffer.WrittenCount > MaxBytes)
            throw new IOException($"{Location} would be longer than {MaxBytes >> 20} MiB.");
        store.Write(FileName, buffer.WrittenSpan);
    }

    private static void WriteBook(Utf8JsonWriter writer, EnrolmentBook book)
    {
        writer.WriteStartObject();
        writer.WriteNumber("version", Version);
        writer.WriteStartArray("invites");
        foreach (InviteRecord invite in book.Invites)
        {
            writer.WriteStartObject();
            writer.WriteString("id", invite.Id);
            writer.WriteString("network", invite.Network);
            writer.WriteString("secret", invite.Secret);
            writer.WriteString("created", Text(invite.Created));
            writer.WriteString("not_after", Text(invite.NotAfter));
            writer.WriteString("state", invite.State.ToString());
            writer.WriteNumber("bad_proofs", invite.BadProofs);
            if (invite.UsedBy is { } user)
                writer.WriteString("used_by", user.ToString());
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteStartArray("peers");
        foreach (EnrolledPeer peer in book.Peers)
        {
            writer.WriteStartObject();
            writer.WriteString("name", peer.Name);
            writer.WriteString("fingerprint", peer.Fingerprint.ToString());
            writer.WriteStartArray("networks");
            foreach (string network in peer.Networks)
                writer.WriteStringValue(network);
            writer.WriteEndArray();
            writer.WriteString("since", Text(peer.Since));
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static EnrolmentBook ReadBook(JsonElement root)
    {
        if (root.GetProperty("version").GetInt32() != Version)
            throw new FormatException($"its version is not {Version}");
        ImmutableArray<InviteRecord> invites = [.. root.GetProperty("invites").EnumerateArray().Select(ReadInvite)];
        ImmutableArray<EnrolledPeer> peers = [.. root.GetProperty("peers").EnumerateArray().Select(ReadPeer)];
        if (invites.DistinctBy(invite => invite.Id).Count() != invites.Length
            || peers.DistinctBy(peer => peer.Fingerprint).Count() != peers.Length)
            throw new FormatException("an invite or a peer stands twice");
        return new EnrolmentBook(invites, peers);
    }

    private static InviteRecord ReadInvite(JsonElement element) => new()
    {
        Id = Hex(element, "id"),
        Network = Text(element, "network"),
        Secret = Hex(element, "secret"),
        Created = Time(element, "created"),
        NotAfter = Time(element, "not_after"),
        State = Enum.Parse<InviteState>(Text(element, "state")),
        BadProofs = element.GetProperty("bad_proofs").GetInt32(),
        UsedBy = element.TryGetProperty("used_by", out JsonElement user) ? Fingerprint.Parse(user.GetString() ?? "") : null,
    };

    private static EnrolledPeer ReadPeer(JsonElement element) => new(
        Text(element, "name"),
        Fingerprint.Parse(Text(element, "fingerprint")),
        [.. element.GetProperty("networks").EnumerateArray().Select(network => network.GetString() ?? throw new FormatException("a network has no name"))],
        Time(element, "since"));

    private static string Text(JsonElement element, string name) =>
        element.GetProperty(name).GetString() is { Length: > 0 and <= 128 } text ? text : throw new FormatException($"'{name}' is empty or too long");

    private static string Hex(JsonElement element, string name)
    {
        string text = Text(element, name);
        return Convert.FromHexString(text).Length == Invites.Invite.SecretBytes ? text : throw new FormatException($"'{name}' has a wrong length");
    }

    private static DateTimeOffset Time(JsonElement element, string name) => DateTimeOffset.ParseExact(
        Text(element, name), TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture);
}
