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

    public static string BadRequest(string detail) => "bad request: " + detail;
}
