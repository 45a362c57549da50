using VibePN.Contracts;

namespace VibePN.Plugins.ControlUnix;

/// <summary>The error texts that clients recognise by how they begin.</summary>
internal static class ErrorText
{
    // A hostile name must not make the answer long.
    private const int MaxEcho = 128;

    public static string UnknownCommand(string command) =>
        "unknown command: " + (command.Length <= MaxEcho ? command : command[..MaxEcho] + "...");

    public static string NotAuthorised(string detail) => "not authorised: " + detail;

    public static string TimedOut(string detail) => "timed out: " + detail;

    /// <summary>What kind of failure it is, where a client acts on it and the sentence does not begin with it.</summary>
    public static string? CodeOf(ControlError error) => error == ControlError.InvalidConfig ? "invalid_config" : null;

    public static string BadRequest(string detail) => "bad request: " + detail;
}
