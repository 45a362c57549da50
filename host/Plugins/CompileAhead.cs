using System.Reflection;
using System.Runtime.CompilerServices;

namespace VibePN.Host.Plugins;

/// <summary>Compiles a plugin's code before somebody waits for it.</summary>
/// <remarks>
/// The runtime ignores what was compiled ahead of time where code can be unloaded, and compiles each method in its first
/// call: a thousand clients at once, or an error that has never been before, would meet dozens of such calls in a row.
/// </remarks>
internal static class CompileAhead
{
    private const BindingFlags Own = BindingFlags.DeclaredOnly | BindingFlags.Instance | BindingFlags.Static
        | BindingFlags.Public | BindingFlags.NonPublic;

    /// <summary>
    /// Compiles every method that needs no type to be filled in, on the caller's thread. Runs none of them, and throws nothing
    /// over a type or a method that does not load: it will tell whoever needs it.
    /// </summary>
    /// <param name="assembly">The plugin's own; not those that it brings along.</param>
    /// <param name="cancellationToken">Ends it between two methods.</param>
    /// <returns>How many methods are compiled now.</returns>
    public static int Run(Assembly assembly, CancellationToken cancellationToken)
    {
        int compiled = 0;
        foreach (MethodBase method in TypesOf(assembly).SelectMany(MethodsOf))
        {
            if (cancellationToken.IsCancellationRequested)
                break;
            compiled += TryCompile(method) ? 1 : 0;
        }
        return compiled;
    }

    private static IEnumerable<Type> TypesOf(Assembly assembly)
    {
        try
        {
            return assembly.GetTypes();
        }
        catch (ReflectionTypeLoadException exception)
        {
            return exception.Types.OfType<Type>();
        }
    }

    private static MethodBase[] MethodsOf(Type type)
    {
        try
        {
            return type.ContainsGenericParameters ? [] :
            [
                .. type.GetMethods(Own).Concat<MethodBase>(type.GetConstructors(Own)).Where(method => !method.IsAbstract
                    && !method.ContainsGenericParameters && (method.Attributes & MethodAttributes.PinvokeImpl) == 0),
            ];
        }
        catch (Exception)
        {
            return [];
        }
    }

    private static bool TryCompile(MethodBase method)
    {
        try
        {
            RuntimeHelpers.PrepareMethod(method.MethodHandle);
            return true;
        }
        catch (Exception)
        {
            return false;
        }
    }
}
