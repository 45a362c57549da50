using System.Text.Json;

namespace VibePN.Contracts;

/// <summary>Role <c>control</c>: a front for operators. It brings framing, authentication and limits; the host brings the methods.</summary>
/// <remarks>The same methods serve a Unix socket, another channel and the tests.</remarks>
public interface IControlPlugin : IPlugin
{
    /// <summary>Begins to serve. Called once, after start, when the engine runs.</summary>
    /// <param name="options">Where to listen.</param>
    /// <param name="methods">What can be asked.</param>
    /// <exception cref="PluginException">The endpoint cannot be opened.</exception>
    void Serve(ControlOptions options, IControlMethods methods);
}

/// <summary>Where and how a control plugin serves.</summary>
public sealed record ControlOptions
{
    /// <summary>The endpoint as the configuration has it: for a Unix socket its path.</summary>
    public required string Endpoint { get; init; }
}

/// <summary>What operators can ask. Any thread, several calls at once.</summary>
public interface IControlMethods
{
    /// <summary>All methods, sorted by name.</summary>
    IReadOnlyList<ControlMethod> Describe();

    /// <summary>Runs a method.</summary>
    /// <returns>
    /// One answer for an ordinary method, any number for a streaming one; a <see cref="ControlReply"/> with an error
    /// ends the stream. No exception but cancellation leaves it.
    /// </returns>
    IAsyncEnumerable<ControlReply> InvokeAsync(ControlCall request, CancellationToken cancellationToken);
}

/// <summary>One thing that can be asked.</summary>
/// <param name="Name">Dotted lower-case name, such as <c>plugins.list</c>.</param>
/// <param name="Help">One sentence.</param>
/// <param name="RequiredRole">What a caller must be.</param>
/// <param name="Streaming">Whether it answers more than once.</param>
public sealed record ControlMethod(string Name, string Help, ControlRole RequiredRole, bool Streaming = false);

/// <summary>What a caller may do.</summary>
public enum ControlRole
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Look.</summary>
    Viewer = 1,

    /// <summary>Look and change.</summary>
    Admin = 2,
}

/// <summary>Who asks.</summary>
/// <param name="Role">What the caller may do, as the control plugin found.</param>
/// <param name="Name">For the audit line, such as <c>uid 0 pid 1234</c>.</param>
public sealed record ControlPrincipal(ControlRole Role, string Name);

/// <summary>A question.</summary>
/// <param name="Method">The method's name.</param>
/// <param name="Parameters">A JSON object, or undefined for none.</param>
/// <param name="Principal">Who asks.</param>
public sealed record ControlCall(string Method, JsonElement Parameters, ControlPrincipal Principal);

/// <summary>The closed list of ways a call can fail.</summary>
public enum ControlError
{
    /// <summary>It did not fail.</summary>
    None = 0,

    /// <summary>Parameters are missing or wrong.</summary>
    BadRequest = 1,

    /// <summary>No such method.</summary>
    UnknownMethod = 2,

    /// <summary>A version of the protocol that is not spoken here.</summary>
    UnsupportedVersion = 3,

    /// <summary>What was named does not exist.</summary>
    NotFound = 4,

    /// <summary>The present state forbids it.</summary>
    Conflict = 5,

    /// <summary>The configuration is invalid.</summary>
    InvalidConfig = 6,

    /// <summary>The caller may not.</summary>
    Denied = 7,

    /// <summary>It took too long.</summary>
    Timeout = 8,

    /// <summary>A plugin failed.</summary>
    PluginFailed = 9,

    /// <summary>Not possible now.</summary>
    Unavailable = 10,

    /// <summary>Our own bug.</summary>
    Internal = 11,
}

/// <summary>An answer: a result, or an error with its sentence.</summary>
/// <param name="Result">The result; undefined with an error.</param>
/// <param name="Error">What kind of failure, or none.</param>
/// <param name="Message">The failure in one sentence, with the remedy.</param>
public sealed record ControlReply(JsonElement Result, ControlError Error = ControlError.None, string Message = "");
