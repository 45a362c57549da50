using System.Buffers;

namespace VibePN.Prefixes;

/// <summary>Arrays on loan from the shared pool that grow as lists do.</summary>
internal static class Rented
{
    /// <summary>Exchanges a full array for one at least twice as large.</summary>
    public static void Grow<T>(ref T[] array, int used)
    {
        T[] larger = ArrayPool<T>.Shared.Rent(Math.Max(16, checked(2 * used)));
        array.AsSpan(0, used).CopyTo(larger);
        Return(ref array);
        array = larger;
    }

    /// <summary>Gives an array back and forgets it.</summary>
    public static void Return<T>(ref T[] array)
    {
        T[] given = array;
        array = [];
        if (given.Length > 0)
            ArrayPool<T>.Shared.Return(given);
    }
}
