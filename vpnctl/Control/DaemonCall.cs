using System.Text.Json;
using VibePN.Vpnctl.Commands;

namespace VibePN.Vpnctl.Control;

/// <summary>One question over a connection of its own, for commands that ask now and then.</summary>
internal static class DaemonCall
{
    /// <summary>Asks the daemon that the options name.</summary>
    /// <param name="options">The socket and the patience.</param>
    /// <param name="method">The method.</param>
    /// <param name="writeParameters">Writes its parameters; null for none.</param>
    /// <exception cref="CommandException">The daemon cannot be reached, refuses, or fails.</exception>
    public static JsonElement Ask(DaemonOptions options, string method, Action<Utf8JsonWriter>? writeParameters = null)
    {
        using ControlClient client = ControlClient.For(options);
        return client.Call(method, writeParameters ?? (_ => { }));
    }
}
