using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using VibePN.Vpnctl.Native;
using VibePN.Vpnctl.Rendering;

namespace VibePN.Vpnctl.Configuration;

/// <summary>A config.toml on disk: read whole, and replaced in one step with the owner and the mode it had.</summary>
internal sealed class ConfigFile
{
    private const int MaxBytes = 1 << 20;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly string _target;

    private ConfigFile(string path, string target, string text)
    {
        Path = path;
        _target = target;
        Text = text;
    }

    /// <summary>As the operator gave it.</summary>
    public string Path { get; }

    /// <summary>What it holds, a byte order mark included.</summary>
    public string Text { get; private set; }

    /// <summary>Reads a file.</summary>
    /// <exception cref="CommandException">It cannot be read.</exception>
    public static ConfigFile Read(string path)
    {
        string shown = Escape.Controls(path);
        try
        {
            // The link stays a link.
            string target = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? System.IO.Path.GetFullPath(path);
            byte[] bytes = File.ReadAllBytes(target);
            if (bytes.Length > MaxBytes)
                throw new CommandException($"{shown} is longer than {MaxBytes >> 20} MiB: is it the right file?");
            return new ConfigFile(path, target, StrictUtf8.GetString(bytes));
        }
        catch (FileNotFoundException)
        {
            throw new CommandException($"There is no {shown}. 'vpnctl init' makes one, and --config names another.");
        }
        catch (DirectoryNotFoundException)
        {
            throw new CommandException($"There is no {shown}. 'vpnctl init' makes one, and --config names another.");
        }
        catch (DecoderFallbackException)
        {
            throw new CommandException($"{shown} is not UTF-8 text. Save it as UTF-8.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CommandException($"{shown} cannot be read: {Escape.Controls(error.Message)}");
        }
    }

    /// <summary>Replaces the content: whoever reads at any moment, even after a crash, sees the old file or the new one.</summary>
    /// <exception cref="CommandException">Not written; the old file is there.</exception>
    public void Replace(string text)
    {
        string staged = $"{_target}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}.new";
        try
        {
            try
            {
                Stage(staged, text);
                File.Move(staged, _target, overwrite: true);
            }
            finally
            {
                File.Delete(staged);
            }
            Text = text;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"{Escape.Controls(Path)} was not changed: {Escape.Controls(error.Message)}");
        }
    }

    private unsafe void Stage(string staged, string text)
    {
        Statx facts;
        if (LibC.statx(LibC.AT_FDCWD, _target, 0, LibC.STATX_BASIC_STATS, &facts) != 0)
            throw new IOException(Marshal.GetLastPInvokeErrorMessage());
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        using var stream = new FileStream(staged, options);
        if (LibC.chown(staged, facts.Uid, facts.Gid) != 0)
            throw new IOException($"its owner could not be kept ({Marshal.GetLastPInvokeErrorMessage()}). Run vpnctl as root.");
        File.SetUnixFileMode(staged, (UnixFileMode)(facts.Mode & 0xFFF));
        stream.Write(StrictUtf8.GetBytes(text));
        stream.Flush(flushToDisk: true);
    }
}
