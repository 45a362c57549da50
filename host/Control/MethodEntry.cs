using System.Runtime.CompilerServices;
using VibePN.Contracts;

namespace VibePN.Host.Control;

/// <summary>Methods that belong together. <see cref="ControlMethods"/> lists the groups.</summary>
internal interface IMethodGroup
{
    /// <summary>The group's methods.</summary>
    IEnumerable<MethodEntry> Methods { get; }
}

/// <summary>A method with what carries it out.</summary>
/// <param name="Method">What callers see.</param>
/// <param name="Run">
/// Carries it out. Parameters have been checked against <see cref="ControlMethod.Parameters"/>; an exception becomes an error
/// answer.
/// </param>
internal sealed record MethodEntry(
    ControlMethod Method, Func<ControlCall, CancellationToken, IAsyncEnumerable<ControlReply>> Run)
{
    /// <summary>A method that answers once.</summary>
    public static MethodEntry Once(ControlMethod method, Func<ControlCall, CancellationToken, Task<ControlReply>> run) =>
        new(method, (call, cancellationToken) => OneAsync(run, call, cancellationToken));

    private static async IAsyncEnumerable<ControlReply> OneAsync(
        Func<ControlCall, CancellationToken, Task<ControlReply>> run, ControlCall call,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return await run(call, cancellationToken);
    }
}
