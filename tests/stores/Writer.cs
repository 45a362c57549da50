using VibePN.Host.Native;

namespace VibePN.Stores.Tests;

/// <summary>A process that makes one durable write when it is told to, for somebody to kill meanwhile.</summary>
internal static class Writer
{
    public const string Ready = "ready";
    public const string Written = "written";

    public static int Run(string kind, string folder)
    {
        // Everything once before, elsewhere: what is killed is the write, not the loading of code.
        Store warm = Store.Of(kind, KernelFiles.Instance, Path.Combine(folder, "warm"));
        warm.Prepare();
        int next = warm.Read() + 1;
        warm.Write(next);
        Store store = Store.Of(kind, KernelFiles.Instance, folder);
        Say(Ready);
        Console.In.ReadLine();
        store.Write(next);
        Say(Written);
        return 0;
    }

    private static void Say(string line)
    {
        Console.Out.WriteLine(line);
        Console.Out.Flush();
    }
}
