using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using CommandLine;
using VibePN.Vpnctl.Control;
using VibePN.Vpnctl.Diagnosis;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Commands;

/// <summary>Options of <c>bundle</c>.</summary>
internal sealed class BundleOptions : DaemonOptions
{
    [Option("redact", HelpText = "Replace addresses, names and fingerprints by words that stay the same within the bundle.")]
    public bool? Redact { get; set; }

    [Option("config", MetaValue = "PATH", Default = "/etc/vibepn/config.toml", HelpText = "The configuration to pack when no daemon runs.")]
    public string Config { get; set; } = "";

    [Option("plugins", MetaValue = "PATH", Default = "/etc/vibepn/plugins.toml", HelpText = "The list of plugins to pack when no daemon runs.")]
    public string Plugins { get; set; } = "";

    [Option("vibepnd", MetaValue = "PATH",
        HelpText = "The daemon's program, which gathers when no daemon runs. Default: beside vpnctl, in /usr/lib/vibepn, or on the PATH")]
    public string? Program { get; set; }

    [Option("out", MetaValue = "FILE", HelpText = "The file to write; it must not exist. Default: vibepn-bundle-TIME.tar.gz here")]
    public string? Out { get; set; }
}

/// <summary><c>bundle</c>: one file for somebody who helps.</summary>
internal static class BundleCommand
{
    public static int Run(BundleOptions options, Terminal terminal)
    {
        string path = Path.GetFullPath(options.Out
            ?? $"vibepn-bundle-{TimeProvider.System.GetUtcNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture)}.tar.gz");
        bool isRedacted = options.Redact is true;
        if (terminal.Width is not null)
            terminal.Error.WriteLine("Asking the daemon for its state, files and log ...");
        List<(string Name, string Text)> files = Files(Gather(options, isRedacted, terminal));
        Write(path, files);
        if (options.Json is true)
            JsonView.Write(terminal.Out, writer => WriteJson(writer, path, isRedacted, files));
        else
        {
            terminal.Out.WriteLine($"Wrote {Escape.Controls(path)} ({files.Count} files).");
            terminal.Out.WriteLine(isRedacted
                ? "Addresses, names and fingerprints are replaced. Read it before you send it."
                : "It holds addresses, names and fingerprints: --redact replaces them. Keys and secrets are left out.");
        }
        return ExitCode.Ok;
    }

    // A daemon that does not start is the commonest reason for a bundle.
    private static JsonElement Gather(BundleOptions options, bool isRedacted, Terminal terminal)
    {
        try
        {
            return ControlClient.For(options).Call("bundle.create", writer =>
            {
                if (isRedacted)
                    writer.WriteBoolean("redact", true);
            });
        }
        catch (CommandException error) when (error.ExitCode == ExitCode.Unreachable)
        {
            terminal.Error.WriteLine($"{error.Message} The bundle holds the files and the doctor's findings, no state and no log.");
            return DaemonProgram.Find(options.Program).Ask(isRedacted ? "--bundle=redact" : "--bundle", "--config", options.Config, "--plugins", options.Plugins);
        }
    }

    private static List<(string Name, string Text)> Files(JsonElement answer)
    {
        if (answer.ValueKind != JsonValueKind.Array)
            throw new CommandException("vibepnd sent no bundle. vpnctl and vibepnd must be of one release.");
        var files = new List<(string, string)>();
        foreach (JsonElement file in answer.EnumerateArray())
        {
            string name = file.Text("name") ?? "";
            // A name with a folder in it would be unpacked elsewhere.
            if (name.Length == 0 || name.StartsWith('.') || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_'))
                throw new CommandException($"vibepnd sent a file with an impossible name: '{Escape.Controls(name)}'.");
            files.Add((name, file.Text("text") ?? ""));
        }
        return files;
    }

    private static void Write(string path, List<(string Name, string Text)> files)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        try
        {
            using var file = new FileStream(path, options);
            using var zip = new GZipStream(file, CompressionLevel.Optimal);
            using var tar = new TarWriter(zip, TarEntryFormat.Ustar);
            foreach ((string name, string text) in files)
            {
                using var data = new MemoryStream(Encoding.UTF8.GetBytes(text));
                tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, "vibepn-bundle/" + name)
                {
                    DataStream = data,
                    Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                    ModificationTime = TimeProvider.System.GetUtcNow(),
                });
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"{Escape.Controls(path)} cannot be written: {Escape.Controls(error.Message)} Name another file with --out.");
        }
    }

    private static void WriteJson(Utf8JsonWriter writer, string path, bool isRedacted, List<(string Name, string Text)> files)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("files");
        foreach ((string name, _) in files)
            writer.WriteStringValue(name);
        writer.WriteEndArray();
        writer.WriteString("path", path);
        writer.WriteBoolean("redacted", isRedacted);
        writer.WriteEndObject();
    }
}
