using VibePN.Contracts;

namespace VibePN.Plugins.ControlUnix;

/// <summary>The error texts that clients recognise by how they begin, and the codes of version 1.</summary>
internal static class ErrorText
{
    // A hostile name must not make the answer long.
    private const int MaxEcho = 128;

    public static string UnknownCommand(string command) => "unknown command: " + Short(command);

    public static string NotAuthorised(string detail) => "not authorised: " + detail;

    public static string TimedOut(string detail) => "timed out: " + detail;

    public static string BadRequest(string detail) => "bad request: " + detail;

    public static string Unavailable(string detail) => "unavailable: " + detail;

    /// <summary>A name from a request, cut to a harmless length.</summary>
    public static string Short(string name) => name.Length <= MaxEcho ? name : name[..MaxEcho] + "...";

    /// <summary>What kind of failure it is, where an old client acts on it and the sentence does not begin with it.</summary>
    public static string? CodeOf(ControlError error) => error == ControlError.InvalidConfig ? "invalid_config" : null;

    /// <summary>The code of version 1; the list is closed.</summary>
    public static string Code(ControlError error) => error switch
    {
        ControlError.BadRequest => "bad_request",
        ControlError.UnknownMethod => "unknown_method",
        ControlError.UnsupportedVersion => "unsupported_version",
        ControlError.NotFound => "not_found",
        ControlError.Conflict => "conflict",
        ControlError.InvalidConfig => "invalid_config",
        ControlError.Denied => "denied",
        ControlError.Timeout => "timeout",
        ControlError.PluginFailed => "plugin_failed",
        ControlError.Unavailable => "unavailable",
        _ => "internal",
    };

    /// <summary>What is wrong with bytes that are no request.</summary>
    public static string Describe(FrameState state) => state switch
    {
        FrameState.NotAnObject => "the request is not a JSON object",
        FrameState.TooDeep => $"the request is nested deeper than {RequestFramer.MaxDepth} levels",
        FrameState.TooLong => $"the request is longer than {ControlRequest.MaxBytes} bytes",
        _ => "the request is not valid JSON",
    };
}
