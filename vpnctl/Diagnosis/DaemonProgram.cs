using System.Diagnostics;
using System.ComponentModel;
using System.Text.Json;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Diagnosis;

/// <summary>The daemon's program, which judges files and machine with the code by which it runs.</summary>
/// <param name="path">The program.</param>
internal sealed class DaemonProgram(string path)
{
    private const string Name = "vibepnd";
    private const string PackageFolder = "/usr/lib/vibepn";

    // The checks hash every plugin and read small files.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>The program, for messages.</summary>
    public string Path { get; } = path;

    /// <summary>Finds it: where the operator says, beside this program, where the package puts it, or on the path.</summary>
    /// <param name="named">What the operator says; null for nothing.</param>
    /// <exception cref="CommandException">It is nowhere.</exception>
    public static DaemonProgram Find(string? named)
    {
        if (named is null)
            return Find([AppContext.BaseDirectory, PackageFolder, .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)]);
        return File.Exists(named)
            ? new DaemonProgram(named)
            : throw new CommandException($"there is no {Escape.Controls(named)}. Name the daemon's program with --vibepnd.", ExitCode.Usage);
    }

    /// <summary>Finds it in the first of some folders that has it.</summary>
    /// <exception cref="CommandException">It is in none.</exception>
    public static DaemonProgram Find(IReadOnlyList<string> folders)
    {
        string? found = folders.Select(folder => System.IO.Path.Combine(folder, Name)).FirstOrDefault(File.Exists);
        return found is not null
            ? new DaemonProgram(found)
            : throw new CommandException(
                $"vpnctl has {Name} judge the files, and there is no {Name} beside vpnctl ({AppContext.BaseDirectory}), in {PackageFolder} or on the PATH. "
                + "Install it, or name it with --vibepnd PATH.");
    }

    /// <summary>Runs it and reads what it prints as JSON.</summary>
    /// <exception cref="CommandException">It cannot be run, fails, takes too long, or prints something else.</exception>
    public JsonElement Ask(params IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(Path, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using Process process = Process.Start(start) ?? throw new Win32Exception();
            Task<string> errors = process.StandardError.ReadToEndAsync();
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            if (!process.WaitForExit(Limit))
            {
                process.Kill();
                throw new CommandException($"{Path} did not answer within {Limit.TotalSeconds} s.", ExitCode.TimedOut);
            }
            if (process.ExitCode != 0)
                throw new CommandException($"{Path} ended with {process.ExitCode}: {Escape.Controls(errors.GetAwaiter().GetResult().Trim())}");
            return JsonElement.Parse(output.GetAwaiter().GetResult());
        }
        catch (Win32Exception error)
        {
            throw new CommandException($"{Path} cannot be run: {error.Message}. Install it again.");
        }
        catch (JsonException)
        {
            throw new CommandException($"{Path} does not know what this vpnctl asks. Install both from one release.");
        }
    }
}
