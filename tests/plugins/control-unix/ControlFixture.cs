using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using VibePN.Contracts;

namespace VibePN.Plugins.ControlUnix.Tests;

/// <summary>A running plugin with its socket in a temporary directory, and clients for it.</summary>
internal sealed class ControlFixture : IAsyncDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vpn-control-");
    private UnixControl? _plugin;

    public FakeContext Context { get; } = new();

    public FakeMethods Methods { get; } = new();

    public string Socket => Path.Combine(_directory.FullName, "run", "vibepn.sock");

    public static async Task<ControlFixture> StartAsync(Action<Dictionary<string, object>>? settings = null)
    {
        var fixture = new ControlFixture();
        settings?.Invoke(fixture.Context.Values);
        await fixture.ServeAsync();
        return fixture;
    }

    public async Task ServeAsync()
    {
        _plugin = new UnixControl(Context);
        await _plugin.StartAsync(CancellationToken.None);
        _plugin.Serve(new ControlOptions { Endpoint = Socket }, Methods);
    }

    public async Task StopAsync()
    {
        if (Interlocked.Exchange(ref _plugin, null) is not { } plugin)
            return;
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        await plugin.StopAsync(deadline.Token);
    }

    public Socket Connect()
    {
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(new UnixDomainSocketEndPoint(Socket));
        client.ReceiveTimeout = 20_000;
        client.SendTimeout = 20_000;
        return client;
    }

    /// <summary>Sends bytes as they are and reads until the daemon closes.</summary>
    public string Ask(ReadOnlySpan<byte> request)
    {
        using Socket client = Connect();
        client.Send(request, SocketFlags.None, out SocketError _);
        return ReadAll(client);
    }

    public string Ask(string request) => Ask(Encoding.UTF8.GetBytes(request));

    /// <summary>Sends, says that this was all, and reads until the daemon closes.</summary>
    public string AskAndEnd(string request)
    {
        using Socket client = Connect();
        client.Send(Encoding.UTF8.GetBytes(request));
        client.Shutdown(SocketShutdown.Send);
        return ReadAll(client);
    }

    /// <summary>Waits for something, not for ever.</summary>
    public static async Task UntilAsync(Func<bool> condition)
    {
        for (int i = 0; !condition(); i++)
        {
            Assert.True(i < 2_000, "It did not become true in 20 s.");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    public static string ReadAll(Socket client)
    {
        using var all = new MemoryStream();
        byte[] buffer = new byte[65536];
        while (true)
        {
            int received = client.Receive(buffer, SocketFlags.None, out SocketError error);
            if (error is SocketError.TimedOut or SocketError.WouldBlock)
                throw new TimeoutException("The daemon neither answered nor closed.");
            if (received <= 0)
                return Encoding.UTF8.GetString(all.ToArray());
            all.Write(buffer, 0, received);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Methods.Release.TrySetResult();
        await StopAsync();
        _directory.Delete(recursive: true);
        Context.Dispose();
    }

    /// <summary>Lets everybody into the directory that holds the socket's, as /run does.</summary>
    public void OpenParentDirectory() => LetEverybodyInto(_directory.FullName);

    /// <summary>Lets everybody as far as the socket itself.</summary>
    public void OpenDirectories()
    {
        OpenParentDirectory();
        LetEverybodyInto(Path.GetDirectoryName(Socket)!);
    }

    private static void LetEverybodyInto(string path) => File.SetUnixFileMode(
        path, File.GetUnixFileMode(path) | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
}

/// <summary>Runs something as another user: credentials belong to a thread, and glibc is kept out of it.</summary>
internal static unsafe partial class AsUser
{
    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nint a, nint b, nint c);

    private static bool IsArm => RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    public static string Run(uint uid, uint[] groups, Func<string> action)
    {
        string result = "";
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                fixed (uint* list = groups)
                    Check(syscall(IsArm ? 159 : 116, groups.Length, (nint)list, 0), "setgroups");
                Check(syscall(IsArm ? 149 : 119, -1, (nint)uid, -1), "setresgid");
                Check(syscall(IsArm ? 147 : 117, -1, (nint)uid, -1), "setresuid");
                result = action();
            }
            catch (Exception error)
            {
                failure = error;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? result : throw failure;
    }

    private static void Check(nint result, string call)
    {
        if (result != 0)
            throw new InvalidOperationException($"{call}: {Marshal.GetLastPInvokeErrorMessage()}; these tests run as root.");
    }
}
