using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace VibePN.Host.Native;

/// <summary>Finds out whether interfaces can be made, by making one that goes away at once.</summary>
internal static class TunProbe
{
    /// <summary>The kernel's door to interfaces.</summary>
    public const string Device = "/dev/net/tun";

    /// <summary>Makes an interface without address, down, and lets it go.</summary>
    /// <returns>What the kernel says against it; null when it worked.</returns>
    public static unsafe string? Refusal()
    {
        using SafeFileHandle file = LibC.open(Device, LibC.O_RDWR | LibC.O_CLOEXEC, 0);
        if (file.IsInvalid)
            return $"{Device} could not be opened: {Marshal.GetLastPInvokeErrorMessage()}";
        var request = new IfReq { Flags = LibC.IFF_TUN | LibC.IFF_NO_PI };
        // The kernel puts the first free number in the place of %d.
        byte[] name = Encoding.ASCII.GetBytes("vpnprobe%d");
        for (int i = 0; i < name.Length; i++)
            request.Name[i] = name[i];
        return LibC.ioctl(file, LibC.TUNSETIFF, &request) < 0
            ? $"no interface could be made: TUNSETIFF returned {Marshal.GetLastPInvokeErrorMessage()}"
            : null;
    }
}
