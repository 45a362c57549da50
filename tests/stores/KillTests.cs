using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using VibePN.Host.Native;

namespace VibePN.Stores.Tests;

/// <summary>
/// A real process is killed at its n-th file-system call while it writes, for every n; then this process reads.
/// Needs root and strace (tools/install-dependencies.sh test).
/// </summary>
public sealed class KillTests(ITestOutputHelper output) : IDisposable
{
    // strace counts the calls of each name by themselves, so every call is "the n-th of its name". What an
    // architecture does not have is left out by the question mark.
    private static readonly string[] Calls =
    [
        "openat", "read", "write", "close", "fsync", "?rename,?renameat,renameat2", "?unlink,unlinkat", "?mkdir,mkdirat", "statx",
    ];

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _scratch = Directory.CreateTempSubdirectory("vibepn-stores-");

    public void Dispose() => _scratch.Delete(recursive: true);

    [Theory]
    [InlineData("first file")]
    [InlineData("number")]
    [InlineData("pins")]
    [InlineData("enrolled")]
    public async Task Killed_at_any_call_a_writer_leaves_the_old_or_the_new(string kind)
    {
        long start = Stopwatch.GetTimestamp();
        int before = kind == "first file" ? 0 : 1;
        var names = new ConcurrentQueue<string>(Calls);
        var killed = new ConcurrentQueue<(string Call, int Number, int Found)>();
        async Task KillAll()
        {
            while (names.TryDequeue(out string? call))
            {
                bool returned = false;
                for (int number = 1; !returned; number++)
                {
                    string folder = Path.Combine(_scratch.FullName, $"{call.Replace('?', '-')}{number}");
                    Store store = Prepared(kind, folder);
                    returned = await RunKilledAtAsync(call, number, kind, folder);
                    int found = store.Read();
                    Assert.True(found == before + 1 || (!returned && found == before), $"{call} {number}: found {found}");
                    if (!returned)
                        killed.Enqueue((call, number, found));
                    store.Write(found + 1);
                    Assert.Equal(found + 1, store.Read());
                    Assert.Single(Directory.EnumerateFileSystemEntries(Path.Combine(folder, Store.Folder)));
                }
            }
        }
        await Task.WhenAll(KillAll(), KillAll(), KillAll(), KillAll());

        int olds = killed.Count(point => point.Found == before);
        output.WriteLine($"{kind}: killed at {killed.Count} calls, {olds} times old, {killed.Count - olds} times new, "
            + $"in {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s: "
            + string.Join(", ", killed.GroupBy(point => point.Call).Select(calls => $"{calls.Count()} {calls.Key}").Order()));
        // A write makes, writes, synchronises and renames a file, and opens, synchronises and closes directories.
        Assert.InRange(olds, 8, 100);
        Assert.InRange(killed.Count - olds, 3, 100);
        foreach (IGrouping<string, (string Call, int Number, int Found)> calls in killed.GroupBy(point => point.Call))
            Assert.Equal(calls.OrderBy(point => point.Number), calls.OrderBy(point => point.Found).ThenBy(point => point.Number));
    }

    private static Store Prepared(string kind, string folder)
    {
        MakeFolders(folder);
        Store store = Store.Of(kind, KernelFiles.Instance, folder);
        store.Prepare();
        return store;
    }

    private static void MakeFolders(string folder)
    {
        foreach (string made in new[] { folder, Path.Combine(folder, "warm"), Path.Combine(folder, "state") })
            Directory.CreateDirectory(made, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    // True when the write came to its end all the same.
    private static async Task<bool> RunKilledAtAsync(string call, int number, string kind, string folder)
    {
        using Process writer = Start(Environment.ProcessPath!, "write", kind, folder);
        try
        {
            Assert.Equal(Writer.Ready, await ReadLineAsync(writer.StandardOutput));
            using Process tracer = Start(
                "strace", "-f", "-p", writer.Id.ToString(CultureInfo.InvariantCulture), "-o", "/dev/null",
                "-e", "trace=" + call, "-e", $"inject={call}:signal=SIGKILL:when={number}");
            try
            {
                string? line = await ReadLineAsync(tracer.StandardError);
                Assert.Contains("attached", line, StringComparison.Ordinal);
                Task<string> output = writer.StandardOutput.ReadToEndAsync();
                await BeginAsync(writer);
                await writer.WaitForExitAsync().WaitAsync(Patience);
                await tracer.WaitForExitAsync().WaitAsync(Patience);
                bool returned = (await output).Contains(Writer.Written, StringComparison.Ordinal);
                Assert.True(returned || writer.ExitCode == 128 + 9, $"the writer ended with {writer.ExitCode}");
                return returned;
            }
            finally
            {
                End(tracer);
            }
        }
        finally
        {
            End(writer);
        }
    }

    // The first call that strace sees may be the very read of this line: then the writer is dead already.
    private static async Task BeginAsync(Process writer)
    {
        try
        {
            await writer.StandardInput.WriteLineAsync();
            await writer.StandardInput.FlushAsync();
        }
        catch (IOException)
        {
            // Killed before it began, which its exit code tells too.
        }
    }

    private static Process Start(string program, params string[] arguments) =>
        Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        }) ?? throw new InvalidOperationException($"{program} did not start.");

    private static async Task<string?> ReadLineAsync(StreamReader reader) => await reader.ReadLineAsync().WaitAsync(Patience);

    private static void End(Process process)
    {
        if (!process.HasExited)
            process.Kill();
    }
}
