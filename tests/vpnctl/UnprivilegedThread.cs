using System.Runtime.InteropServices;

namespace VibePN.Vpnctl.Tests;

/// <summary>Runs something as nobody: credentials belong to a thread, and glibc is kept out of it.</summary>
internal static partial class UnprivilegedThread
{
    private const nint Nobody = 65534;

    public static TResult Run<TResult>(Func<TResult> action)
    {
        TResult? result = default;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                // setresuid(-1, nobody, -1): the effective user, which also drops the thread's capabilities.
                nint number = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 147 : 117;
                if (syscall(number, -1, Nobody, -1) != 0)
                    throw new InvalidOperationException("setresuid failed; these tests run as root.");
                result = action();
            }
            catch (Exception error)
            {
                failure = error;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? result! : throw failure;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nint a, nint b, nint c);
}
