using System.Runtime.InteropServices;
using VibePN.Vpnctl.Native;

namespace VibePN.Vpnctl.Identity;

/// <summary>Whose a file is, and who else may read it.</summary>
/// <param name="Uid">The owner.</param>
/// <param name="Gid">The group.</param>
/// <param name="Mode">The permission bits.</param>
internal sealed record FileOwner(uint Uid, uint Gid, UnixFileMode Mode)
{
    /// <summary>Gives a file or directory away.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public void Apply(string path)
    {
        if (LibC.chown(path, Uid, Gid) != 0)
            throw new IOException($"{path} could not be given to uid {Uid}: {Marshal.GetLastPInvokeErrorMessage()}.");
        File.SetUnixFileMode(path, Mode); // afterwards, because a change of owner clears some bits
    }
}
