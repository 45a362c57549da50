using VibePN.Host.Plugins;

namespace VibePN.Host.Running;

/// <summary>Holds the state directory: two daemons in one would undo each other's pins and staged plugins.</summary>
internal sealed class StateLock : IDisposable
{
    private readonly FileStream _file;

    private StateLock(FileStream file) => _file = file;

    /// <summary>Makes the directory if need be, and takes it.</summary>
    /// <exception cref="DaemonException">It cannot be made, or another daemon has it.</exception>
    public static StateLock Take(string directory)
    {
        try
        {
            StateFolders.Create(directory);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DaemonException(exception is UnauthorizedAccessException ? ExitCodes.Privilege : ExitCodes.Unavailable,
                $"the state directory {directory} cannot be made: {exception.Message}. Make it for the daemon's user, "
                + "or choose another with 'state' in config.toml.");
        }

        try
        {
            // Sharing nothing takes an advisory lock that ends with the process.
            var options = new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            };
            return new StateLock(new FileStream(Path.Combine(directory, StateFolders.Lock), options));
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new DaemonException(ExitCodes.Privilege,
                $"the state directory {directory} cannot be written: {exception.Message} Give it to the daemon's user.");
        }
        catch (IOException exception)
        {
            throw new DaemonException(ExitCodes.Unavailable,
                $"the state directory {directory} is in use by another vibepnd ({exception.Message}). "
                + "Stop that one, or choose another directory with 'state' in config.toml.");
        }
    }

    /// <summary>Gives the directory back.</summary>
    public void Dispose() => _file.Dispose();
}
