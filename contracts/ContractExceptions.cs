namespace VibePN.Contracts;

/// <summary>A plugin cannot start, or cannot do what was asked of it, for a reason the operator can mend.</summary>
/// <remarks>The message is shown to the operator as it is: what failed, on what, the cause, the remedy.</remarks>
public class PluginException : Exception
{
    /// <summary>A fault with its sentence.</summary>
    public PluginException(string message) : base(message) { }

    /// <summary>A fault with its sentence and cause.</summary>
    public PluginException(string message, Exception innerException) : base(message, innerException) { }

    /// <summary>What kind of fault it is, which decides the daemon's exit code.</summary>
    public PluginFault Fault { get; init; }
}

/// <summary>What kind of thing an operator has to mend.</summary>
public enum PluginFault
{
    /// <summary>Something else in the plugin (exit 70).</summary>
    Internal = 0,

    /// <summary>Configuration or settings (exit 78).</summary>
    Configuration = 1,

    /// <summary>Missing privilege (exit 77).</summary>
    Privilege = 2,

    /// <summary>A resource is missing or taken: a port, a name, a library (exit 69).</summary>
    Unavailable = 3,
}

/// <summary>A TUN device could not be opened or configured, or the kernel took it away.</summary>
public class TunException : PluginException
{
    /// <summary>A fault with its sentence, the kernel's words included.</summary>
    public TunException(string message) : base(message) { }

    /// <summary>A fault with its sentence and cause.</summary>
    public TunException(string message, Exception innerException) : base(message, innerException) { }
}
