using System.Text.Json;
using VibePN.Engine.Events;
using VibePN.Host.Logging;

namespace VibePN.Host.Control;

/// <summary>Writes the members of an event, their keys sorted.</summary>
internal static class EventJson
{
    /// <summary>An event.</summary>
    public static void Write(Utf8JsonWriter writer, NodeEvent one)
    {
        writer.WriteString("kind", one.Kind);
        writer.WriteString("network", Text(one.Facts.Network));
        writer.WriteString("peer", Text(one.Facts.Peer));
        writer.WriteString("prefix", Text(one.Facts.Prefix));
        writer.WriteString("reason", Text(one.Facts.Reason));
        writer.WriteNumber("seq", one.Seq);
        writer.WriteString("text", LogText.Escape(one.Facts.Text));
        writer.WriteString("time", one.Time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", null));
    }

    private static string? Text(string value) => value.Length == 0 ? null : LogText.Escape(value);
}
