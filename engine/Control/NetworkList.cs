using System.Collections.Immutable;
using System.Text;

namespace VibePN.Engine.Control;

/// <summary>The end of a Hello and a HelloAck: u8 count, then u8 number, u8 length and name each.</summary>
internal static class NetworkList
{
    private const int ItemHeader = 2;

    /// <summary>Reads a list that fills <paramref name="source"/> exactly.</summary>
    /// <returns>False for a bad name, a number or name that appears twice, missing or trailing bytes.</returns>
    public static bool TryParse(ReadOnlySpan<byte> source, out ImmutableArray<NumberedNetwork> networks)
    {
        networks = [];
        // The whole list is checked before anything is allocated for it: a count is only a claim.
        if (!IsWellFormed(source))
            return false;
        var list = new NumberedNetwork[source[0]];
        ReadOnlySpan<byte> rest = source[1..];
        for (int i = 0; i < list.Length; i++)
            list[i] = new NumberedNetwork(rest[0], Encoding.ASCII.GetString(TakeName(ref rest)));
        networks = ImmutableArray.Create(list);
        return true;
    }

    /// <summary>Whether a name may stand on the wire: 1 to 32 of <c>a-z 0-9 . _ -</c>.</summary>
    public static bool IsName(ReadOnlySpan<byte> name)
    {
        foreach (byte c in name)
        {
            if (!char.IsAsciiLetterLower((char)c) && !char.IsAsciiDigit((char)c) && (char)c is not ('.' or '_' or '-'))
                return false;
        }
        return name.Length is > 0 and <= ControlLimits.MaxNetworkName;
    }

    private static bool IsWellFormed(ReadOnlySpan<byte> source)
    {
        if (source.IsEmpty)
            return false;
        ReadOnlySpan<byte> rest = source[1..];
        for (int i = 0; i < source[0]; i++)
        {
            if (rest.Length < ItemHeader || rest.Length - ItemHeader < rest[1])
                return false;
            byte number = rest[0];
            ReadOnlySpan<byte> before = source[1..^rest.Length];
            ReadOnlySpan<byte> name = TakeName(ref rest);
            if (!IsName(name) || AppearsIn(before, number, name))
                return false;
        }
        return rest.IsEmpty;
    }

    private static bool AppearsIn(ReadOnlySpan<byte> checkedItems, byte number, ReadOnlySpan<byte> name)
    {
        while (!checkedItems.IsEmpty)
        {
            if (checkedItems[0] == number || TakeName(ref checkedItems).SequenceEqual(name))
                return true;
        }
        return false;
    }

    private static ReadOnlySpan<byte> TakeName(ref ReadOnlySpan<byte> items)
    {
        ReadOnlySpan<byte> name = items.Slice(ItemHeader, items[1]);
        items = items[(ItemHeader + name.Length)..];
        return name;
    }
}
