using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using VibePN.Contracts;

namespace VibePN.Engine.Runtime;

/// <summary>A number that outlives the process, in a file of one line that tells damage from a number.</summary>
/// <remarks>
/// The line is <c>vibepn-NAME 1 NUMBER CHECKSUM</c>: the format's number, then the value, then the SHA-256 of all
/// that is before the last blank. A damaged file is never believed; a copy stays behind as <c>NAME.bad</c>.
/// </remarks>
internal static class StateFile
{
    private const int MaxBytes = 256;

    /// <summary>Reads the number.</summary>
    /// <param name="store">Where the file is.</param>
    /// <param name="name">The file's name.</param>
    /// <param name="fault">Why there is no number although there is a file, as one sentence; otherwise null.</param>
    /// <returns>Null when there is no number.</returns>
    /// <exception cref="IOException">The file cannot be read: nobody knows whether it is damaged.</exception>
    public static ulong? Read(IPluginStore store, string name, out string? fault)
    {
        fault = null;
        if (store.Read(name, MaxBytes) is not { } bytes)
            return null;
        if (TryDecode(name, bytes, out ulong value))
            return value;
        fault = $"State file {store.Location}/{name} is damaged and was put aside as {name}.bad.";
        KeepBad(store, name, bytes);
        return null;
    }

    /// <summary>Makes a number durable.</summary>
    /// <exception cref="IOException">It is not.</exception>
    public static void Write(IPluginStore store, string name, ulong value) => store.Write(name, Encode(name, value));

    /// <summary>The file that holds a number.</summary>
    public static byte[] Encode(string name, ulong value)
    {
        string line = $"vibepn-{name} 1 {value.ToString(CultureInfo.InvariantCulture)}";
        return Encoding.ASCII.GetBytes($"{line} {Checksum(line)}\n");
    }

    /// <summary>The number in a file of that name; false when the file is damaged.</summary>
    public static bool TryDecode(string name, byte[] bytes, out ulong value)
    {
        // Only what Encode writes is a number: comparing with that leaves no second form to be careful about.
        value = 0;
        string[] parts = Encoding.ASCII.GetString(bytes).Split(' ');
        return parts.Length == 4
            && ulong.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out value)
            && bytes.AsSpan().SequenceEqual(Encode(name, value));
    }

    private static string Checksum(string line) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(line)));

    private static void KeepBad(IPluginStore store, string name, byte[] bytes)
    {
        try
        {
            store.Write(name + ".bad", bytes);
        }
        catch (IOException)
        {
            // Evidence for the operator, no more: the daemon goes on without.
        }
    }
}
