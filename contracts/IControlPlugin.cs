using System.Diagnostics.CodeAnalysis;
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
public sealed record ControlMethod(string Name, string Help, ControlRole RequiredRole, bool Streaming = false)
{
    /// <summary>What a call may say. A method that changes something takes <c>dry_run</c>.</summary>
    public IReadOnlyList<ControlField> Parameters { get; init; } = [];

    /// <summary>The members of the answer; of each of its objects, when <see cref="ReturnsList"/>.</summary>
    public IReadOnlyList<ControlField> Result { get; init; } = [];

    /// <summary>Whether the answer is an array of objects.</summary>
    public bool ReturnsList { get; init; }
}

/// <summary>A member of a call or of an answer.</summary>
/// <param name="Name">Its name in JSON, lower case with underscores, with the unit where it has one.</param>
/// <param name="Kind">What kind of value it has.</param>
/// <param name="Help">What it means, in a few words.</param>
/// <param name="Required">In a call: whether it must be there. In an answer: whether it is never null.</param>
public sealed record ControlField(string Name, ControlValueKind Kind, string Help, bool Required = false)
{
    /// <summary>Whether the value is a secret, which no log and no audit line may have.</summary>
    public bool Secret { get; init; }
}

/// <summary>Kinds of JSON values, as JSON Schema names them.</summary>
[SuppressMessage("Naming", "CA1720:Identifier contains type name", Justification = "These are JSON Schema's own names.")]
public enum ControlValueKind
{
    /// <summary>Text.</summary>
    String = 0,

    /// <summary>A whole number.</summary>
    Integer = 1,

    /// <summary>A number.</summary>
    Number = 2,

    /// <summary>True or false.</summary>
    Boolean = 3,

    /// <summary>An object.</summary>
    Object = 4,

    /// <summary>A list of texts.</summary>
    Strings = 5,

    /// <summary>A list of objects.</summary>
    Objects = 6,
}

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
public sealed record ControlCall(string Method, JsonElement Parameters, ControlPrincipal Principal)
{
    /// <summary>Whether a parameter that the method does not know is an error; otherwise it is a warning.</summary>
    public bool Strict { get; init; }
}

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
public sealed record ControlReply(JsonElement Result, ControlError Error = ControlError.None, string Message = "")
{
    /// <summary>With an error: what may help, such as the names there are; empty when nothing does.</summary>
    public string Hint { get; init; } = "";

    /// <summary>What is odd about the call although it was carried out, one sentence each.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}
