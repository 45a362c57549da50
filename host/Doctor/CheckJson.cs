using System.Text.Json;
using VibePN.Host.Control;

namespace VibePN.Host.Doctor;

/// <summary>Checks as JSON.</summary>
internal static class CheckJson
{
    /// <summary>The members of one check.</summary>
    public static void Write(Utf8JsonWriter writer, Check check)
    {
        writer.WriteString("detail", check.Detail);
        writer.WriteNumber("number", check.Number);
        writer.Strings("remedies", check.Remedies);
        writer.WriteString("title", check.Title);
        writer.WriteString("verdict", check.Verdict switch
        {
            CheckVerdict.Pass => "pass",
            CheckVerdict.Warn => "warn",
            _ => "fail",
        });
    }

    /// <summary>What <c>vibepnd --doctor</c> prints: the checks, and where the daemon of this configuration is asked.</summary>
    public static string Report(IEnumerable<Check> checks, string controlSocket)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("checks");
            foreach (Check check in checks)
            {
                writer.WriteStartObject();
                Write(writer, check);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
            writer.WriteString("control_socket", controlSocket);
            writer.WriteEndObject();
        }
        return System.Text.Encoding.UTF8.GetString(buffer.ToArray());
    }
}
