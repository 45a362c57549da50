namespace VibePN.Host.Native;

/// <summary>How large the buffers of a socket of this process are, whoever opened it.</summary>
internal static class SocketBuffers
{
    /// <summary>The sizes in bytes, as one asks for them; null when the descriptor is no socket any more.</summary>
    /// <param name="descriptor">The number of an open descriptor. One that was closed meanwhile is told, or asked, nothing harmful.</param>
    public static (int Receive, int Send)? Read(int descriptor) =>
        Option(descriptor, LibC.SO_RCVBUF) is { } receive && Option(descriptor, LibC.SO_SNDBUF) is { } send ? (receive, send) : null;

    // socket(7): the kernel doubles what is asked for, and tells the doubled number.
    private static unsafe int? Option(int descriptor, int option)
    {
        int value = 0;
        int length = sizeof(int);
        return LibC.getsockopt(descriptor, LibC.SOL_SOCKET, option, &value, &length) < 0 ? null : value / 2;
    }
}
