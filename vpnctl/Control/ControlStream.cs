using System.Text.Json;
using VibePN.Vpnctl.Commands;

namespace VibePN.Vpnctl.Control;

/// <summary>Methods of the daemon that answer more than once.</summary>
internal static class ControlStream
{
    /// <summary>Runs a method and gives its answers as they come.</summary>
    /// <param name="options">Which daemon.</param>
    /// <param name="method">The method.</param>
    /// <param name="writeParameters">Writes them as members of the request.</param>
    /// <param name="endless">Whether it may take as long as it likes; otherwise the timeout holds.</param>
    /// <exception cref="CommandException">The daemon cannot be reached, refuses, or fails.</exception>
    public static IEnumerable<JsonElement> Open(
        DaemonOptions options, string method, Action<Utf8JsonWriter> writeParameters, bool endless)
    {
        _ = endless;
        JsonElement answers = ControlClient.For(options).Call(method, writeParameters);
        return answers.ValueKind == JsonValueKind.Array ? [.. answers.EnumerateArray()] : [answers];
    }
}
